//! One mail: take it, send it, forget it.

use std::sync::PoisonError;
use std::time::Duration;

use shared::model::OutboxId;
use shared::store::Mail;
use shared::{Error, Result};

use crate::Mailer;
use crate::envelope::Envelope;
use crate::transport::SendFault;

/// How long a mail is one sender's alone: longer than the function may run, so that nobody else sends it while
/// this one may still be at it.
const LEASE: Duration = Duration::from_secs(120);
/// After how long a mail is given up.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(4 * 24 * 3600);

/// The pause after the first attempt; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause where the reason is not the mail. It ends by itself, and people wait for these mails.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// The longest pause of a mail that is refused. It hardly ever mends; but the account may be in the sandbox, or the
/// sender not verified yet.
const LONGEST_REFUSED_PAUSE: Duration = Duration::from_secs(12 * 3600);

/// What became of a mail.
#[derive(Debug)]
pub(crate) enum Delivered {
    /// It has left.
    Sent,
    /// It went nowhere, as it was meant to.
    Blank,
    /// There was nothing to do: it has left before, somebody else is at it, or it has to wait.
    NotOurs,
    /// It is too old, and gone.
    GivenUp,
    /// It can't be sent, and waits.
    Failed(Error),
}

impl Delivered {
    /// For a message: failed is what must come again.
    pub(crate) fn into_result(self) -> Result<()> {
        match self {
            Self::Sent | Self::Blank | Self::NotOurs | Self::GivenUp => Ok(()),
            Self::Failed(error) => Err(error),
        }
    }
}

impl Mailer {
    /// Delivers a mail.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where another mail would fare no better now.
    pub(crate) async fn deliver(&self, id: OutboxId) -> Result<Delivered> {
        let now = self.clock.now();
        let taken = self.outbox.mail_take(id, now, now.plus(LEASE)).await?;
        let Some(mail) = taken else {
            return Ok(Delivered::NotOurs);
        };
        if self.has_left(id) {
            self.forget(id).await?;
            return Ok(Delivered::NotOurs);
        }
        if now.since(mail.created_at) >= GIVEN_UP_AFTER {
            return self.give_up(&mail).await;
        }
        match self.send(&mail).await {
            Ok(sent) => {
                self.forget(id).await?;
                Ok(sent)
            }
            Err(SendFault::Unavailable(error)) => {
                self.give_back(&mail, LONGEST_PAUSE).await;
                Err(error)
            }
            Err(SendFault::Refused(error)) => {
                self.give_back(&mail, LONGEST_REFUSED_PAUSE).await;
                Ok(Delivered::Failed(error))
            }
        }
    }

    async fn send(&self, mail: &Mail) -> Result<Delivered, SendFault> {
        let letter = self.post.open(mail).await?;
        let Some(envelope) = Envelope::of(mail, letter)? else {
            return Ok(Delivered::Blank);
        };
        let sent = self.transport.send(&envelope).await?;
        self.remember(mail.id);
        let (id, attempts) = (mail.id, mail.attempts);
        let waited = self.clock.now().since(mail.created_at).as_millis();
        let waited = u64::try_from(waited).unwrap_or(u64::MAX);
        tracing::info!(mail.id = %id, attempts, waited_milliseconds = waited, sent, "sent mail {id}");
        Ok(Delivered::Sent)
    }

    /// Nobody reads the log for every mail, hence the word that a metric filter of `template.yaml` counts.
    async fn give_up(&self, mail: &Mail) -> Result<Delivered> {
        let (id, attempts) = (mail.id, mail.attempts.saturating_sub(1));
        let written_at = mail.created_at.rfc3339();
        tracing::error!(
            alarm = "mail-given-up", mail.id = %id, attempts, written_at,
            "mail {id} could not be sent for four days and is given up after {attempts} attempts"
        );
        self.outbox.mail_delete(id).await?;
        Ok(Delivered::GivenUp)
    }

    /// If that fails too, it comes back when the lease is over.
    async fn give_back(&self, mail: &Mail, longest: Duration) {
        let when = self.clock.now().plus(pause(mail.attempts, longest));
        if let Err(error) = self.outbox.mail_give_back(mail, when).await {
            let id = mail.id;
            tracing::warn!(mail.id = %id, error = ?error, "mail {id} was not given back: {error}");
        }
    }

    async fn forget(&self, id: OutboxId) -> Result<()> {
        self.outbox.mail_delete(id).await?;
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.remove(&id);
        Ok(())
    }

    fn remember(&self, id: OutboxId) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.insert(id);
    }

    fn has_left(&self, id: OutboxId) -> bool {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.contains(&id)
    }
}

/// How long a mail waits after so many attempts.
fn pause(attempts: u32, longest: Duration) -> Duration {
    let doubled = attempts.saturating_sub(1).min(16);
    (FIRST_PAUSE * (1 << doubled)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let pauses = [1, 2, 3, 4, 5, 6, 7, 100].map(|attempts| pause(attempts, LONGEST_PAUSE));
        let seconds = pauses.map(|pause| pause.as_secs());
        assert_eq!(seconds, [30, 60, 120, 240, 480, 900, 900, 900]);
        assert_eq!(
            pause(u32::MAX, LONGEST_REFUSED_PAUSE),
            LONGEST_REFUSED_PAUSE
        );
    }
}
