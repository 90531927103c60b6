//! The mailer on its own table, with an SES that fails on command.

#![expect(clippy::expect_used, reason = "a test that can't go on has failed")]

mod directory;
mod faults;
mod helpers;
mod logs;
mod messages;
mod sweeps;
