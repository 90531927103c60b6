//! The API of `provider-credentials` as a client sees it, and what turns make of it.

#![expect(clippy::expect_used, reason = "a test that can't go on has failed")]

mod change;
mod helpers;
mod own_providers;
mod turns;
