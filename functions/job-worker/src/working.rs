//! One job from its beginning to the end of an attempt.

use std::time::{Duration, Instant};

use shared::http::{Deadline, Problem};
use shared::model::{JOB_ATTEMPTS, Job, JobId, JobResult, JobStatus, JobTask, RunProblem};
use shared::store::{Moved, NewTitle, Pulse, StoredJob, TenantStore};
use shared::{Error, Result};

use crate::{BUDGET, JobWorker};

/// For how long a worker is taken for alive that says nothing.
const LEASE: Duration = Duration::from_secs(60);
/// How often it says that it is.
const PULSE: Duration = Duration::from_secs(15);
/// How much of its time is kept for writing what came of it.
const RESERVE: Duration = Duration::from_secs(10);
/// How often the end of an attempt is written again when the table does not take it.
const STORE_ATTEMPTS: u32 = 4;

/// What a job has made.
pub(crate) struct Made {
    pub(crate) result: JobResult,
    /// What is written with its end, if anything.
    pub(crate) effect: Option<NewTitle>,
}

/// How an attempt ended.
enum Attempt {
    Made(Result<Made>),
    /// Somebody wants it to stop.
    Stopped,
    /// Another worker has taken the job over.
    Lost,
}

impl JobWorker {
    /// Begins a job if it is to be begun, and works on it.
    ///
    /// # Errors
    /// When a dependency is away before it has begun: it waits on.
    pub(crate) async fn work(&self, id: JobId, deadline: Deadline) -> Result<()> {
        let Some(waiting) = self.queue.waiting_get(id).await? else {
            tracing::info!(job.id = %id, "job {id} has ended");
            return Ok(());
        };
        let (store, now) = (self.queue.of(&waiting), self.app.clock.now());
        let Some(stored) = store.job_get(id, now).await? else {
            tracing::error!(job.id = %id, "job {id} has no row; it is forgotten");
            return self.queue.waiting_forget(id).await;
        };
        let before = &stored.job;
        // Where one is still there after all, what it writes must not count.
        let taken = before.taken();
        if !before.can_begin(now) {
            tracing::info!(job.id = %id, status = ?before.status, "job {id} is not to be begun now");
            return Ok(());
        }
        if before.cancel_requested {
            let after = taken.cancelled(now);
            return self.write(&store, &stored, after, None).await.map(|_| ());
        }
        if before.attempts >= JOB_ATTEMPTS {
            // All of its workers died.
            let problem = problem(&Error::JobInterrupted, before);
            let after = taken.failed(problem, false, now);
            return self.write(&store, &stored, after, None).await.map(|_| ());
        }
        let begun = StoredJob {
            job: before.begun(now, LEASE),
            mandate: stored.mandate,
        };
        if store.job_move(before, &begun, None).await? != Moved::Yes {
            tracing::info!(job.id = %id, "job {id} was begun or ended elsewhere");
            return Ok(());
        }
        tracing::info!(job.id = %id, attempt = begun.job.attempts, "job {id} has begun");
        let attempt = self.attempt(&store, &begun, deadline).await;
        if let Err(error) = self.end(&store, &begun, attempt).await {
            // The lease ends, and then it is begun again.
            tracing::error!(job.id = %id, error = ?error, "the end of an attempt at job {id} could not be written: {error}");
        }
        Ok(())
    }

    /// Works, and says so while it does.
    async fn attempt(&self, store: &TenantStore, begun: &StoredJob, deadline: Deadline) -> Attempt {
        let until = deadline.within(BUDGET.saturating_sub(RESERVE));
        let work = self.perform(store, begun, until);
        let mut work = std::pin::pin!(work);
        let mut pulse = tokio::time::interval(PULSE);
        pulse.tick().await;
        loop {
            tokio::select! {
                made = &mut work => return Attempt::Made(made),
                _ = pulse.tick() => {}
            }
            let job = &begun.job;
            let lease = self.app.clock.now().plus(LEASE);
            match store.job_pulse(job, job.progress, lease).await {
                Ok(Pulse::GoOn) => {}
                Ok(Pulse::Stop) => return Attempt::Stopped,
                Ok(Pulse::Lost) => return Attempt::Lost,
                Err(error) => {
                    tracing::warn!(job.id = %job.id, error = ?error, "job {} goes on without a sign of life: {error}", job.id);
                }
            }
        }
    }

    async fn perform(
        &self,
        store: &TenantStore,
        begun: &StoredJob,
        until: Instant,
    ) -> Result<Made> {
        let caller = self.asker(&begun.mandate).await?;
        match begun.job.task {
            JobTask::ConversationTitle {
                conversation_id,
                replace,
            } => {
                let request = begun.job.request;
                let title = self.title(store, &caller, (conversation_id, replace), request, until);
                // Boxed, because the compiler gives up on futures that are nested so deeply.
                Box::pin(title).await
            }
            // It has another queue and another worker.
            JobTask::Run { .. } => Err(Error::internal("the job of a run does not wait here")),
        }
    }

    /// Writes what came of an attempt.
    async fn end(&self, store: &TenantStore, begun: &StoredJob, attempt: Attempt) -> Result<()> {
        let (job, now) = (&begun.job, self.app.clock.now());
        let failed = |error: &Error| {
            tracing::warn!(job.id = %job.id, attempt = job.attempts, error = ?error, "an attempt at job {} failed: {error}", job.id);
            job.failed(problem(error, job), may_pass(error), now)
        };
        let moved = match attempt {
            Attempt::Lost => Moved::TakenOver,
            Attempt::Stopped => self.write(store, begun, job.cancelled(now), None).await?,
            Attempt::Made(Err(error)) => self.write(store, begun, failed(&error), None).await?,
            Attempt::Made(Ok(Made { result, effect })) => {
                let after = job.completed(result.clone(), now);
                let moved = self.write(store, begun, after, effect.as_ref()).await?;
                if moved != Moved::NoEffect {
                    moved
                } else {
                    let after = match self.without_effect(store, job, result).await {
                        Ok(result) => job.completed(result, now),
                        Err(error) => failed(&error),
                    };
                    self.write(store, begun, after, None).await?
                }
            }
        };
        if moved == Moved::Yes {
            return Ok(());
        }
        // Whoever wants it to stop said so while the last of it was done.
        let there = store.job_get(job.id, now).await?;
        match there.filter(|there| there.job.owner == job.owner) {
            Some(there) if there.job.status == JobStatus::Running => {
                let after = there.job.cancelled(now);
                self.write(store, &there, after, None).await?;
            }
            Some(_) => {}
            None => tracing::warn!(job.id = %job.id, "job {} was taken over", job.id),
        }
        Ok(())
    }

    /// Writes how a job goes on, and again what the table does not take for the moment.
    async fn write(
        &self,
        store: &TenantStore,
        before: &StoredJob,
        after: Job,
        effect: Option<&NewTitle>,
    ) -> Result<Moved> {
        let after = StoredJob {
            job: after,
            mandate: before.mandate,
        };
        let mut attempt = 1;
        loop {
            let moved = store.job_move(&before.job, &after, effect).await;
            if attempt == STORE_ATTEMPTS || !matches!(moved, Err(Error::Unavailable(_))) {
                let (id, status) = (after.job.id, after.job.status);
                tracing::info!(job.id = %id, status = ?status, written = ?moved, "job {id} is {status:?}");
                return moved;
            }
            tokio::time::sleep(Duration::from_millis(100 << attempt)).await;
            attempt += 1;
        }
    }
}

/// Whether another attempt may have more luck.
fn may_pass(error: &Error) -> bool {
    match error {
        Error::Provider { fault, .. } => fault.may_pass(),
        Error::Unavailable(_) | Error::Internal(_) => true,
        _ => false,
    }
}

fn problem(error: &Error, job: &Job) -> RunProblem {
    Problem::stored(error, &job.request)
}
