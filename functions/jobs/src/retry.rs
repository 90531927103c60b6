//! `POST /api/v1/jobs/{job_id}/retry`

use axum::extract::State;
use axum::http::StatusCode;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, Path};
use shared::model::{JobId, JobStatus};
use shared::store::{Moved, StoredJob, TenantStore};
use shared::{Error, Result};

use crate::Jobs;
use crate::known::Known;
use crate::view::JobView;

/// Tries a job again that failed or was cancelled.
///
/// It begins anew, with all its attempts. A turn in the background is not tried again: its message is kept, so send it
/// again.
#[utoipa::path(
    post,
    path = "/api/v1/jobs/{job_id}/retry",
    tag = "jobs",
    security(("bearer" = [])),
    params(("job_id" = JobId, Path, description = "The job.")),
    responses(
        (status = 202, description = "It waits for a worker again.", body = JobView),
        (status = 409, description = "It has not failed, or is a run.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn retry_job(
    caller: Caller,
    _: AcceptsJson,
    State(jobs): State<Jobs>,
    Path(id): Path<JobId>,
) -> Result<(StatusCode, Json<JobView>)> {
    let job = retry(&jobs, &caller, id).await?;
    Ok((StatusCode::ACCEPTED, Json(job)))
}

async fn retry(jobs: &Jobs, caller: &Caller, id: JobId) -> Result<JobView> {
    let stored = match jobs.known(caller, id).await? {
        Known::Job(stored) => stored,
        Known::Run(..) => {
            return Err(Error::Conflict(
                "a run is not tried again, because its model was asked already; send its message again",
            ));
        }
    };
    let store = jobs.app.store.of(caller);
    match again(jobs, &store, &stored).await? {
        Some(stored) => Ok(JobView::of(stored.job)),
        None => Err(Error::Conflict(
            "only a job that has failed or was cancelled can be retried",
        )),
    }
}

/// The job as it waits again. `None` if it can't be retried, or somebody else was quicker.
pub(crate) async fn again(
    jobs: &Jobs,
    store: &TenantStore,
    stored: &StoredJob,
) -> Result<Option<StoredJob>> {
    let job = &stored.job;
    if ![JobStatus::Failed, JobStatus::Cancelled].contains(&job.status) {
        return Ok(None);
    }
    let after = StoredJob {
        job: job.retried(jobs.app.clock.now()),
        mandate: stored.mandate,
    };
    if store.job_move(job, &after, None).await? != Moved::Yes {
        return Ok(None);
    }
    jobs.tell(&after.job).await;
    Ok(Some(after))
}
