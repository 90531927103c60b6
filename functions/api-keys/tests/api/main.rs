//! The API of `api-keys` as a client sees it.

#![expect(clippy::expect_used, reason = "a test that can't go on has failed")]

mod audited;
mod change_keys;
mod create_keys;
mod helpers;
mod list_keys;
mod rotate_keys;
mod use_keys;
mod whose_keys;
