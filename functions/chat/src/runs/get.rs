//! `GET /api/v1/runs/{run_id}`

use axum::extract::State;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, Path};
use shared::model::{Run, RunId};
use shared::{Error, Result};

use super::view::RunView;
use crate::Chat;

/// Gets a run.
#[utoipa::path(
    get,
    path = "/api/v1/runs/{run_id}",
    tag = "runs",
    security(("bearer" = [])),
    params(("run_id" = RunId, Path, description = "The run.")),
    responses((status = 200, description = "The run.", body = RunView)),
)]
pub(crate) async fn get_run(
    caller: Caller,
    _: AcceptsJson,
    State(chat): State<Chat>,
    Path(id): Path<RunId>,
) -> Result<Json<RunView>> {
    let run = read(&chat, &caller, id).await?;
    Ok(Json(run.into()))
}

/// A run of the caller's as it is; one whose process died is ended by this.
pub(super) async fn read(chat: &Chat, caller: &Caller, id: RunId) -> Result<Run> {
    let store = chat.app.store.of(caller);
    let run = store.run_get(id).await?.ok_or(Error::NotFound("run"))?;
    let run = chat.engine.settled(&store, run).await?;
    run.ok_or(Error::NotFound("run"))
}
