//! `POST /api/v1/conversations/{conversation_id}/messages`

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LOCATION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use engine::{Asked, OutputFormat, ToolChoice, ToolSpec, TurnEvent, TurnRequest};
use serde::{Deserialize, Serialize};
use shared::auth::Caller;
use shared::http::{
    IDEMPOTENCY_REPLAYED, IdempotencyKey, Json, MessageView, Path, REPLAYED, location,
};
use shared::model::{Content, ConversationId, ModelSettings, Question, RunEvent};
use shared::store::Once;
use shared::{Error, Result};
use tokio::sync::mpsc;

use crate::Chat;
use crate::call::Call;
use crate::runs::view::RunView;
use crate::stream;

/// A message to a model.
#[derive(Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMessage {
    /// What to say: text of up to 200,000 bytes, or up to 64 parts of 300,000 bytes of JSON together, and no more than
    /// fits the model's window. After an answer with calls of tools: their results, or something else, and then the
    /// calls are given up.
    #[schema(example = "What is the capital of Norway?")]
    content: Content,
    /// The model or route that shall answer this message; the conversation's if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// How it shall answer; what is left out is said by the conversation, or else by the tenant's registry.
    #[serde(default)]
    #[schema(required = false)]
    settings: ModelSettings,
    /// What the model may call. A call is part of the answer, whose `finish_reason` is then `tool_calls`: whoever asked
    /// does it, and sends the results as the next message, with the tools again. Up to 25 such rounds follow each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, max_items = 128)]
    tools: Vec<ToolSpec>,
    /// Whether it must call one.
    #[serde(default)]
    #[schema(required = false)]
    tool_choice: ToolChoice,
    /// What the text of the answer must be.
    #[serde(default)]
    #[schema(required = false)]
    response_format: OutputFormat,
    /// Whether the answer shall come as a stream of events or as a whole.
    #[serde(default)]
    stream: bool,
    /// Whether a worker shall run it: it may take longer than a request, up to 14 minutes, and is answered with the run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    background: bool,
}

/// Sends a message and gets the model's answer.
///
/// With `stream: false` the answer is the assistant's message. With `stream: true` it is a stream of
/// server-sent events: `start` with all ids, `delta`s with the text, and at last either `done` with the
/// stored message or `error` with a problem document. Between them `reasoning`, `tool_call` and `tool_arguments` tell
/// what else the model makes, and a `switch` tells that another model of a
/// route is asked, and that the answer begins anew. A stream without one of these two was cut off; the
/// answer is finished and stored nevertheless, and the events of its run can be read on from any of them at
/// `GET /api/v1/runs/{run_id}/events`.
///
/// With `background: true` it is answered at once with the run, which is `queued` until a worker begins it, within an
/// hour or never. `GET /api/v1/runs/{run_id}` and its events tell what becomes of it. With `stream: true` too, the answer
/// is the stream of these events.
///
/// With an `Idempotency-Key` the same request, sent again within a day, is answered with the same run: as it comes if
/// it is still going on, and with `Idempotency-Replayed: true`.
#[utoipa::path(
    post,
    path = "/api/v1/conversations/{conversation_id}/messages",
    tag = "chat",
    security(("bearer" = [])),
    params(
        ("conversation_id" = ConversationId, Path, description = "The conversation."),
        ("idempotency-key" = Option<String>, Header, pattern = r#"^(?:[!#-~][!-~]{0,254}|"(?:[!#-\[\]-~]|\\["\\]){1,255}")$"#, description = "Any text that is new for each new request, of at most 255 visible ASCII characters."),
    ),
    request_body = NewMessage,
    responses(
        (status = 200, description = "The answer as it is written, if `stream` is true.", content_type = "text/event-stream", body = stream::TurnStream),
        (status = 201, description = "The answer, if `stream` is false. `Content-Location` is its run.", body = MessageView),
        (status = 202, description = "The run, if `background` is true and `stream` is not. It is `Content-Location` too.", body = RunView),
        (status = 409, description = "The previous turn is not finished, or this one was cancelled.", body = shared::http::Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests, or a budget has no room for the turn: `budget` says whose. No provider was asked. `Retry-After` says when there may be room; without it there never will be.", body = shared::http::Problem, content_type = "application/problem+json"),
        (status = 502, description = "The model provider failed.", body = shared::http::Problem, content_type = "application/problem+json"),
        (status = 503, description = "The run broke off, or the knowledge bases could not be searched.", body = shared::http::Problem, content_type = "application/problem+json"),
        (status = 504, description = "The model provider took too long.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn send_message(
    caller: Caller,
    call: Call,
    State(chat): State<Chat>,
    key: IdempotencyKey,
    Path(conversation): Path<ConversationId>,
    Json(new): Json<NewMessage>,
) -> Result<Response> {
    let request_id = call.trace.request_id();
    if new.stream {
        call.wants.stream()?;
    } else {
        call.wants.json()?;
    }
    let faults = new.settings.faults("/settings");
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    let request = TurnRequest {
        conversation,
        thread: None,
        instructions: None,
        before: Vec::new(),
        fetched: None,
        metadata: BTreeMap::new(),
        once: once(&caller, &key, conversation, &new)?,
        asked: Asked {
            question: Question::parse("/content", new.content)?,
            model: new.model,
            settings: new.settings,
            tools: new.tools,
            tool_choice: new.tool_choice,
            output: new.response_format,
            one_call: false,
            must_fit: false,
            begins_once: false,
        },
        background: new.background,
        deadline: call.deadline.within(chat.app.config.turn_timeout),
        request_id,
        trace: call.trace,
    };
    let deadline = request.deadline;
    let turn = chat.engine.begin(&caller, request).await?;
    let (run, again) = (turn.run.id, turn.again);
    let events = |turn| {
        let store = chat.app.store.of(&caller);
        chat.engine.events(store, turn, deadline)
    };
    let mut response = match (new.stream, new.background) {
        (true, _) => stream::response(request_id, events(turn)),
        (false, true) => {
            let view = RunView::from(turn.run);
            (StatusCode::ACCEPTED, Json(view)).into_response()
        }
        (false, false) => whole(conversation, events(turn)).await?,
    };
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_LOCATION,
        location(&chat.app, &format!("/api/v1/runs/{run}"))?,
    );
    if again {
        headers.insert(IDEMPOTENCY_REPLAYED, REPLAYED);
    }
    Ok(response)
}

/// As what the request is done once.
fn once(
    caller: &Caller,
    key: &IdempotencyKey,
    conversation: ConversationId,
    new: &NewMessage,
) -> Result<Option<Once>> {
    let Some(key) = key.get()? else {
        return Ok(None);
    };
    // As JSON without white space and in one order of its members: how the client wrote it does not matter.
    let body = serde_json::to_vec(new).map_err(Error::internal)?;
    let route = format!("POST /api/v1/conversations/{conversation}/messages");
    let asks = [route.as_bytes(), body.as_slice()];
    Ok(Some(Once::new(caller, key, &asks)))
}

async fn whole(
    conversation: ConversationId,
    mut events: mpsc::Receiver<TurnEvent>,
) -> Result<Response> {
    while let Some(event) = events.recv().await {
        match event {
            TurnEvent::Event(_) => {}
            TurnEvent::Done(_, message) => {
                let view = MessageView::new(conversation, *message);
                return Ok((StatusCode::CREATED, Json(view)).into_response());
            }
            TurnEvent::Failed(_, Some(error)) | TurnEvent::Cut(error) => return Err(error),
            TurnEvent::Failed(event, None) => return failed_before(event),
        }
    }
    Err(Error::internal("the run's events ended without a last one"))
}

/// The problem of a run that failed elsewhere, as it was told there.
fn failed_before(event: RunEvent) -> Result<Response> {
    #[derive(Deserialize)]
    struct Told {
        status: u16,
    }
    let told: Told = serde_json::from_str(&event.data).map_err(Error::internal)?;
    let status = StatusCode::from_u16(told.status).map_err(Error::internal)?;
    let problem = [(CONTENT_TYPE, "application/problem+json")];
    Ok((status, problem, event.data).into_response())
}
