//! `POST /api/v1/jobs/redrive`

use axum::extract::State;
use serde::Serialize;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json};

use crate::Jobs;
use crate::retry::again;

/// How many jobs one request retries at most.
const AT_ONCE: u32 = 100;

/// What became of the jobs that had failed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Redriven {
    /// How many wait for a worker again.
    retried: u32,
    /// Whether there are more; ask again.
    has_more: bool,
}

/// Tries all jobs of the tenant again that failed, of everybody.
///
/// For an administrator who has mended what they failed of. At most 100 at once, the oldest first. Each is done on behalf
/// of whoever it was for. Turns in the background are none of them: they are not tried again.
#[utoipa::path(
    post,
    path = "/api/v1/jobs/redrive",
    tag = "jobs",
    security(("bearer" = [])),
    responses((status = 200, description = "How many are tried again.", body = Redriven)),
)]
pub(crate) async fn redrive_jobs(
    caller: Caller,
    _: AcceptsJson,
    State(jobs): State<Jobs>,
) -> Result<Json<Redriven>> {
    redrive(&jobs, &caller).await.map(Json)
}

async fn redrive(jobs: &Jobs, caller: &Caller) -> Result<Redriven> {
    let store = jobs.app.store.of(caller);
    let (failed, has_more) = store.jobs_failed(AT_ONCE).await?;
    let mut retried = 0;
    for failed in failed {
        let owner = store.of_failed(&failed);
        let found = owner.job_get(failed.id, jobs.app.clock.now()).await?;
        let again = match found {
            Some(stored) => again(jobs, &owner, &stored).await?.is_some(),
            // Its row has expired.
            None => {
                owner.job_failed_forget(failed.id).await?;
                false
            }
        };
        retried += u32::from(again);
    }
    tracing::info!(tenant.id = %caller.tenant(), retried, "failed jobs are tried again");
    Ok(Redriven { retried, has_more })
}
