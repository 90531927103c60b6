//! `POST /api/v1/jobs/{job_id}/cancel`

use axum::extract::State;
use axum::http::StatusCode;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, Path};
use shared::model::JobId;
use shared::{Error, Result};

use crate::Jobs;
use crate::known::Known;
use crate::view::JobView;

/// How often it is tried while workers begin and end the job.
const ATTEMPTS: u32 = 4;

/// Stops a job.
///
/// One that waits ends at once, and so does one whose worker died. A worker learns it within about 15 seconds. What was
/// done until then stays done. A job that has ended stays as it is.
#[utoipa::path(
    post,
    path = "/api/v1/jobs/{job_id}/cancel",
    tag = "jobs",
    security(("bearer" = [])),
    params(("job_id" = JobId, Path, description = "The job.")),
    responses(
        (status = 200, description = "It has ended, or had before.", body = JobView),
        (status = 202, description = "It will stop.", body = JobView),
    ),
)]
pub(crate) async fn cancel_job(
    caller: Caller,
    _: AcceptsJson,
    State(jobs): State<Jobs>,
    Path(id): Path<JobId>,
) -> Result<(StatusCode, Json<JobView>)> {
    let job = cancel(&jobs, &caller, id).await?;
    let status = if job.status().is_terminal() {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    Ok((status, Json(job)))
}

async fn cancel(jobs: &Jobs, caller: &Caller, id: JobId) -> Result<JobView> {
    let store = jobs.app.store.of(caller);
    for _ in 0..ATTEMPTS {
        let stopped = match jobs.known(caller, id).await? {
            Known::Run(_, run) if !run.status.is_terminal() => {
                jobs.engine.cancel(&store, *run).await?;
                true
            }
            Known::Job(stored) if !stored.job.status.is_terminal() => {
                store.job_cancel(&stored, jobs.app.clock.now()).await?
            }
            Known::Run(..) | Known::Job(_) => true,
        };
        if stopped {
            return jobs.known(caller, id).await.map(JobView::from);
        }
    }
    Err(Error::unavailable("workers begin and end the job"))
}
