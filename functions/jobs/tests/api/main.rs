//! Jobs: the function that shows them, and the worker that does them, on one table.

#![expect(clippy::expect_used, reason = "a test that can't go on has failed")]

mod deaths;
mod ends;
mod helpers;
mod listing;
mod queue;
mod titles;
