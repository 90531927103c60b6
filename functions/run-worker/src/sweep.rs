//! Looks for runs that nobody has begun, because news of a run can be lost, and a worker can fail before it begins one.

use std::time::Duration;

use serde::Serialize;
use shared::Result;
use shared::http::Deadline;
use shared::model::RunId;
use shared::queue::QueueMessage;

use crate::{BUDGET, RunWorker};

/// How many runs are looked up at once.
const AT_ONCE: u32 = 25;
/// Of how many runs one sweep tells at most; the next one goes on.
const MOST: u32 = 500;
/// After how long a run is told of again; twice as long each time, so that a long queue does not fill with news of what
/// is in it. The last time comes after an hour, when the run is ended.
const PAUSE: Duration = Duration::from_secs(60);
/// How often the pause doubles at most.
const DOUBLED_AT_MOST: u32 = 5;

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Workers were told of so many runs again.
    pub told: u32,
}

impl RunWorker {
    /// Tells workers again of runs that wait.
    ///
    /// # Errors
    /// When a dependency is away; the next sweep goes on.
    pub(crate) async fn sweep(&self, deadline: Deadline) -> Result<Swept> {
        let mut swept = Swept::default();
        while swept.told < MOST {
            let due = self.queue.queued_due(self.app.clock.now(), AT_ONCE).await?;
            if due.is_empty() {
                break;
            }
            for id in due {
                if !deadline.allows(BUDGET) {
                    tracing::warn!("time is short: the next sweep goes on");
                    return Ok(swept);
                }
                self.tell_again(id).await?;
                swept.told += 1;
            }
        }
        Ok(swept)
    }

    /// Told first and put off then: told twice does no harm, never told does.
    async fn tell_again(&self, id: RunId) -> Result<()> {
        let Some(queued) = self.queue.queued_get(id).await? else {
            return Ok(());
        };
        let message = QueueMessage::RunWaits { version: 1, id };
        self.app.run_queue.send(&message).await?;
        let pause = PAUSE * 2_u32.pow(queued.put_off.min(DOUBLED_AT_MOST));
        let until = self.app.clock.now().plus(pause);
        self.queue.queued_put_off(id, until).await
    }
}
