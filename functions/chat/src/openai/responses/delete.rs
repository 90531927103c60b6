//! `DELETE /v1/responses/{response_id}`

use axum::extract::State;
use serde::Serialize;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, Path};
use shared::model::ResponseId;
use shared::{Error, Result};

use super::{fetch, parse};
use crate::Chat;

/// That something is deleted.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiDeletedResponse)]
pub(crate) struct Deleted {
    id: ResponseId,
    object: &'static str,
    deleted: bool,
}

/// Deletes a response.
///
/// What it asked and answered goes with it, also for responses that follow it. What stands in a conversation stays there.
/// Its run stays, with what it cost.
#[utoipa::path(
    delete,
    path = "/v1/responses/{response_id}",
    tag = "openai",
    security(("bearer" = [])),
    params(("response_id" = ResponseId, Path, description = "The response.")),
    responses((status = 200, description = "It is deleted.", body = Deleted)),
)]
pub(crate) async fn delete_response(
    _: AcceptsJson,
    caller: Caller,
    State(chat): State<Chat>,
    Path(id): Path<String>,
) -> Result<Json<Deleted>> {
    let id = parse(&id)?;
    let fetched = fetch(&chat, &caller, id).await?;
    let run = &fetched.run;
    if !run.status.is_terminal() {
        return Err(Error::Conflict(
            "the response is still made; cancel it first",
        ));
    }
    let first = run.question_sequence.saturating_sub(fetched.kept.before);
    fetched.store.response_delete(run, first).await?;
    Ok(Json(Deleted {
        id,
        object: "response",
        deleted: true,
    }))
}
