//! Rate limits: how many requests of a class may pass in a window, for a caller, a tenant or a source.
//!
//! A window's counter is one item of the table, and a permit one conditional write: however many processes
//! there are, never more than the quota pass. To save writes a process takes a block of permits at once
//! ([`Policy::block`]); what it does not use is lost to the others, so somewhat fewer may pass. When the
//! permits are gone the process remembers it, and refuses without asking.
//!
//! | request | writes |
//! | --- | --- |
//! | passes | 1 / block for each policy; 1 where the quota is under 200 |
//! | refused, and the process knows | 0 |
//! | refused, and the process did not know | 1, once for each process and window |
//! | of class [`Class::Open`], or over the brake for failed tokens | 0 |
//!
//! So counting a flood costs at most one write unit for each policy of each request that API Gateway lets through,
//! where every request comes from a new source, or from a new caller of a new tenant. With two policies a class and
//! `ThrottleRate` requests a second that is 2 × `ThrottleRate` × 86,400 × $0.625 / 10⁶ a day: $10.80 for 100.
//! What passes costs what it does; [`Per::Everyone`] bounds the dearest that needs no token, which are mails.
//!
//! When the table does not answer in time, [`Class::Auth`], [`Class::Mail`] and [`Class::Sensitive`] are refused, because an
//! unlimited number of attempts is worse than none. The others pass, uncounted, and one log line has
//! `alarm: "limiter"`.

mod failures;
mod policy;
mod source;
mod windows;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;

use crate::clock::Moment;
use crate::error::{BoxError, Error, Result};
use crate::store::{LimitWindow, Store};

use failures::Failures;
pub use policy::{Class, Per, Policy, parse};
pub use source::Source;
use windows::{Step, Windows};

/// How long the table may take to answer. A request does not wait longer for permission.
const STORE_TIMEOUT: Duration = Duration::from_millis(800);

/// A policy, and where a subject is in its window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The policy.
    pub policy: Arc<Policy>,
    /// `None` if it is not known, or if it is not what the request was refused for.
    pub left: Option<Left>,
}

/// What is left of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// So many more requests, as far as this process knows.
    pub remaining: u32,
    /// Seconds until the window ends.
    pub reset: u64,
}

/// A request may pass.
#[derive(Debug, Clone)]
pub struct Admission {
    /// The policies that counted it.
    pub standings: Vec<Standing>,
}

/// A request may not pass.
#[derive(Debug)]
pub enum Refused {
    /// Policies have no permit left: those with a [`Standing::left`].
    Quota(Vec<Standing>),
    /// It is not known whether there are permits, and the class is one that is refused then.
    Unknown(BoxError),
}

/// Counts requests. Clones share what they know.
#[derive(Debug, Clone)]
pub struct Limiter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    patience: Duration,
    policies: Vec<Arc<Policy>>,
    windows: Mutex<Windows<Key>>,
    failures: Failures,
}

/// The place of a policy, and the subject.
type Key = (usize, String);

/// One policy's part in a request.
struct Asked<'a> {
    policy: &'a Arc<Policy>,
    key: Key,
    start: i64,
    reset: u64,
}

enum Outcome {
    Taken { remaining: u32 },
    Exhausted,
    Unknown(Error),
}

impl Limiter {
    /// With these policies, and counters in that table.
    pub fn new(policies: Vec<Policy>, store: Store) -> Self {
        Self::with_patience(policies, store, STORE_TIMEOUT)
    }

    /// With another time that the table may take to answer.
    pub fn with_patience(policies: Vec<Policy>, store: Store, patience: Duration) -> Self {
        Self(Arc::new(Inner {
            store,
            patience,
            policies: policies.into_iter().map(Arc::new).collect(),
            windows: Mutex::new(Windows::new()),
            failures: Failures::new(),
        }))
    }

    /// Takes one permit of each policy that counts requests of this class for one of these subjects, side by
    /// side. If one has none left, the permits of the others go back to this process.
    pub async fn admit(
        &self,
        class: Class,
        subjects: &[(Per, String)],
        now: Moment,
    ) -> Result<Admission, Refused> {
        let asked = self.asked(class, subjects, now);
        if asked.is_empty() {
            // The configuration has a policy for every class, so the subjects are not those of the class.
            return Err(Refused::Unknown("no policy counts this request".into()));
        }
        // What is known to be refused must not use up what others share with it.
        let known: Vec<bool> = asked.iter().map(|asked| self.is_exhausted(asked)).collect();
        if known.contains(&true) {
            return Err(refusal(&asked, &known));
        }
        let outcomes = join_all(asked.iter().map(|asked| self.take(class, asked))).await;
        let exhausted: Vec<bool> = outcomes
            .iter()
            .map(|outcome| matches!(outcome, Outcome::Exhausted))
            .collect();
        if exhausted.contains(&true) {
            self.give_back(&asked, &outcomes);
            return Err(refusal(&asked, &exhausted));
        }
        admission(class, &asked, outcomes)
    }

    /// Notes that a source sent a token that does not hold.
    pub fn failed(&self, source: &Source, now: Moment) {
        self.0.failures.note(source, now);
    }

    /// Refuses a source that sent so many of them that nothing more of it is looked at for now.
    pub fn brake(&self, source: &Source, now: Moment) -> Result<()> {
        self.0.failures.refuse(source, now)
    }

    fn asked<'a>(
        &'a self,
        class: Class,
        subjects: &[(Per, String)],
        now: Moment,
    ) -> Vec<Asked<'a>> {
        let policies = self.0.policies.iter().enumerate();
        let own = policies.filter(|(_, policy)| policy.class == class);
        own.filter_map(|(place, policy)| {
            let (_, subject) = subjects.iter().find(|(per, _)| *per == policy.per)?;
            Some(Asked {
                policy,
                key: (place, subject.clone()),
                start: policy.window_start(now),
                reset: policy.reset(now),
            })
        })
        .collect()
    }

    async fn take(&self, class: Class, asked: &Asked<'_>) -> Outcome {
        if let Some(outcome) = self.take_own(asked) {
            return outcome;
        }
        let policy = asked.policy;
        if class == Class::Open {
            // The process has the whole quota for itself.
            return self.took(asked, policy.quota, policy.quota);
        }
        let block = policy.block();
        match self.ask(asked, block).await {
            Ok(Some(taken)) => self.took(asked, block, taken),
            Ok(None) => {
                self.refill(asked, 0, policy.quota);
                // Another request of this process may have brought permits meanwhile.
                self.take_own(asked).unwrap_or(Outcome::Exhausted)
            }
            Err(error) => Outcome::Unknown(error),
        }
    }

    /// From what the process has. `None` if the table must be asked.
    fn take_own(&self, asked: &Asked<'_>) -> Option<Outcome> {
        let quota = asked.policy.quota;
        match self.lock().take(&asked.key, asked.start, quota) {
            Step::Taken { remaining } => Some(Outcome::Taken { remaining }),
            Step::Exhausted => Some(Outcome::Exhausted),
            Step::Ask => None,
        }
    }

    /// Keeps a block but for the one permit that is used.
    fn took(&self, asked: &Asked<'_>, block: u32, taken: u32) -> Outcome {
        let more = block.saturating_sub(1);
        self.refill(asked, more, taken);
        let remaining = asked
            .policy
            .quota
            .saturating_sub(taken)
            .saturating_add(more);
        Outcome::Taken { remaining }
    }

    async fn ask(&self, asked: &Asked<'_>, permits: u32) -> Result<Option<u32>> {
        let Policy {
            name, per, quota, ..
        } = asked.policy.as_ref();
        let window = LimitWindow {
            kind: per.name(),
            subject: &asked.key.1,
            policy: name,
            start: asked.start,
            end: asked.end(),
            quota: *quota,
        };
        let answer =
            tokio::time::timeout(self.0.patience, self.0.store.permits_take(window, permits));
        answer
            .await
            .unwrap_or_else(|late| Err(Error::unavailable(late)))
    }

    fn refill(&self, asked: &Asked<'_>, more: u32, taken: u32) {
        self.lock()
            .refill(asked.key.clone(), asked.start, asked.end(), more, taken);
    }

    fn is_exhausted(&self, asked: &Asked<'_>) -> bool {
        self.lock()
            .is_exhausted(&asked.key, asked.start, asked.policy.quota)
    }

    fn give_back(&self, asked: &[Asked<'_>], outcomes: &[Outcome]) {
        let mut windows = self.lock();
        for (asked, outcome) in asked.iter().zip(outcomes) {
            if matches!(outcome, Outcome::Taken { .. }) {
                windows.give_back(&asked.key, asked.start);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Windows<Key>> {
        self.0
            .windows
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked<'_> {
    fn end(&self) -> i64 {
        self.start.saturating_add(self.policy.window_seconds())
    }
}

fn refusal(asked: &[Asked<'_>], exhausted: &[bool]) -> Refused {
    let standings = asked
        .iter()
        .zip(exhausted)
        .map(|(asked, exhausted)| Standing {
            policy: asked.policy.clone(),
            left: exhausted.then_some(Left {
                remaining: 0,
                reset: asked.reset,
            }),
        });
    Refused::Quota(standings.collect())
}

/// What the policies say that could be asked; the class decides what the silence of the others means.
fn admission(
    class: Class,
    asked: &[Asked<'_>],
    outcomes: Vec<Outcome>,
) -> Result<Admission, Refused> {
    let mut standings = Vec::new();
    let mut unknown = None;
    for (asked, outcome) in asked.iter().zip(outcomes) {
        let left = match outcome {
            Outcome::Taken { remaining } => Some(Left {
                remaining,
                reset: asked.reset,
            }),
            Outcome::Exhausted => None,
            Outcome::Unknown(error) => {
                unknown = Some(error);
                None
            }
        };
        let policy = asked.policy.clone();
        standings.push(Standing { policy, left });
    }
    match unknown {
        Some(error) if class.fails_closed() => Err(Refused::Unknown(error.into())),
        Some(error) => {
            // An operator's alarm waits for this field.
            tracing::error!(alarm = "limiter", class = ?class, error = ?error, "a request passed uncounted: {error}");
            Ok(Admission { standings })
        }
        None => Ok(Admission { standings }),
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Unknown(cause) => Self::Unavailable(cause),
            Refused::Quota(standings) => {
                let violated = standings.into_iter().filter_map(|standing| {
                    Some((standing.policy.name.clone(), standing.left?.reset))
                });
                let (policies, resets): (Vec<String>, Vec<u64>) = violated.unzip();
                let latest = resets.into_iter().max().unwrap_or(1);
                Self::QuotaExceeded {
                    policies,
                    retry_after: Duration::from_secs(latest),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
