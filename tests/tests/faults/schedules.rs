//! Which schedules a test does.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

/// How many schedules end together: their storms come one after the other, and then the weather becomes calm for all.
const GROUP: usize = 10;
const PER_WORLD: u64 = 50;
const SIDE_BY_SIDE: usize = 4;

/// Does the schedules of one part of several of a kind: `each` of them, or those that the environment names.
///
/// Several are done side by side, because most of their time is that of pauses, each of them in a world of its own. A world
/// has fifty, because the table grows.
pub(crate) fn schedules<W>(
    part: u64,
    each: u64,
    world: impl Fn() -> W + Sync,
    group: impl Fn(&mut W, &[u64]) + Sync,
) {
    let seeds = seeds(part, each);
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
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(work);
        }
    });
}

#[expect(clippy::print_stderr, reason = "whoever mends it needs the seed")]
fn say_seed(seed: u64) {
    eprintln!("one of the {GROUP} schedules from this seed on failed: FAULT_SEED={seed}");
}

/// The parts of a kind have seeds of their own.
fn seeds(part: u64, each: u64) -> Range<u64> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is no setting of a function"
    )]
    let read = |name: &str| {
        let text = std::env::var(name).ok()?;
        Some(text.parse().expect("a number"))
    };
    if let Some(seed) = read("FAULT_SEED") {
        // Whoever does one again wants to read what happens.
        shared::telemetry::init("chat", &shared::telemetry::Levels::default());
        return seed..seed + GROUP as u64;
    }
    let first = part * 1_000_000;
    first..first + read("FAULT_SCHEDULES").unwrap_or(each)
}
