//! `GET /api/v1/jobs/{job_id}`

use axum::extract::State;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, Path};
use shared::model::JobId;

use crate::Jobs;
use crate::view::JobView;

/// Gets a job.
#[utoipa::path(
    get,
    path = "/api/v1/jobs/{job_id}",
    tag = "jobs",
    security(("bearer" = [])),
    params(("job_id" = JobId, Path, description = "The job.")),
    responses((status = 200, description = "The job.", body = JobView)),
)]
pub(crate) async fn get_job(
    caller: Caller,
    _: AcceptsJson,
    State(jobs): State<Jobs>,
    Path(id): Path<JobId>,
) -> Result<Json<JobView>> {
    let known = jobs.known(&caller, id).await?;
    Ok(Json(known.into()))
}
