//! Runs that wait for a worker: `QUEUED#<0 to f>` / `<run>`, a queue in the table (`spread.rs`), and what the worker needs
//! to begin one: `TENANT#<tenant>#RUN#<run>` / `WORK`.
//!
//! Both are written in the transaction that claims the turn, and deleted in the one that begins the run or ends it without
//! a beginning: so a run has a row in the queue exactly as long as it is `queued`, unless its conversation was deleted
//! with it.
//!
//! Questions: whose run is this? which have waited for long? Writes: put off, so that it is looked at again later.

use std::time::Duration;

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};

use super::item::{IS_NEW, Item, key, to_item};
use super::spread::spread_key;
use super::turn::Ended;
use super::{RunQueueStore, TenantStore};
use crate::auth::Mandate;
use crate::clock::Moment;
use crate::error::Result;
use crate::model::{Reservation, Run, RunId, RunStatus};

/// Its queue.
const QUEUE: &str = "QUEUED";
/// After how long the table forgets a row by itself. Whoever works on the queue deletes it long before that.
const KEPT_FOR: Duration = Duration::from_secs(14 * 24 * 3600);

/// A run that waits for a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedRun {
    /// The run.
    pub id: RunId,
    /// On whose behalf it is done.
    pub mandate: Mandate,
    /// What it has set aside of budgets, for the case that its own row is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation: Option<Reservation>,
    /// How often it was put off.
    pub put_off: u32,
    /// From when on it is looked for, if nobody told a worker of it.
    #[serde(rename = "active_at")]
    pub due_at: Moment,
    /// When it was queued.
    pub created_at: Moment,
}

#[derive(Serialize)]
struct QueuedItem<'a> {
    #[serde(flatten)]
    queued: &'a QueuedRun,
    /// The TTL attribute, in Unix seconds.
    expires_at: i64,
}

#[derive(Serialize, Deserialize)]
struct WorkItem {
    work: String,
}

/// What became of the attempt to begin a queued run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Started {
    /// It is in progress, and this process's.
    Yes,
    /// It is not queued any more; nothing was written.
    NotQueued,
}

fn queued_key(id: RunId) -> Item {
    spread_key(QUEUE, &id)
}

impl TenantStore {
    fn work_key(&self, id: RunId) -> Item {
        key(self.events_pk(id), "WORK")
    }

    /// The parts that queue a run, and put it into the list of jobs. `work` is what the worker needs beside the rows of
    /// question and run.
    pub(super) fn queue_parts(
        &self,
        run: &Run,
        queued: &QueuedRun,
        work: &str,
    ) -> Result<[TransactWriteItem; 3]> {
        let row = QueuedItem {
            queued,
            expires_at: queued.created_at.plus(KEPT_FOR).unix_seconds(),
        };
        let work = WorkItem {
            work: work.to_owned(),
        };
        Ok([
            self.store
                .put(to_item(queued_key(queued.id), &row)?, IS_NEW)?,
            self.store
                .put(to_item(self.work_key(queued.id), &work)?, IS_NEW)?,
            self.job_of_run_part(run, queued.mandate)?,
        ])
    }

    /// The parts that take a run out of the queue. They can't fail.
    fn unqueue_parts(&self, id: RunId) -> Result<[TransactWriteItem; 2]> {
        Ok([
            self.store.delete_any(queued_key(id))?,
            self.store.delete_any(self.work_key(id))?,
        ])
    }

    /// What the worker needs of a queued run.
    pub async fn work_get(&self, id: RunId) -> Result<Option<String>> {
        let found = self.store.get::<WorkItem>(self.work_key(id)).await?;
        Ok(found.map(|row| row.work))
    }

    /// Begins a queued run, which is one from then on. `run` is as it shall be; the row still has the owner with whom it
    /// was queued.
    pub async fn run_start(&self, run: &Run, queued: &Run) -> Result<Started> {
        let mut parts = vec![self.run_move(run, queued.owner, RunStatus::Queued)?];
        parts.extend(self.unqueue_parts(run.id)?);
        let written = self.store.transact(parts).await?;
        Ok(if written.made() {
            Started::Yes
        } else {
            Started::NotQueued
        })
    }

    /// Ends a queued run that no worker has begun, settles it, and notes why at its question. `run` is as it shall be.
    pub async fn turn_drop(&self, run: &Run, failure: &str, now: Moment) -> Result<Ended> {
        let end = self.run_move(run, run.owner, RunStatus::Queued)?;
        let mut parts = self.failure_parts(end, run, failure, now)?;
        parts.extend(self.unqueue_parts(run.id)?);
        self.ended(parts).await
    }
}

impl RunQueueStore {
    /// A run that waits. `None` if it does not any more.
    pub async fn queued_get(&self, id: RunId) -> Result<Option<QueuedRun>> {
        self.store.get(queued_key(id)).await
    }

    /// Runs that are to be looked for since before `before`, at most `limit`, the longest due first.
    pub async fn queued_due(&self, before: Moment, limit: u32) -> Result<Vec<RunId>> {
        self.store.due(QUEUE, before, limit).await
    }

    /// Puts off when a run is looked for. Nothing happens if it does not wait any more.
    pub async fn queued_put_off(&self, id: RunId, until: Moment) -> Result<()> {
        self.store.put_off(queued_key(id), until).await
    }

    /// Forgets a run whose own row is gone.
    pub async fn queued_forget(&self, id: RunId) -> Result<()> {
        self.store.remove(queued_key(id)).await
    }

    /// The table as the person sees it on whose behalf that run is done. Whether the person still may is another
    /// question.
    pub fn of(&self, queued: &QueuedRun) -> TenantStore {
        TenantStore {
            store: self.store.clone(),
            tenant: queued.mandate.tenant,
            user: queued.mandate.user,
        }
    }
}
