//! `POST /v1/responses`

use axum::extract::State;
use axum::http::header::CONTENT_LOCATION;
use axum::response::{IntoResponse, Response};
use engine::{Fetched, Turn, TurnEvent, TurnRequest};
use shared::auth::Caller;
use shared::http::openai::{Asked, Parameters, Refused};
use shared::http::{IDEMPOTENCY_REPLAYED, IdempotencyKey, Json, REPLAYED, location};
use shared::model::Run;
use shared::store::{Once, TenantStore};
use shared::{Error, Result};
use tokio::sync::mpsc;

use super::super::event_stream;
use super::events::Events;
use super::kept::Kept;
use super::references;
use super::request::{self, NewResponse, Parsed};
use super::thread::Place;
use super::view::{Outcome, ResponseView};
use crate::Chat;
use crate::call::Call;

/// Creates a response.
///
/// As OpenAI's: as a whole, as events that end with `response.completed`, `response.incomplete` or `response.failed`, or in
/// the background. It follows `previous_response_id`, or is in a `conversation`, which is one of `/api/v1/conversations`.
/// `file_search` searches vector stores before the model is asked, and the answer has annotations; calls of functions come
/// back to the client. What this takes of OpenAI's parameters, and what it refuses by name, is in OPENAI.md.
///
/// It is a run like any other (`Content-Location`). It can be fetched for 30 days, or not at all with `store: false`.
#[utoipa::path(
    post,
    path = "/v1/responses",
    tag = "openai",
    security(("bearer" = [])),
    params(
        ("idempotency-key" = Option<String>, Header, pattern = r#"^(?:[!#-~][!-~]{0,254}|"(?:[!#-\[\]-~]|\\["\\]){1,255}")$"#, description = "Any text that is new for each new request, of at most 255 visible ASCII characters."),
    ),
    request_body = NewResponse,
    responses(
        (status = 200, description = "The response, or its events if `stream` is true.", content(
            (ResponseView = "application/json"),
            (super::events::ResponseStream = "text/event-stream"),
        )),
        (status = 404, description = "There is no such model, or no such thing as the request names.", body = shared::http::openai::OpenAiFailure),
        (status = 409, description = "The conversation's turn before is not finished, this one was cancelled, or the same request is being worked on.", body = shared::http::openai::OpenAiFailure),
        (status = 502, description = "The model provider failed.", body = shared::http::openai::OpenAiFailure),
        (status = 504, description = "The model provider took too long.", body = shared::http::openai::OpenAiFailure),
    ),
)]
pub(crate) async fn create_response(
    caller: Caller,
    call: Call,
    State(chat): State<Chat>,
    key: IdempotencyKey,
    Asked(new): Asked<NewResponse>,
) -> Result<Response> {
    let once = once(&caller, &key, &new)?;
    let store = chat.app.store.of(&caller);
    let referred = references::resolved(&chat, &store, new.input()).await?;
    let parsed = new.parse(referred)?;
    let (streams, kept, place) = (parsed.streams, parsed.kept.clone(), parsed.place.clone());
    let deadline = call.deadline.within(chat.app.config.turn_timeout);
    let begun = begin(&chat, &caller, call, parsed, once).await;
    let turn = begun.map_err(|error| request::in_request(error, &place))?;
    let (run, again) = (turn.run.clone(), turn.again);
    let mut response = if streams {
        let events = chat.engine.events(store, turn, deadline);
        event_stream::response(Events::new(run.clone(), kept, None), events)
    } else if kept.background {
        waiting(&chat, &store, turn, &kept).await?
    } else {
        let events = chat.engine.events(store, turn, deadline);
        whole(&run, &kept, events).await?
    };
    let headers = response.headers_mut();
    let path = format!("/api/v1/runs/{}", run.id);
    headers.insert(CONTENT_LOCATION, location(&chat.app, &path)?);
    if again {
        headers.insert(IDEMPOTENCY_REPLAYED, REPLAYED);
    }
    Ok(response)
}

impl Parameters for NewResponse {
    const REFUSED: &'static [Refused] = request::REFUSED;
}

async fn begin(
    chat: &Chat,
    caller: &Caller,
    call: Call,
    parsed: Parsed,
    once: Option<Once>,
) -> Result<Turn> {
    let store = chat.app.store.of(caller);
    let mut place = Place::of(chat, &store, &parsed).await?;
    let Parsed {
        before,
        asked,
        kept,
        ..
    } = parsed;
    place.before.extend(before);
    let fetched = place.fetched_until.map(|until| {
        let text = serde_json::to_string(&kept).map_err(Error::internal)?;
        Ok::<_, Error>(Fetched { text, until })
    });
    let request = TurnRequest {
        conversation: place.conversation,
        thread: place.thread,
        instructions: kept.instructions.clone(),
        before: place.before,
        asked,
        fetched: fetched.transpose()?,
        metadata: kept.metadata.clone(),
        once,
        background: kept.background,
        deadline: call.deadline.within(chat.app.config.turn_timeout),
        request_id: call.trace.request_id(),
        trace: call.trace,
    };
    chat.engine.begin(caller, request).await
}

/// As what the request is done once.
fn once(caller: &Caller, key: &IdempotencyKey, new: &NewResponse) -> Result<Option<Once>> {
    let Some(key) = key.get()? else {
        return Ok(None);
    };
    let body = serde_json::to_vec(new).map_err(Error::internal)?;
    let asks = [b"POST /v1/responses".as_slice(), body.as_slice()];
    Ok(Some(Once::new(caller, key, &asks)))
}

/// The response as it is at once; where the same request has begun it before, as it is by now.
async fn waiting(chat: &Chat, store: &TenantStore, turn: Turn, kept: &Kept) -> Result<Response> {
    let run = if turn.again {
        chat.engine.settled(store, turn.run).await?
    } else {
        Some(turn.run)
    };
    let run = run.ok_or(Error::NotFound("response"))?;
    let fetched = super::Fetched {
        store: store.clone(),
        run,
        kept: kept.clone(),
    };
    Ok(Json(fetched.view().await?).into_response())
}

async fn whole(run: &Run, kept: &Kept, mut events: mpsc::Receiver<TurnEvent>) -> Result<Response> {
    let mut searched = false;
    while let Some(event) = events.recv().await {
        match event {
            TurnEvent::Event(event) => searched |= event.name == "retrieval",
            TurnEvent::Done(_, message) => {
                let outcome = Outcome::Answered(message);
                let view = ResponseView::new(run, kept, &outcome, searched);
                return Ok(Json(view).into_response());
            }
            TurnEvent::Failed(_, Some(error)) | TurnEvent::Cut(error) => return Err(error),
            TurnEvent::Failed(event, None) => return event_stream::failed(&event),
        }
    }
    Err(Error::internal("the run's events ended without a last one"))
}
