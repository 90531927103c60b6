//! `POST /api/v1/conversations/{conversation_id}/messages`

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use engine::{Turn, TurnEvent, TurnRequest};
use serde::Deserialize;
use shared::auth::Caller;
use shared::http::{Deadline, Json, MessageView, Path, TraceContext, Wants};
use shared::model::{ConversationId, MessageContent};
use shared::{Error, Result};

use crate::Chat;
use crate::stream;

/// A message to a model.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMessage {
    /// What to say: up to 200,000 bytes, and no more than fits the model's window.
    #[schema(example = "What is the capital of Norway?", min_length = 1)]
    content: String,
    /// Whether the answer shall come as a stream of events or as a whole.
    #[serde(default)]
    stream: bool,
}

/// Sends a message and gets the model's answer.
///
/// With `stream: false` the answer is the assistant's message. With `stream: true` it is a stream of
/// server-sent events: `start` with all ids, `delta`s with the text, and at last either `done` with the
/// stored message or `error` with a problem document. A stream without one of these two was cut off; the
/// answer is finished and stored nevertheless, and GET on this path finds it.
#[utoipa::path(
    post,
    path = "/api/v1/conversations/{conversation_id}/messages",
    tag = "chat",
    security(("bearer" = [])),
    params(("conversation_id" = ConversationId, Path, description = "The conversation.")),
    request_body = NewMessage,
    responses(
        (status = 200, description = "The answer as it is written, if `stream` is true.", content_type = "text/event-stream", body = stream::TurnStream),
        (status = 201, description = "The answer, if `stream` is false.", body = MessageView),
        (status = 409, description = "The previous turn is not finished.", body = shared::http::Problem, content_type = "application/problem+json"),
        (status = 502, description = "The model provider failed.", body = shared::http::Problem, content_type = "application/problem+json"),
        (status = 504, description = "The model provider took too long.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn send_message(
    caller: Caller,
    wants: Wants,
    State(chat): State<Chat>,
    trace: TraceContext,
    deadline: Deadline,
    Path(conversation): Path<ConversationId>,
    Json(new): Json<NewMessage>,
) -> Result<Response> {
    let request_id = trace.request_id();
    let request = TurnRequest {
        conversation,
        content: MessageContent::parse("/content", &new.content)?,
        deadline: deadline.within(chat.app.config.turn_timeout),
        request_id,
        trace,
    };
    if new.stream {
        wants.stream()?;
        let turn = chat.engine.begin(&caller, request).await?;
        return Ok(stream::response(conversation, request_id, turn));
    }
    wants.json()?;
    let turn = chat.engine.begin(&caller, request).await?;
    let answer = whole(conversation, turn).await?;
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

async fn whole(conversation: ConversationId, mut turn: Turn) -> Result<MessageView> {
    while let Some(event) = turn.events.recv().await {
        match event {
            TurnEvent::Delta(_) => {}
            TurnEvent::Done(message) => return Ok(MessageView::new(conversation, message)),
            TurnEvent::Failed(error) => return Err(error),
        }
    }
    Err(Error::internal("the turn ended without an outcome"))
}
