//! The times of a rotation, the same for both rings of keys, and what a new ring is refused for.

use std::time::Duration;

use crate::clock::Moment;
use crate::secret_source::{BELIEVED_FOR, REREAD_AT_MOST_EVERY};

/// How long after it is made a key is first used. The four steps take seconds and every process reads the ring
/// again within [`BELIEVED_FOR`]; the rest of the hour is for steps that fail and are sent again.
pub const ACTIVATE_DELAY: Duration = Duration::from_secs(3600);

/// Why the ring that a rotation made must not come into use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RotationFault {
    /// The current version has no value yet, or the step before was left out.
    #[error("the pending version has no value: createSecret comes first")]
    NoValue,
    /// It is the current ring, or an older one.
    #[error("the pending ring has no new key")]
    NoNewKey,
    /// What the current ring made would be lost.
    #[error("the pending ring does not keep a key that the current one uses")]
    Forgets,
    /// The new key would be used before every process knows it.
    #[error(
        "the pending ring is too old: its new key would be used before every process knows it; take AWSPENDING from its version and rotate again"
    )]
    TooLate,
    /// A key that does not do what keys do.
    #[error("the new key of the pending ring does not work")]
    Broken,
}

/// Whether a key that is first used at `begins` can still become known everywhere before.
pub(crate) fn in_time(begins: Moment, now: Moment) -> Result<(), RotationFault> {
    if begins < now.plus(BELIEVED_FOR + REREAD_AT_MOST_EVERY) {
        Err(RotationFault::TooLate)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_in_time_while_every_process_still_reads_it_before_it_begins() {
        let now = Moment::from_unix_seconds(1000);
        // A ring is believed for five minutes, and read again a minute later where that failed.
        for (begins, expected) in [
            (1359, Err(RotationFault::TooLate)),
            (1360, Ok(())),
            (1361, Ok(())),
        ] {
            assert_eq!(in_time(Moment::from_unix_seconds(begins), now), expected);
        }
    }
}
