//! `POST /api/v1/runs/{run_id}/cancel`

use axum::extract::State;
use axum::http::StatusCode;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, Path};
use shared::model::RunId;

use super::get::read;
use super::view::RunView;
use crate::Chat;

/// Stops a run.
///
/// One that waits in the queue ends at once. The process that works on it learns it within about a second. What was written until then is kept as the
/// answer, with the finish reason `cancelled`; where nothing was written the run ends with a problem. A run that has
/// ended stays as it is.
#[utoipa::path(
    post,
    path = "/api/v1/runs/{run_id}/cancel",
    tag = "runs",
    security(("bearer" = [])),
    params(("run_id" = RunId, Path, description = "The run.")),
    responses(
        (status = 200, description = "It has ended, or had before.", body = RunView),
        (status = 202, description = "It will stop: its events tell when.", body = RunView),
    ),
)]
pub(crate) async fn cancel_run(
    caller: Caller,
    _: AcceptsJson,
    State(chat): State<Chat>,
    Path(id): Path<RunId>,
) -> Result<(StatusCode, Json<RunView>)> {
    let run = read(&chat, &caller, id).await?;
    if !run.status.is_terminal() {
        let store = chat.app.store.of(&caller);
        chat.engine.cancel(&store, run).await?;
    }
    let run = read(&chat, &caller, id).await?;
    let status = if run.status.is_terminal() {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    Ok((status, Json(run.into())))
}
