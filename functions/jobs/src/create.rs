//! `POST /api/v1/jobs`

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{HeaderName, HeaderValue, LOCATION};
use serde::Deserialize;
use shared::auth::Caller;
use shared::clock::Moment;
use shared::http::{AcceptsJson, Json, location};
use shared::model::{ConversationId, Job, JobPriority, JobTask, MAX_JOB_DELAY, Origin};
use shared::store::StoredJob;
use shared::{Error, Result};

use crate::Jobs;
use crate::view::JobView;

/// What can be created here. Other jobs are created by what causes them.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum NewJobType {
    /// A model gives a conversation its title.
    ConversationTitle,
}

/// A job to be created.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewJob {
    /// What kind of work it is.
    #[serde(rename = "type")]
    kind: NewJobType,
    /// The conversation that gets a title.
    #[schema(value_type = ConversationId)]
    conversation_id: String,
    /// Whether the new title takes the place of one that is there. Otherwise the job leaves it, and asks no model.
    #[serde(default)]
    #[schema(required = false)]
    replace: bool,
    /// Whether it goes before others that wait.
    #[serde(default)]
    #[schema(required = false)]
    priority: JobPriority,
    /// When it shall be begun, up to 90 days ahead, in RFC 3339; at once if left out. It is begun within about a minute
    /// of that.
    #[serde(default)]
    #[schema(format = DateTime, example = "2026-01-31T09:30:00Z")]
    scheduled_at: Option<String>,
}

/// Creates a job.
///
/// A model is asked for a title, which is charged like a turn. A conversation without a title gets one by itself after its
/// first answer, unless `settings.auto_title` is `false`; this is for later, and for another one.
#[utoipa::path(
    post,
    path = "/api/v1/jobs",
    tag = "jobs",
    security(("bearer" = [])),
    request_body = NewJob,
    responses((status = 202, description = "It waits for a worker.", body = JobView, headers(("location" = String, description = "Its address.")))),
)]
pub(crate) async fn create_job(
    caller: Caller,
    _: AcceptsJson,
    State(jobs): State<Jobs>,
    origin: Origin,
    Json(new): Json<NewJob>,
) -> Result<(StatusCode, [(HeaderName, HeaderValue); 1], Json<JobView>)> {
    let job = create(&jobs, &caller, &origin, &new).await?;
    let path = format!("/api/v1/jobs/{}", job.id);
    let location = [(LOCATION, location(&jobs.app, &path)?)];
    Ok((StatusCode::ACCEPTED, location, Json(JobView::of(job))))
}

async fn create(jobs: &Jobs, caller: &Caller, origin: &Origin, new: &NewJob) -> Result<Job> {
    let now = jobs.app.clock.now();
    let scheduled = new.scheduled_at.as_deref();
    let due_at = scheduled.map(|text| due(text, now)).transpose()?;
    let store = jobs.app.store.of(caller);
    let unknown = || {
        Error::invalid(
            "/conversation_id",
            "must be the id of a conversation of yours",
        )
    };
    let conversation_id: ConversationId = new.conversation_id.parse().map_err(|_| unknown())?;
    let conversation = store.conversation_get(conversation_id).await?;
    conversation.ok_or_else(unknown)?;
    let task = match new.kind {
        NewJobType::ConversationTitle => JobTask::ConversationTitle {
            conversation_id,
            replace: new.replace,
        },
    };
    let job = Job {
        due_at: due_at.unwrap_or(now),
        ..Job::new(task, new.priority, origin.request_id, now)
    };
    let stored = StoredJob {
        job,
        mandate: caller.mandate(),
    };
    store.job_create(&stored).await?;
    jobs.tell(&stored.job).await;
    Ok(stored.job)
}

/// When a job is to be begun: what is past is now.
fn due(text: &str, now: Moment) -> Result<Moment> {
    let moment = Moment::from_rfc3339(text).filter(|moment| *moment <= now.plus(MAX_JOB_DELAY));
    let detail = "must be a moment in RFC 3339, at most 90 days ahead";
    let moment = moment.ok_or_else(|| Error::invalid("/scheduled_at", detail))?;
    Ok(moment.max(now))
}
