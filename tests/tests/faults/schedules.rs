//! Which schedules a test does.

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many schedules end together: their storms come one after the other, and then the weather becomes calm for all.
const GROUP: usize = 10;
const PER_WORLD: u64 = 50;
const SIDE_BY_SIDE: usize = 4;
/// How many all tests do together where nobody says it.
const ALL: u64 = 500;

/// How many this process has done, by what they are about.
static DONE: Mutex<BTreeMap<&str, u64>> = Mutex::new(BTreeMap::new());

/// The schedules of one test.
pub(crate) struct Part {
    /// What they are about.
    pub(crate) area: &'static str,
    /// From which million on its seeds are.
    pub(crate) number: u64,
    /// How many of a hundred schedules of all tests are its own.
    pub(crate) percent: u64,
}

/// Does the schedules of a test: its share of all, or those that the environment names.
///
/// Several are done side by side, because most of their time is that of pauses, each of them in a world of its own. A world
/// has fifty, because the table grows.
pub(crate) fn schedules<W>(
    part: &Part,
    world: impl Fn() -> W + Sync,
    group: impl Fn(&mut W, &[u64]) + Sync,
) {
    let seeds = part.seeds();
    let next = AtomicU64::new(seeds.start);
    let work = || {
        loop {
            let first = next.fetch_add(PER_WORLD, Ordering::Relaxed);
            let mine = first..(first + PER_WORLD).min(seeds.end);
            if mine.is_empty() {
                return;
            }
            let mut world = world();
            for group_of in mine.collect::<Vec<_>>().chunks(GROUP) {
                let done = catch_unwind(AssertUnwindSafe(|| group(&mut world, group_of)));
                if let Err(panic) = done {
                    next.store(u64::MAX / 2, Ordering::Relaxed);
                    say_seed(group_of[0]);
                    resume_unwind(panic);
                }
                part.count(group_of.len() as u64);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(work);
        }
    });
    say_done();
}

#[expect(clippy::print_stderr, reason = "whoever mends it needs the seed")]
fn say_seed(seed: u64) {
    eprintln!("one of the {GROUP} schedules from this seed on failed: FAULT_SEED={seed}");
}

/// What the last test of a process says is what all of them have done.
#[expect(clippy::print_stderr, reason = "whoever runs them wants to know")]
fn say_done() {
    let done = DONE.lock().expect("no test ends in here");
    let areas: Vec<String> = done
        .iter()
        .map(|(area, number)| format!("{number} of {area}"))
        .collect();
    let all: u64 = done.values().sum();
    eprintln!("{all} schedules of faults so far: {}", areas.join(", "));
}

impl Part {
    fn count(&self, schedules: u64) {
        let mut done = DONE.lock().expect("no test ends in here");
        *done.entry(self.area).or_default() += schedules;
    }

    /// The parts of an area have seeds of their own.
    fn seeds(&self) -> Range<u64> {
        if let Some(seed) = setting("FAULT_SEED") {
            // Whoever does one again wants to read what happens.
            shared::telemetry::init("chat", &shared::telemetry::Levels::default());
            return seed..seed + GROUP as u64;
        }
        let first = self.number * 1_000_000 + setting("FAULT_FIRST").unwrap_or(0);
        let all = setting("FAULT_SCHEDULES").unwrap_or(ALL);
        first..first + (all * self.percent).div_ceil(100)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "these are no settings of a function"
)]
fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}
