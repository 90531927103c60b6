//! Weather before the table: faults that a seed decides, and the call at which a process dies.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::Fault;

/// Which calls fail, how, and when the process that makes them dies.
///
/// What a call meets is a function of the seed, of its operation, and of how many of that operation came before: so the
/// same seed brings the same weather, though calls that are made side by side come in any order.
#[derive(Debug, Clone)]
pub struct Storm {
    seed: u64,
    /// How many of a hundred calls meet something.
    percent: u8,
    counts: BTreeMap<String, u64>,
    death: Option<Death>,
}

/// The end of a process at one of its calls.
#[derive(Debug, Clone)]
struct Death {
    /// How many calls it still makes.
    left: usize,
    /// Whether that last call is done.
    done: bool,
    told: Arc<Notify>,
}

/// What becomes of one call.
#[derive(Debug, Clone)]
pub enum Weather {
    /// It goes as it always goes.
    Calm,
    /// It fails like that.
    Fault(Fault),
    /// It comes so much later.
    Late(Duration),
    /// Nobody hears of it any more; whether it is done.
    Dead(bool),
}

impl Storm {
    /// Nothing but calm where `percent` is 0.
    pub const fn new(seed: u64, percent: u8) -> Self {
        Self {
            seed,
            percent,
            counts: BTreeMap::new(),
            death: None,
        }
    }

    /// And the process dies at its `call`th call, which is 1 or more, before or after it is done. What waits for the end
    /// learns of it by the notice that is given back; no call is answered from then on.
    #[must_use]
    pub fn and_death(mut self, call: usize, done: bool) -> (Self, Arc<Notify>) {
        let told = Arc::new(Notify::new());
        self.death = Some(Death {
            left: call,
            done,
            told: told.clone(),
        });
        (self, told)
    }

    /// What that call meets.
    pub(super) fn meet(&mut self, operation: &str) -> Weather {
        if let Some(death) = &mut self.death {
            death.left = death.left.saturating_sub(1);
            if death.left == 0 {
                let done = std::mem::take(&mut death.done);
                death.told.notify_one();
                return Weather::Dead(done);
            }
        }
        let count = self.counts.entry(operation.to_owned()).or_insert(0);
        *count += 1;
        let mut drawn = fastrand::Rng::with_seed(self.seed ^ hashed(operation, *count));
        if drawn.u8(0..100) >= self.percent {
            return Weather::Calm;
        }
        Self::draw(operation, &mut drawn)
    }

    fn draw(operation: &str, drawn: &mut fastrand::Rng) -> Weather {
        let fault = match (drawn.u8(0..10), operation) {
            (0, _) => return Weather::Late(Duration::from_millis(drawn.u64(1..4))),
            (1 | 2, _) => Fault::Throttled,
            (3 | 4, _) => Fault::Failed,
            (5 | 6, _) => Fault::ReplyLost,
            (7, _) => Fault::Closed,
            (_, "TransactWriteItems") => Fault::Cancelled("TransactionConflict"),
            (_, "PutItem" | "UpdateItem" | "DeleteItem") => Fault::Met,
            (_, "BatchGetItem" | "BatchWriteItem") => Fault::Unprocessed,
            (_, "Query") => Fault::EmptyPage,
            _ => Fault::Throttled,
        };
        Weather::Fault(fault)
    }
}

/// A number for each operation and each of its calls.
fn hashed(operation: &str, count: u64) -> u64 {
    let mut sum = count.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for byte in operation.bytes() {
        sum = (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(seed: u64) -> Vec<String> {
        let mut storm = Storm::new(seed, 50);
        let operations = ["GetItem", "Query", "TransactWriteItems"];
        let calls = operations.iter().cycle().take(300);
        calls
            .map(|name| format!("{:?}", storm.meet(name)))
            .collect()
    }

    #[test]
    fn a_seed_brings_its_own_weather_each_time() {
        assert_eq!(met(7), met(7));
        assert_ne!(met(7), met(8));
        let calm = met(7).iter().filter(|met| *met == "Calm").count();
        assert!((100..200).contains(&calm), "{calm}");
        let kinds = [
            "Throttled",
            "Failed",
            "ReplyLost",
            "Closed",
            "EmptyPage",
            "Cancelled",
            "Late",
        ];
        for kind in kinds {
            assert!(met(7).iter().any(|met| met.contains(kind)), "{kind}");
        }
        let mut calm = Storm::new(7, 0);
        assert!((0..100).all(|_| matches!(calm.meet("GetItem"), Weather::Calm)));
    }

    #[test]
    fn from_its_death_on_nothing_is_answered_and_only_the_last_call_may_be_done() {
        for done in [true, false] {
            let (mut storm, _) = Storm::new(7, 0).and_death(3, done);
            let met: Vec<Weather> = (0..5).map(|_| storm.meet("GetItem")).collect();
            assert!(
                matches!(met[..2], [Weather::Calm, Weather::Calm]),
                "{met:?}"
            );
            assert!(
                matches!(met[2], Weather::Dead(last) if last == done),
                "{met:?}"
            );
            let after = [Weather::Dead(false), Weather::Dead(false)];
            assert_eq!(format!("{:?}", &met[3..]), format!("{after:?}"));
        }
    }
}
