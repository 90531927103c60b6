//! One job from its beginning to the end of an attempt.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use shared::http::{Deadline, Problem};
use shared::model::{
    JOB_ATTEMPTS, Job, JobId, JobProgress, JobResult, JobStatus, JobTask, RunProblem,
};
use shared::store::{JobEffect, Moved, Pulse, StoredJob, TenantStore};
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
    pub(crate) effect: Option<JobEffect>,
}

/// How far an attempt came.
pub(crate) enum Done {
    /// To the end.
    Made(Made),
    /// As far as its time went. What was done is kept, so the next one goes on from there.
    Later,
}

/// How far a job is, as whoever works on it says it.
pub(crate) struct Progress(Mutex<JobProgress>);

impl Progress {
    /// Says it.
    pub(crate) fn set(&self, progress: JobProgress) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }

    fn get(&self) -> JobProgress {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How an attempt ended.
enum Attempt {
    Ended(Result<Done>),
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
        let progress = Progress(Mutex::new(begun.job.progress));
        let attempt = self.attempt(&store, &begun, (deadline, &progress)).await;
        let mut begun = begun;
        begun.job.progress = progress.get();
        if let Err(error) = self.end(&store, &begun, attempt).await {
            // The lease ends, and then it is begun again.
            tracing::error!(job.id = %id, error = ?error, "the end of an attempt at job {id} could not be written: {error}");
        }
        Ok(())
    }

    /// Works, and says so while it does.
    async fn attempt(
        &self,
        store: &TenantStore,
        begun: &StoredJob,
        (deadline, progress): (Deadline, &Progress),
    ) -> Attempt {
        let until = deadline.within(BUDGET.saturating_sub(RESERVE));
        let work = self.perform(store, begun, (until, progress));
        let mut work = std::pin::pin!(work);
        let mut pulse = tokio::time::interval(PULSE);
        pulse.tick().await;
        loop {
            tokio::select! {
                ended = &mut work => return Attempt::Ended(ended),
                _ = pulse.tick() => {}
            }
            let job = &begun.job;
            let lease = self.app.clock.now().plus(LEASE);
            match store.job_pulse(job, progress.get(), lease).await {
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
        (until, progress): (Instant, &Progress),
    ) -> Result<Done> {
        let (job, mandate) = (&begun.job, begun.mandate);
        if let JobTask::KnowledgeBaseCleanup { knowledge_base_id } = job.task {
            // What somebody has had deleted goes, whatever became of that person.
            return Box::pin(self.clean(store, knowledge_base_id, until)).await;
        }
        let caller = self.asker(&mandate, &job.task).await?;
        // Boxed, because the compiler gives up on futures that are nested so deeply.
        match job.task {
            JobTask::ConversationTitle {
                conversation_id,
                replace,
            } => {
                let of = (conversation_id, replace);
                let title = Box::pin(self.title(store, &caller, of, job.request, until));
                title.await.map(Done::Made)
            }
            JobTask::DocumentIngestion {
                knowledge_base_id,
                document_id,
                version_id,
            } => {
                let of = (knowledge_base_id, document_id, version_id);
                let by = (store, &caller);
                Box::pin(self.ingest(by, of, (job, mandate), (until, progress))).await
            }
            JobTask::KnowledgeBaseRebuild {
                knowledge_base_id,
                index_id,
            } => {
                let of = (knowledge_base_id, index_id);
                let by = (store, &caller);
                Box::pin(self.rebuild(by, of, (job, mandate), (until, progress))).await
            }
            // One has another queue and another worker, the other was done above.
            JobTask::Run { .. } | JobTask::KnowledgeBaseCleanup { .. } => {
                Err(Error::internal("this job does not wait here"))
            }
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
            Attempt::Ended(Err(error)) => self.write(store, begun, failed(&error), None).await?,
            Attempt::Ended(Ok(Done::Later)) => self.later(store, begun).await?,
            Attempt::Ended(Ok(Done::Made(Made { result, effect }))) => {
                let after = job.completed(result.clone(), now);
                let moved = self.write(store, begun, after, effect.as_ref()).await?;
                match (moved, effect) {
                    (Moved::Yes, effect) => {
                        if let Some(next) = effect.as_ref().and_then(JobEffect::job) {
                            self.engine.tell_of_job(&next.job).await;
                        }
                        moved
                    }
                    (Moved::NoEffect, Some(JobEffect::Title(_))) => {
                        let after = match self.without_effect(store, job, result).await {
                            Ok(result) => job.completed(result, now),
                            Err(error) => failed(&error),
                        };
                        self.write(store, begun, after, None).await?
                    }
                    // What it was made for has changed meanwhile: it is looked at anew, with all that is kept.
                    (Moved::NoEffect, _) => self.later(store, begun).await?,
                    (Moved::TakenOver, _) => moved,
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

    /// Leaves a job to whoever has time.
    async fn later(&self, store: &TenantStore, begun: &StoredJob) -> Result<Moved> {
        let after = begun
            .job
            .continued(begun.job.progress, self.app.clock.now());
        let moved = self.write(store, begun, after.clone(), None).await?;
        if moved == Moved::Yes {
            self.engine.tell_of_job(&after).await;
        }
        Ok(moved)
    }

    /// Writes how a job goes on, and again what the table does not take for the moment.
    async fn write(
        &self,
        store: &TenantStore,
        before: &StoredJob,
        after: Job,
        effect: Option<&JobEffect>,
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
