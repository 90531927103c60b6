//! The API of `auth` as a client sees it.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't go on has failed"
)]

mod account;
mod addresses;
mod hashing;
mod helpers;
mod jwks;
mod lockout;
mod login;
mod logout;
mod me;
mod password;
mod preferences;
mod refresh;
mod register;
mod reset;
mod sessions;
