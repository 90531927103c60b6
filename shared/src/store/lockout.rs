//! Failed logins in a row: `LOGIN#<SHA-256 of the address>` / `LOGIN`, with a TTL.
//!
//! The row belongs to the address and not to the account, so that an unknown address behaves like a known one,
//! and not to where the guesses come from, so that many sources do not guess more.
//!
//! Questions: how often did the login fail in a row, and when last? Writes: once more, exactly counted; none.

use std::time::Duration;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::IdentityStore;
use super::item::{Item, key, moment, n};
use crate::clock::Moment;
use crate::error::Result;
use crate::model::Email;

/// How many failures in a row have no consequence.
const FREE_FAILURES: u32 = 5;
/// From how many failures in a row on only a new password, set by mail, opens the account.
pub const HARD_STOP: u32 = 100;
/// The longest pause between two attempts.
const LONGEST_DELAY: Duration = Duration::from_secs(3600);
/// How long failures are remembered after the last of them.
const REMEMBERED_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

/// Failed logins in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct FailedLogins {
    /// How many.
    pub failures: u32,
    /// When the last one was.
    pub last_at: Moment,
    expires_at: i64,
}

impl FailedLogins {
    /// How long no attempt is made from `now` on: nothing after the first five, then one second, doubled with
    /// each further failure up to an hour.
    pub fn locked_for(&self, now: Moment) -> Option<Duration> {
        let over = self.failures.checked_sub(FREE_FAILURES)?;
        let delay = Duration::from_secs(1 << over.min(12)).min(LONGEST_DELAY);
        let end = self.last_at.plus(delay);
        (now < end).then(|| end.since(now))
    }

    /// Whether the right password does not help any more.
    pub const fn is_stopped(&self) -> bool {
        self.failures >= HARD_STOP
    }
}

fn lockout_key(email: &Email) -> Item {
    let digest = Sha256::digest(email.as_str());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    key(format!("LOGIN#{hex}"), "LOGIN")
}

impl IdentityStore {
    /// The failed logins in a row for an address. `None` if the last attempt was good.
    pub async fn failed_logins(&self, email: &Email, now: Moment) -> Result<Option<FailedLogins>> {
        let found = self.store.get::<FailedLogins>(lockout_key(email)).await?;
        Ok(found.filter(|failed| failed.expires_at > now.unix_seconds()))
    }

    /// Counts one more. Failures at the same time are all counted.
    pub async fn login_failed(&self, email: &Email, now: Moment) -> Result<()> {
        let request = self.store.db.update_item().table_name(&*self.store.table);
        let end = now.plus(REMEMBERED_FOR).unix_seconds();
        let request = request
            .set_key(Some(lockout_key(email)))
            .update_expression("ADD failures :one SET last_at = :now, expires_at = :end")
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":now", moment(now)?)
            .expression_attribute_values(":end", n(end));
        request.send().await.map(|_| ()).map_err(crate::aws::error)
    }

    /// Forgets them: the login was good, or a new password was set by mail.
    pub async fn login_succeeded(&self, email: &Email) -> Result<()> {
        self.store.remove(lockout_key(email)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_from_a_second_to_an_hour() {
        let now = Moment::from_unix_seconds(1000);
        let locked = |failures: u32| {
            let failed = FailedLogins {
                failures,
                last_at: now,
                expires_at: 0,
            };
            failed.locked_for(now).map(|pause| pause.as_secs())
        };
        let pauses: Vec<Option<u64>> = [4, 5, 6, 7, 16, 17, 99].map(locked).into();
        assert_eq!(
            pauses,
            [
                None,
                Some(1),
                Some(2),
                Some(4),
                Some(2048),
                Some(3600),
                Some(3600)
            ]
        );
    }
}
