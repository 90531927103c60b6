//! What holds across functions: routers, the document, the template, the local router, the samples and the
//! configuration say the same.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't go on has failed"
)]

mod configuration;
mod document;
mod events;
mod limits;
mod panics;
mod routes;
mod sources;
mod tokens;
