//! Jobs as they are, with what their runs say.

use std::collections::HashMap;

use shared::auth::Caller;
use shared::model::{Job, JobId, JobTask, Run, RunId};
use shared::store::{StoredJob, TenantStore};
use shared::{Error, Result};

use crate::Jobs;
use crate::view::JobView;

/// A job that is there.
pub(crate) enum Known {
    /// One that has a row of its own.
    Job(Box<StoredJob>),
    /// One that is a run.
    Run(Box<Job>, Box<Run>),
}

impl From<Known> for JobView {
    fn from(known: Known) -> Self {
        match known {
            Known::Job(stored) => Self::of(stored.job),
            Known::Run(job, run) => Self::of_run(&job, *run),
        }
    }
}

impl Jobs {
    /// A job of the caller's. A run whose process died is ended by this.
    pub(crate) async fn known(&self, caller: &Caller, id: JobId) -> Result<Known> {
        let store = self.app.store.of(caller);
        let stored = store.job_get(id, self.app.clock.now()).await?;
        let stored = stored.ok_or(Error::NotFound("job"))?;
        let JobTask::Run { run_id } = stored.job.task else {
            return Ok(Known::Job(Box::new(stored)));
        };
        let run = match store.run_get(run_id).await? {
            Some(run) => self.engine.settled(&store, run).await?,
            None => None,
        };
        // It was deleted with its conversation.
        let run = run.ok_or(Error::NotFound("job"))?;
        Ok(Known::Run(Box::new(stored.job), Box::new(run)))
    }

    /// The same of many, in their order, without runs that are gone.
    pub(crate) async fn views(&self, store: &TenantStore, jobs: Vec<Job>) -> Result<Vec<JobView>> {
        let runs = jobs.iter().filter_map(run_of).collect::<Vec<RunId>>();
        let mut found = HashMap::new();
        for run in store.runs_get(&runs).await? {
            // Few of them can have a process that died since anybody looked.
            let run = self.engine.settled(store, run).await?;
            found.extend(run.map(|run| (run.id, run)));
        }
        let views = jobs.into_iter().filter_map(|job| match run_of(&job) {
            Some(run) => found.remove(&run).map(|run| JobView::of_run(&job, run)),
            None => Some(JobView::of(job)),
        });
        Ok(views.collect())
    }
}

const fn run_of(job: &Job) -> Option<RunId> {
    match job.task {
        JobTask::Run { run_id } => Some(run_id),
        _ => None,
    }
}
