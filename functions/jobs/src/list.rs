//! `GET /api/v1/jobs`

use axum::extract::State;
use serde::Deserialize;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, List, Listing, Query, page_limit};
use shared::model::{JobId, JobStatus, JobType};

use crate::Jobs;
use crate::view::JobView;

/// How many jobs one request looks through at most for those that are wanted.
const LOOKED_THROUGH: u32 = 1_000;
/// How many of them are read at once.
const AT_ONCE: u32 = 100;

/// Which jobs to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Selection {
    /// How many to give, from 1 to 100; 20 if left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the reply before.
    cursor: Option<String>,
    /// Only those with this status.
    status: Option<JobStatus>,
    /// Only those of this type.
    #[serde(rename = "type")]
    #[param(rename = "type")]
    kind: Option<JobType>,
}

/// Lists your jobs, newest first.
///
/// With `status` or `type` a page can have fewer jobs than `limit`, or none, although more follow: a request looks
/// through 1,000 jobs at most. Jobs can be looked up for 60 days.
#[utoipa::path(
    get,
    path = "/api/v1/jobs",
    tag = "jobs",
    security(("bearer" = [])),
    params(Selection),
    responses((status = 200, description = "A page of jobs.", body = List<JobView>)),
)]
pub(crate) async fn list_jobs(
    caller: Caller,
    _: AcceptsJson,
    State(jobs): State<Jobs>,
    Query(selection): Query<Selection>,
) -> Result<Json<List<JobView>>> {
    list(&jobs, &caller, &selection).await.map(Json)
}

async fn list(jobs: &Jobs, caller: &Caller, selection: &Selection) -> Result<List<JobView>> {
    let limit = page_limit(selection.limit)?;
    let (status, kind) = (selection.status, selection.kind);
    let name = format!("jobs {status:?} {kind:?}");
    let listing = Listing::new(&jobs.app, caller, name);
    let mut before: Option<JobId> = listing.after(selection.cursor.as_deref()).await?;
    let store = jobs.app.store.of(caller);
    let now = jobs.app.clock.now();
    let at_once = if status.is_some() || kind.is_some() {
        AT_ONCE
    } else {
        limit
    };
    let (mut data, mut looked) = (Vec::new(), 0);
    let mut has_more = true;
    while has_more && looked < LOOKED_THROUGH {
        let page = store.job_list(before, at_once, now).await?;
        looked += at_once;
        has_more = page.has_more;
        before = page.items.last().map(|last| last.id).or(before);
        let views = jobs.views(&store, page.items).await?;
        data.extend(views.into_iter().filter(|job| {
            status.is_none_or(|status| status == job.status())
                && kind.is_none_or(|kind| kind == job.kind())
        }));
        if data.len() >= limit as usize {
            break;
        }
    }
    if data.len() > limit as usize {
        data.truncate(limit as usize);
        has_more = true;
        before = data.last().map(JobView::id);
    }
    let next_cursor = match before.filter(|_| has_more) {
        Some(last) => Some(listing.seal(last).await?),
        None => None,
    };
    Ok(List {
        data,
        has_more: next_cursor.is_some(),
        next_cursor,
    })
}
