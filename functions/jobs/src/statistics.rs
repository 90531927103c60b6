//! `GET /api/v1/jobs/statistics`

use std::collections::BTreeMap;

use axum::extract::State;
use serde::Serialize;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json};
use shared::model::{JobStatus, JobType};

use crate::Jobs;

/// How many of the newest jobs are counted at most.
const COUNTED: u32 = 2_000;
/// How many of them are read at once.
const AT_ONCE: u32 = 200;

/// How many jobs are where.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub(crate) struct JobStatistics {
    /// How many were counted.
    total: u32,
    /// Whether all were counted, and not only the newest 2,000.
    complete: bool,
    /// How many have each status.
    by_status: BTreeMap<JobStatus, u32>,
    /// How many are of each type.
    by_type: BTreeMap<JobType, u32>,
}

/// Counts your jobs of the last 60 days.
#[utoipa::path(
    get,
    path = "/api/v1/jobs/statistics",
    tag = "jobs",
    security(("bearer" = [])),
    responses((status = 200, description = "How many there are.", body = JobStatistics)),
)]
pub(crate) async fn get_statistics(
    caller: Caller,
    _: AcceptsJson,
    State(jobs): State<Jobs>,
) -> Result<Json<JobStatistics>> {
    count(&jobs, &caller).await.map(Json)
}

async fn count(jobs: &Jobs, caller: &Caller) -> Result<JobStatistics> {
    let store = jobs.app.store.of(caller);
    let now = jobs.app.clock.now();
    let mut counted = JobStatistics {
        by_status: JobStatus::ALL.map(|status| (status, 0)).into(),
        by_type: JobType::ALL.map(|kind| (kind, 0)).into(),
        ..JobStatistics::default()
    };
    let (mut before, mut looked) = (None, 0);
    while !counted.complete && looked < COUNTED {
        let page = store.job_list(before, AT_ONCE, now).await?;
        looked += AT_ONCE;
        counted.complete = !page.has_more;
        before = page.items.last().map(|last| last.id);
        for job in jobs.views(&store, page.items).await? {
            counted.total += 1;
            *counted.by_status.entry(job.status()).or_default() += 1;
            *counted.by_type.entry(job.kind()).or_default() += 1;
        }
    }
    Ok(counted)
}
