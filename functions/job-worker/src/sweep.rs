//! Looks for jobs whose time has come: those that are scheduled, those that are to be tried again, those whose worker
//! died, and those of which nobody was told.

use std::time::Duration;

use serde::Serialize;
use shared::Result;
use shared::http::Deadline;
use shared::queue::QueueMessage;

use crate::JobWorker;

/// How many jobs are looked up at once.
const AT_ONCE: u32 = 50;
/// Of how many jobs one sweep tells at most; the next one goes on.
const MOST: u32 = 500;
/// After how long a job is told of again; twice as long each time, so that a long queue does not fill with news of what
/// is in it.
const PAUSE: Duration = Duration::from_secs(60);
/// How often the pause doubles at most: then it is a quarter of an hour.
const DOUBLED_AT_MOST: u32 = 4;
/// A sweep does not go on with less time than that.
const LEAST: Duration = Duration::from_secs(10);

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Workers were told of so many jobs.
    pub told: u32,
}

impl JobWorker {
    /// Tells workers of jobs whose time has come, those with a high priority first.
    ///
    /// # Errors
    /// When a dependency is away; the next sweep goes on.
    pub(crate) async fn sweep(&self, deadline: Deadline) -> Result<Swept> {
        let mut swept = Swept::default();
        while swept.told < MOST {
            let now = self.app.clock.now();
            let mut due = Vec::new();
            for id in self.queue.waiting_due(now, AT_ONCE).await? {
                // It may have ended since.
                due.extend(self.queue.waiting_get(id).await?);
            }
            if due.is_empty() {
                break;
            }
            due.sort_by_key(|waiting| waiting.priority);
            for waiting in due {
                if !deadline.allows(LEAST) {
                    tracing::warn!("time is short: the next sweep goes on");
                    return Ok(swept);
                }
                // Told first and put off then: told twice does no harm, never told does.
                let (id, priority) = (waiting.id, waiting.priority);
                let message = QueueMessage::JobWaits {
                    version: 1,
                    id,
                    priority,
                };
                self.app.job_queue.send(&message).await?;
                let pause = PAUSE * 2_u32.pow(waiting.put_off.min(DOUBLED_AT_MOST));
                let until = self.app.clock.now().plus(pause);
                self.queue.waiting_put_off(id, until).await?;
                swept.told += 1;
            }
        }
        Ok(swept)
    }
}
