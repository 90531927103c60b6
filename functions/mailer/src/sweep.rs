//! Looks into the outbox, because news of a mail can be lost, and what failed is due again.

use std::time::Duration;

use serde::Serialize;
use shared::Result;
use shared::http::Deadline;

use crate::deliver::Delivered;
use crate::{BUDGET, Mailer};

/// A mail is looked for when it has been due for so long: until then the queue may still tell of it.
const GRACE: Duration = Duration::from_secs(60);
/// How many mails are looked up at once.
const AT_ONCE: u32 = 25;
/// How many mails one sweep tries at most; the next one goes on.
const MOST: u32 = 500;

/// What became of the mails that a sweep found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// They have left, or went nowhere as they were meant to.
    pub sent: u32,
    /// They can't be sent, and wait.
    pub failed: u32,
    /// They are too old, and gone.
    pub given_up: u32,
}

impl Mailer {
    /// Delivers what is due, the longest due first. What is tried is not due any more, so one mail is not tried
    /// twice, and none that fails keeps others waiting.
    ///
    /// # Errors
    /// When a dependency is away; the next sweep goes on.
    pub(crate) async fn sweep(&self, deadline: Deadline) -> Result<Swept> {
        let (mut swept, mut tried) = (Swept::default(), 0);
        while tried < MOST {
            let before = self.clock.now().minus(GRACE);
            let due = self.outbox.mails_due(before, AT_ONCE).await?;
            if due.is_empty() {
                break;
            }
            for id in due {
                if !deadline.allows(BUDGET) {
                    tracing::warn!("time is short: the next sweep goes on");
                    return Ok(swept);
                }
                tried += 1;
                // Boxed, because the compiler gives up on futures that are nested so deeply.
                match Box::pin(self.deliver(id)).await? {
                    Delivered::Sent | Delivered::Blank => swept.sent += 1,
                    Delivered::NotOurs => {}
                    Delivered::GivenUp => swept.given_up += 1,
                    Delivered::Failed(error) => {
                        swept.failed += 1;
                        tracing::error!(mail.id = %id, error = ?error, "mail {id} could not be sent: {error}");
                    }
                }
            }
        }
        Ok(swept)
    }
}
