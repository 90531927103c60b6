//! `GET /api/v1/runs/{run_id}/events`

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shared::auth::Caller;
use shared::http::{Path, Query};
use shared::model::RunId;
use shared::{Error, Result};

use super::get::read;
use crate::call::Call;
use crate::{Chat, stream};

const LAST_EVENT_ID: &str = "last-event-id";

/// From where on to read.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Selection {
    /// The number of the last event that is known already: the ones after it are sent. All are if it is left out. The
    /// header `Last-Event-ID` is the same, and wins, because browsers send it when they connect again.
    #[param(minimum = 0)]
    starting_after: Option<u64>,
}

/// Reads along with a run.
///
/// Server-sent events, the same and with the same numbers as in the answer to the message that began the run,
/// from any of them to the last. They are kept for a day; after that only the last one is sent. A stream that ends
/// with an `error` without an `id` has reached the time limit of a request: connect again.
#[utoipa::path(
    get,
    path = "/api/v1/runs/{run_id}/events",
    tag = "runs",
    security(("bearer" = [])),
    params(
        ("run_id" = RunId, Path, description = "The run."),
        ("last-event-id" = Option<u64>, Header, description = "The number of the last event that is known already."),
        Selection,
    ),
    responses(
        (status = 200, description = "The events.", content_type = "text/event-stream", body = stream::TurnStream),
        (status = 204, description = "There is none after that one, and never will be."),
    ),
)]
pub(crate) async fn get_events(
    caller: Caller,
    call: Call,
    State(chat): State<Chat>,
    Path(id): Path<RunId>,
    Query(selection): Query<Selection>,
    headers: HeaderMap,
) -> Result<Response> {
    call.wants.stream()?;
    let known = last_event_id(&headers)?.or(selection.starting_after);
    let from = known.map_or(0, |known| known.saturating_add(1));
    let run = read(&chat, &caller, id).await?;
    if run.end.is_some_and(|end| end.last < from) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let store = chat.app.store.of(&caller);
    let until = call.deadline.within(chat.app.config.turn_timeout);
    let events = chat.engine.follow(store, run, from, until);
    Ok(stream::response(call.trace.request_id(), events))
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>> {
    let Some(value) = headers.get(LAST_EVENT_ID) else {
        return Ok(None);
    };
    let text = value.to_str().ok();
    // A client that has had no event yet sends it empty, or not at all.
    if text == Some("") {
        return Ok(None);
    }
    let number = text.and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| {
        let wrong = "`Last-Event-ID` must be the `id` of an event of this run: a whole number";
        Error::Malformed(wrong.to_owned())
    })
}
