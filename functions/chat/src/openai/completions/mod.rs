//! `POST /v1/chat/completions`

mod chunks;
mod format;
mod message;
mod request;
mod view;

use axum::extract::State;
use axum::http::header::CONTENT_LOCATION;
use axum::response::{IntoResponse, Response};
use engine::{InThread, TurnEvent, TurnRequest};
use shared::auth::Caller;
use shared::http::openai::{Asked, Parameters, Refused};
use shared::http::{IDEMPOTENCY_REPLAYED, IdempotencyKey, Json, REPLAYED, location};
use shared::model::{ConversationId, FinishReason};
use shared::store::{EVENTS_LAST, Once};
use shared::{Error, Result};
use tokio::sync::mpsc;

pub(super) use self::format::described;
use self::request::NewCompletion;
use self::view::Completion;
use super::event_stream;
use crate::Chat;
use crate::call::Call;

/// Creates a chat completion.
///
/// As OpenAI's: the whole conversation is in the request, and the answer comes as a whole or, with `stream: true`, as
/// `chat.completion.chunk` events that end with `[DONE]`. Calls of the client's tools come back to it. With
/// `metadata.knowledge_base_ids` (ids of vector stores with commas between them) the answer is made from their documents, and
/// has `annotations`. What this takes of OpenAI's parameters, and what it refuses by name, is in OPENAI.md.
///
/// It is a run like any other (`Content-Location`). Nothing of the request is stored; the answer and its events are, for a
/// day, so that the same request with the same `Idempotency-Key` gets the same answer.
#[utoipa::path(
    post,
    path = "/v1/chat/completions",
    tag = "openai",
    security(("bearer" = [])),
    params(
        ("idempotency-key" = Option<String>, Header, pattern = r#"^(?:[!#-~][!-~]{0,254}|"(?:[!#-\[\]-~]|\\["\\]){1,255}")$"#, description = "Any text that is new for each new request, of at most 255 visible ASCII characters."),
    ),
    request_body = NewCompletion,
    responses(
        (status = 200, description = "The answer, or its chunks if `stream` is true.", content(
            (Completion = "application/json"),
            (chunks::ChunkStream = "text/event-stream"),
        )),
        (status = 404, description = "There is no such model, or no such thing as the request names.", body = shared::http::openai::OpenAiFailure),
        (status = 409, description = "The conversation's turn before is not finished, this one was cancelled, or the same request is being worked on.", body = shared::http::openai::OpenAiFailure),
        (status = 502, description = "The model provider failed.", body = shared::http::openai::OpenAiFailure),
        (status = 504, description = "The model provider took too long.", body = shared::http::openai::OpenAiFailure),
    ),
)]
pub(crate) async fn create_chat_completion(
    caller: Caller,
    call: Call,
    State(chat): State<Chat>,
    key: IdempotencyKey,
    Asked(new): Asked<NewCompletion>,
) -> Result<Response> {
    let streams = new.stream.unwrap_or_default();
    let once = once(&caller, &key, &new)?;
    let with_usage = new.wants_usage();
    let parsed = new.parse()?;
    let place = parsed.place.clone();
    let deadline = call.deadline.within(chat.app.config.turn_timeout);
    let until = chat.app.clock.now().plus(EVENTS_LAST);
    let request = TurnRequest {
        conversation: ConversationId::new(),
        thread: Some(InThread {
            is_new: true,
            has_messages: false,
            system_prompt: None,
            until,
            keeps_question: false,
        }),
        instructions: parsed.system,
        before: parsed.before,
        asked: parsed.asked,
        fetched: None,
        metadata: parsed.metadata,
        once,
        background: false,
        deadline,
        request_id: call.trace.request_id(),
        trace: call.trace,
    };
    let begun = chat.engine.begin(&caller, request).await;
    let turn = begun.map_err(|error| request::in_request(error, &place))?;
    let (run, again) = (turn.run.clone(), turn.again);
    let store = chat.app.store.of(&caller);
    let events = chat.engine.events(store, turn, deadline);
    let mut response = if streams {
        event_stream::response(chunks::Chunks::new(&run, with_usage), events)
    } else {
        whole(&run, events).await?
    };
    let headers = response.headers_mut();
    let path = format!("/api/v1/runs/{}", run.id);
    headers.insert(CONTENT_LOCATION, location(&chat.app, &path)?);
    if again {
        headers.insert(IDEMPOTENCY_REPLAYED, REPLAYED);
    }
    Ok(response)
}

impl Parameters for NewCompletion {
    const REFUSED: &'static [Refused] = request::REFUSED;
}

/// As what the request is done once.
fn once(caller: &Caller, key: &IdempotencyKey, new: &NewCompletion) -> Result<Option<Once>> {
    let Some(key) = key.get()? else {
        return Ok(None);
    };
    let body = serde_json::to_vec(new).map_err(Error::internal)?;
    let asks = [b"POST /v1/chat/completions".as_slice(), body.as_slice()];
    Ok(Some(Once::new(caller, key, &asks)))
}

async fn whole(
    run: &shared::model::Run,
    mut events: mpsc::Receiver<TurnEvent>,
) -> Result<Response> {
    while let Some(event) = events.recv().await {
        match event {
            TurnEvent::Event(_) => {}
            TurnEvent::Done(_, message) => {
                let reason = message.answer.as_ref().map(|answer| answer.finish_reason);
                return match reason {
                    // What there is of it is no answer in OpenAI's words.
                    Some(FinishReason::Cancelled) => Err(Error::RunCancelled),
                    Some(FinishReason::Interrupted) => Err(Error::RunInterrupted),
                    _ => Ok(Json(Completion::new(run, *message)).into_response()),
                };
            }
            TurnEvent::Failed(_, Some(error)) | TurnEvent::Cut(error) => return Err(error),
            TurnEvent::Failed(event, None) => return event_stream::failed(&event),
        }
    }
    Err(Error::internal("the run's events ended without a last one"))
}
