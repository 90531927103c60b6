//! Jobs that are not done: `JOBS#<0 to f>` / `<job>`, a queue in the table (`spread.rs`). A job has a row there from the
//! transaction that causes it to the one that ends it.
//!
//! `active_at` is when it is to be looked for, if no worker was told of it: a little after its time, and while somebody
//! works on it the end of the lease.
//!
//! Questions: whose job is this? which are due? Writes: put off, so that it is looked at again later.

use std::time::Duration;

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};

use super::item::{IS_NEW, Item, moment, n, to_item};
use super::job::StoredJob;
use super::spread::spread_key;
use super::{JobQueueStore, Store, TenantStore};
use crate::auth::Mandate;
use crate::clock::Moment;
use crate::error::Result;
use crate::model::{Job, JobId, JobPriority};

/// Its queue.
const QUEUE: &str = "JOBS";
/// After how long it is looked for, if no worker has begun it: until then the news of it may still come.
const LOOKED_FOR_AFTER: Duration = Duration::from_secs(30);

/// A job that is not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingJob {
    /// The job.
    pub id: JobId,
    /// On whose behalf it is done.
    pub mandate: Mandate,
    /// Whether it goes before others.
    pub priority: JobPriority,
    /// How often it was put off since it was touched last.
    pub put_off: u32,
    /// From when on it is looked for.
    #[serde(rename = "active_at")]
    pub looked_for_at: Moment,
}

fn waiting_key(id: JobId) -> Item {
    spread_key(QUEUE, &id)
}

/// When a job is looked for. One for now is told of at once.
fn looked_for_at(job: &Job) -> Moment {
    if job.due_at > job.created_at {
        job.due_at
    } else {
        job.due_at.plus(LOOKED_FOR_AFTER)
    }
}

impl Store {
    /// The part that puts a job into the queue.
    pub(super) fn waiting_put(&self, stored: &StoredJob) -> Result<TransactWriteItem> {
        let job = &stored.job;
        let row = WaitingJob {
            id: job.id,
            mandate: stored.mandate,
            priority: job.priority,
            put_off: 0,
            looked_for_at: looked_for_at(job),
        };
        self.put(to_item(waiting_key(job.id), &row)?, IS_NEW)
    }

    /// The part that says when a job is looked for next.
    pub(super) fn waiting_until(&self, id: JobId, until: Moment) -> Result<TransactWriteItem> {
        self.update(
            waiting_key(id),
            "SET active_at = :until, put_off = :none",
            "attribute_exists(pk)",
            [(":until", moment(until)?), (":none", n(0))],
        )
    }

    /// The part that says of a job that waits again when it is looked for.
    pub(super) fn waiting_again(&self, job: &Job) -> Result<TransactWriteItem> {
        self.waiting_until(job.id, job.due_at.plus(LOOKED_FOR_AFTER))
    }

    /// The part that takes a job out of the queue. It can't fail.
    pub(super) fn waiting_delete(&self, id: JobId) -> Result<TransactWriteItem> {
        self.delete_any(waiting_key(id))
    }
}

impl JobQueueStore {
    /// A job that is not done. `None` if it is.
    pub async fn waiting_get(&self, id: JobId) -> Result<Option<WaitingJob>> {
        self.store.get(waiting_key(id)).await
    }

    /// Jobs that are to be looked for since before `before`, at most `limit`, the longest due first.
    pub async fn waiting_due(&self, before: Moment, limit: u32) -> Result<Vec<JobId>> {
        self.store.due(QUEUE, before, limit).await
    }

    /// Puts off when a job is looked for. Nothing happens if it is done.
    pub async fn waiting_put_off(&self, id: JobId, until: Moment) -> Result<()> {
        self.store.put_off(waiting_key(id), until).await
    }

    /// Forgets a job whose own row is gone.
    pub async fn waiting_forget(&self, id: JobId) -> Result<()> {
        self.store.remove(waiting_key(id)).await
    }

    /// The table as the person sees it on whose behalf that job is done. Whether the person still may is another
    /// question.
    pub fn of(&self, waiting: &WaitingJob) -> TenantStore {
        TenantStore {
            store: self.store.clone(),
            tenant: waiting.mandate.tenant,
            user: waiting.mandate.user,
        }
    }
}
