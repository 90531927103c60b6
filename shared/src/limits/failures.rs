//! A brake for those who fail to prove who they are, in the process and without I/O.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::source::Source;
use super::windows::{Step, Windows};
use crate::clock::Moment;
use crate::error::{Error, Result};

/// What a braked client sees as the policy that it broke.
pub(super) const FAILED_AUTH: &str = "failed-auth";

/// How many tokens of one source may fail in one window in one process.
const QUOTA: u32 = 60;
const WINDOW_SECONDS: i64 = 60;

/// Failures of each source in the current minute.
#[derive(Debug)]
pub(super) struct Failures(Mutex<Windows<Source>>);

impl Failures {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Windows::new()))
    }

    pub(super) fn note(&self, source: &Source, now: Moment) {
        let start = start(now);
        let mut windows = self.lock();
        if windows.take(source, start, QUOTA) == Step::Ask {
            // The first failure: the process itself has all the permits, and this one is used.
            windows.refill(
                source.clone(),
                start,
                start + WINDOW_SECONDS,
                QUOTA - 1,
                QUOTA,
            );
        }
    }

    pub(super) fn is_over(&self, source: &Source, now: Moment) -> bool {
        self.lock().is_exhausted(source, start(now), QUOTA)
    }

    /// Refuses a source that failed too often, until the window ends.
    pub(super) fn refuse(&self, source: &Source, now: Moment) -> Result<()> {
        if !self.is_over(source, now) {
            return Ok(());
        }
        let left = start(now) + WINDOW_SECONDS - now.unix_seconds();
        Err(Error::QuotaExceeded {
            policies: vec![FAILED_AUTH.to_owned()],
            retry_after: Duration::from_secs(u64::try_from(left).unwrap_or(1).max(1)),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Windows<Source>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn start(now: Moment) -> i64 {
    let seconds = now.unix_seconds();
    seconds - seconds.rem_euclid(WINDOW_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fails_too_often_is_refused_until_the_minute_is_over_and_nobody_else_is() {
        let failures = Failures::new();
        let now = Moment::from_unix_seconds(90);
        let (bad, good) = (
            Source::of(Some([203, 0, 113, 7].into())),
            Source::of(Some([203, 0, 113, 8].into())),
        );
        for _ in 0..QUOTA {
            assert!(failures.refuse(&bad, now).is_ok());
            failures.note(&bad, now);
        }
        assert!(failures.refuse(&good, now).is_ok());
        let Err(Error::QuotaExceeded {
            policies,
            retry_after,
        }) = failures.refuse(&bad, now)
        else {
            panic!("a source that failed sixty times is refused");
        };
        assert_eq!(
            (policies, retry_after.as_secs()),
            (vec![FAILED_AUTH.to_owned()], 30)
        );
        assert!(failures.refuse(&bad, now.plus(retry_after)).is_ok());
    }
}
