//! The API of `audit` as a client sees it.

#![expect(clippy::expect_used, reason = "a test that can't go on has failed")]

mod append_only;
mod helpers;
mod list_records;
mod tampering;
mod verify_trail;
