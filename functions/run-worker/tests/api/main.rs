//! Turns in the background: `chat` queues them, and the worker runs them, on one table.

#![expect(clippy::expect_used, reason = "a test that can't go on has failed")]

mod ends;
mod helpers;
mod queue;
mod spans;
mod turns;
