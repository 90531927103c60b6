//! Jobs: `TENANT#<tenant>#USER#<user>` / `JOB#<job>`, and those that failed, for whoever retries all of a tenant's:
//! `TENANT#<tenant>#FAILEDJOBS` / `JOB#<job>`.
//!
//! A job is written in the transaction that causes it, together with its row in the queue (`job_queue.rs`), which stays
//! as long as there is something to do. Every other write of it is conditioned on who works on it (`owner`) and where it
//! is; what it has made is written in the same transaction as its end. So whichever worker dies wherever, and however
//! often one is told of it, it has its effect once.
//!
//! The job of a run in the background is only a row of the list: the run says where it is.
//!
//! Questions: this job of mine? my newest jobs? which jobs of the tenant failed?

use std::time::Duration;

use aws_sdk_dynamodb::types::{ReturnValue, TransactWriteItem};
use serde::{Deserialize, Serialize};

use super::Pulse;
use super::TenantStore;
use super::item::{IS_NEW, Item, Written, from_item, key, moment, s, to_item, value, written};
use super::job_effect::JobEffect;
use super::message::Page;
use crate::auth::Mandate;
use crate::clock::Moment;
use crate::error::{Error, Result};
use crate::model::{Job, JobId, JobPriority, JobProgress, JobStatus, JobTask, Run, RunId, UserId};

/// How long a job can be looked up after it was created, or after its time if that is later.
const KEPT_FOR: Duration = Duration::from_secs(60 * 24 * 3600);

#[derive(Serialize, Deserialize)]
struct JobItem {
    #[serde(flatten)]
    job: Job,
    mandate: Mandate,
    /// The TTL attribute, in Unix seconds.
    expires_at: i64,
}

/// A job as it is stored, and on whose behalf it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredJob {
    /// The job.
    pub job: Job,
    /// On whose behalf.
    pub mandate: Mandate,
}

/// A job that failed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FailedJob {
    /// The job.
    pub id: JobId,
    /// Whose it is.
    user: UserId,
}

/// What became of the attempt to write how a job goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// It is written.
    Yes,
    /// The job is somebody else's by now, or was ended; nothing was written.
    TakenOver,
    /// What it has made has no place any more; nothing was written.
    NoEffect,
}

impl From<JobItem> for StoredJob {
    fn from(item: JobItem) -> Self {
        Self {
            job: item.job,
            mandate: item.mandate,
        }
    }
}

/// The row of a job.
fn row(stored: &StoredJob) -> JobItem {
    let StoredJob { job, mandate } = stored.clone();
    JobItem {
        expires_at: job.created_at.max(job.due_at).plus(KEPT_FOR).unix_seconds(),
        job,
        mandate,
    }
}

impl TenantStore {
    fn job_pk(&self) -> String {
        format!("TENANT#{}#USER#{}", self.tenant, self.user)
    }

    fn job_key(&self, id: JobId) -> Item {
        key(self.job_pk(), format!("JOB#{id}"))
    }

    fn failed_key(&self, id: JobId) -> Item {
        key(
            format!("TENANT#{}#FAILEDJOBS", self.tenant),
            format!("JOB#{id}"),
        )
    }

    /// The part that puts a new job into the list.
    fn job_put(&self, stored: &StoredJob) -> Result<TransactWriteItem> {
        let key = self.job_key(stored.job.id);
        self.store.put(to_item(key, &row(stored))?, IS_NEW)
    }

    /// The part that puts a run in the background into the list of jobs.
    pub(super) fn job_of_run_part(&self, run: &Run, mandate: Mandate) -> Result<TransactWriteItem> {
        let task = JobTask::Run { run_id: run.id };
        let job = Job::new(task, JobPriority::Normal, run.request, run.created_at);
        self.job_put(&StoredJob { job, mandate })
    }

    /// The parts that create a job, for the transaction that causes it.
    pub(super) fn job_parts(&self, stored: &StoredJob) -> Result<[TransactWriteItem; 2]> {
        Ok([self.job_put(stored)?, self.store.waiting_put(stored)?])
    }

    /// Creates a job.
    pub async fn job_create(&self, stored: &StoredJob) -> Result<()> {
        let parts = self.job_parts(stored)?;
        self.store.transact(parts.into()).await?.surely()
    }

    /// A job of the caller's. Someone else's is `None`, as if it did not exist.
    pub async fn job_get(&self, id: JobId, now: Moment) -> Result<Option<StoredJob>> {
        let found: Option<JobItem> = self.store.get(self.job_key(id)).await?;
        let found = found.filter(|item| item.expires_at > now.unix_seconds());
        Ok(found.map(StoredJob::from))
    }

    /// The caller's jobs, newest first, `limit` of them before that one.
    pub async fn job_list(
        &self,
        before: Option<JobId>,
        limit: u32,
        now: Moment,
    ) -> Result<Page<Job>> {
        let query = self.store.db.query().table_name(&*self.store.table);
        let query = query
            .key_condition_expression("pk = :pk AND begins_with(sk, :jobs)")
            .expression_attribute_values(":pk", s(self.job_pk()))
            .expression_attribute_values(":jobs", s("JOB#"))
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(i32::try_from(limit.saturating_add(1)).unwrap_or(i32::MAX));
        let mut start = before.map(|id| self.job_key(id));
        let mut found = Vec::new();
        loop {
            let (items, next) = self.store.page(query.clone(), start).await?;
            for item in items {
                let item: JobItem = from_item(item)?;
                if item.expires_at > now.unix_seconds() {
                    found.push(item.job);
                }
            }
            start = next;
            if start.is_none() || found.len() > limit as usize {
                return Ok(Page::cut(found, limit));
            }
        }
    }

    /// Runs of the caller's by their ids, those that are there, in no order.
    pub async fn runs_get(&self, ids: &[RunId]) -> Result<Vec<Run>> {
        let keys = ids.iter().map(|id| self.run_key(*id)).collect();
        let items = self.store.get_many(keys, true).await?;
        items.into_iter().map(from_item).collect()
    }

    /// Writes how a job goes on: `after` takes the place of `before`, if that is still as it is. Where `after` is another
    /// worker's, the one of `before` must be dead. With it goes what the job has made.
    pub async fn job_move(
        &self,
        before: &Job,
        after: &StoredJob,
        made: Option<&JobEffect>,
    ) -> Result<Moved> {
        let moved = self.job_moved(before, after)?;
        let effects = made.map(|made| self.effect_parts(made)).transpose()?;
        let effects = effects.unwrap_or_default();
        let queue = self.queue_follows(before, after)?;
        let mut shown = self.shown_in_document(before, after)?;
        loop {
            let (made, known) = (1 + effects.len(), 1 + effects.len() + shown.len());
            let parts = [vec![moved.clone()], effects.clone(), shown, queue.clone()].concat();
            match self.store.transact(parts).await? {
                Written::Yes => return Ok(Moved::Yes),
                Written::ConditionFailed { place: 0 } => return Ok(Moved::TakenOver),
                Written::ConditionFailed { place } if place < made => return Ok(Moved::NoEffect),
                // The document is gone, or has another content by now.
                Written::ConditionFailed { place } if place < known => shown = Vec::new(),
                Written::ConditionFailed { .. } => {
                    return Err(Error::internal("a job and its row in the queue disagree"));
                }
            }
        }
    }

    fn job_moved(&self, before: &Job, after: &StoredJob) -> Result<TransactWriteItem> {
        let item = to_item(self.job_key(before.id), &row(after))?;
        let mut condition = "job_owner = :owner AND job_status = :was".to_owned();
        let mut values = vec![
            (":owner", value(before.owner)?),
            (":was", value(before.status)?),
        ];
        if after.job.owner != before.owner {
            condition.push_str(" AND lease_until = :lease");
            values.push((":lease", moment(before.lease_until)?));
        }
        // Whoever wants it to stop must not be overheard.
        if !after.job.cancel_requested {
            condition.push_str(" AND cancel_requested = :requested");
            values.push((":requested", value(before.cancel_requested)?));
        }
        self.store.put_if(item, &condition, values)
    }

    /// What becomes of the rows of a job beside its own.
    fn queue_follows(&self, before: &Job, after: &StoredJob) -> Result<Vec<TransactWriteItem>> {
        let job = &after.job;
        let failed = self.failed_key(job.id);
        let mut parts = match job.status {
            JobStatus::Pending if before.status.is_terminal() => {
                vec![self.store.waiting_put(after)?]
            }
            JobStatus::Pending => vec![self.store.waiting_again(job)?],
            JobStatus::Running => vec![self.store.waiting_until(job.id, job.lease_until)?],
            JobStatus::Retrying => vec![self.store.waiting_until(job.id, job.due_at)?],
            JobStatus::Completed | JobStatus::Cancelled => vec![self.store.waiting_delete(job.id)?],
            JobStatus::Failed => {
                let row = FailedJob {
                    id: job.id,
                    user: self.user,
                };
                let row = to_item(failed.clone(), &row)?;
                vec![
                    self.store.waiting_delete(job.id)?,
                    self.store.put(row, IS_NEW)?,
                ]
            }
        };
        if before.status == JobStatus::Failed {
            parts.push(self.store.delete_any(failed)?);
        }
        Ok(parts)
    }

    /// Says that `job.owner` works on the job until `lease_until`, and how far it is, and learns whether it shall go on.
    pub async fn job_pulse(
        &self,
        job: &Job,
        progress: JobProgress,
        lease_until: Moment,
    ) -> Result<Pulse> {
        let request = self.store.db.update_item().table_name(&*self.store.table);
        let request = request
            .set_key(Some(self.job_key(job.id)))
            .update_expression("SET lease_until = :lease, job_progress = :progress")
            .condition_expression("job_owner = :owner AND job_status = :running")
            .expression_attribute_values(":lease", moment(lease_until)?)
            .expression_attribute_values(":progress", value(progress)?)
            .expression_attribute_values(":owner", value(job.owner)?)
            .expression_attribute_values(":running", value(JobStatus::Running)?)
            .return_values(ReturnValue::AllNew);
        let sent = request.send().await;
        let attributes = sent
            .as_ref()
            .ok()
            .and_then(|output| output.attributes.clone());
        if !written(sent)?.made() {
            return Ok(Pulse::Lost);
        }
        let item: JobItem = from_item(attributes.unwrap_or_default())?;
        Ok(if item.job.cancel_requested {
            Pulse::Stop
        } else {
            Pulse::GoOn
        })
    }

    /// Asks whoever works on a job to stop. `false` if nobody does.
    async fn job_stop(&self, id: JobId) -> Result<bool> {
        let part = self.store.update(
            self.job_key(id),
            "SET cancel_requested = :yes",
            "job_status = :running",
            [
                (":yes", value(true)?),
                (":running", value(JobStatus::Running)?),
            ],
        )?;
        Ok(self.store.write(part).await?.made())
    }

    /// Has a job stop: one that nobody works on ends at once, and a worker is told. `false` if it goes on or has ended
    /// meanwhile, and is to be read anew.
    pub async fn job_cancel(&self, stored: &StoredJob, now: Moment) -> Result<bool> {
        let job = &stored.job;
        if job.status == JobStatus::Running && job.lease_until > now {
            return self.job_stop(job.id).await;
        }
        let after = StoredJob {
            job: job.taken().cancelled(now),
            mandate: stored.mandate,
        };
        Ok(self.job_move(job, &after, None).await? == Moved::Yes)
    }

    /// The oldest jobs of the tenant that failed, of everybody, at most so many, and whether there are more.
    pub async fn jobs_failed(&self, limit: u32) -> Result<(Vec<FailedJob>, bool)> {
        let pk = format!("TENANT#{}#FAILEDJOBS", self.tenant);
        self.store.list(pk, "JOB#", None, limit).await
    }

    /// Forgets a job that failed and whose own row has expired.
    pub async fn job_failed_forget(&self, id: JobId) -> Result<()> {
        self.store.remove(self.failed_key(id)).await
    }

    /// The same tenant as the one sees it whose job failed. It leads to that job alone, and whoever retries it is shown
    /// nothing of it.
    pub fn of_failed(&self, failed: &FailedJob) -> Self {
        Self {
            user: failed.user,
            ..self.clone()
        }
    }
}
