//! Knowledge bases: the function that serves them, and the worker that takes documents in, on one table and one bucket.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't go on has failed"
)]

mod access;
mod backends;
mod bases;
mod changes;
mod charges;
mod costs;
mod documents;
mod door;
mod failures;
mod gone;
mod helpers;
mod rebuild;
mod rerank;
mod search;
mod sources;
mod twice;
