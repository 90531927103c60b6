//! `GET /v1/responses/{response_id}`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shared::auth::Caller;
use shared::http::{Json, Path, Query};
use shared::{Error, Result};

use super::super::event_stream;
use super::events::Events;
use super::view::ResponseView;
use super::{Fetched, fetch, parse};
use crate::Chat;
use crate::call::Call;

/// How a response is fetched.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct How {
    /// Whether as events.
    #[serde(default)]
    stream: bool,
    /// The `sequence_number` of the last event that is known already.
    starting_after: Option<u64>,
}

/// Fetches a response.
///
/// With `stream=true` its events from the first on, or after `starting_after`: the same and with the same numbers as in the
/// answer to the request that made it, while it is made and for a day. After that there are only the first and the last.
#[utoipa::path(
    get,
    path = "/v1/responses/{response_id}",
    tag = "openai",
    security(("bearer" = [])),
    params(
        ("response_id" = shared::model::ResponseId, Path, description = "The response."),
        How,
    ),
    responses(
        (status = 200, description = "The response, or its events.", content(
            (ResponseView = "application/json"),
            (super::events::ResponseStream = "text/event-stream"),
        )),
    ),
)]
pub(crate) async fn get_response(
    caller: Caller,
    call: Call,
    State(chat): State<Chat>,
    Path(id): Path<String>,
    Query(how): Query<How>,
) -> Result<Response> {
    if how.starting_after.is_some() && !how.stream {
        let detail = "is only for streams; set `stream` to true";
        return Err(Error::invalid("starting_after", detail));
    }
    let fetched = fetch(&chat, &caller, parse(&id)?).await?;
    if !how.stream {
        return Ok(Json(fetched.view().await?).into_response());
    }
    let Fetched { store, run, kept } = fetched;
    let until = call.deadline.within(chat.app.config.turn_timeout);
    let events = chat.engine.follow(store, run.clone(), 0, until);
    let made = Events::new(run, kept, how.starting_after);
    Ok(event_stream::response(made, events))
}
