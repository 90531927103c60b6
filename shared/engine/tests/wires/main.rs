//! Every wire against a provider that does what it is told, over real connections.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't go on has failed"
)]

mod answers;
mod credentials;
mod faults;
mod helpers;
mod orders;
mod vectors;
mod verdicts;
