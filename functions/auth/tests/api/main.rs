//! The API of `auth` as a client sees it.

#![expect(clippy::expect_used, reason = "a test that can't go on has failed")]

mod helpers;
mod jwks;
mod login;
mod logout;
mod me;
mod refresh;
mod register;
