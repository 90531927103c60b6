//! Rotations against a Secrets Manager that refuses what AWS refuses.

#![expect(clippy::expect_used, reason = "a test that can't go on has failed")]

mod contract;
mod guard;
mod helpers;
mod logs;
mod traffic;
