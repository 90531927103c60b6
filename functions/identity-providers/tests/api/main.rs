//! The API of `identity-providers` as a client sees it, and what the tokens of a trusted issuer are good for.

#![expect(clippy::expect_used, reason = "a test that can't go on has failed")]

mod create;
mod delete;
mod helpers;
mod keys;
mod people;
mod tokens;
