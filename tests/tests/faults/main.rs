//! Faults by seed: the table throttles, fails, loses replies and closes connections, queues lose and repeat and reorder
//! what they are told, providers break off, clients leave, and processes die at any of their calls. After each schedule the
//! same must hold: nothing that was accepted is lost, nothing is done twice, money is conserved, nobody sees what is
//! somebody else's, and nothing is stuck.
//!
//! A schedule is a function of its seed. One that fails says which: `FAULT_SEED=<seed> cargo nextest run -p promises --test
//! faults <kind>` does it again. `FAULT_SCHEDULES=<number>` says how many all tests do together, and `FAULT_FIRST=<number>`
//! how many seeds of each test are passed over.

#![expect(clippy::expect_used, reason = "a test that can't go on has failed")]

mod delivery;
mod ingest;
mod jobs;
mod process;
mod rotation;
mod schedules;
mod turns;
mod world;
