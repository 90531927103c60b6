//! What holds across functions: routers, the document, the template, the local router, the samples and the
//! configuration say the same.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't go on has failed"
)]

mod api_keys;

mod audit;
mod bodies;
mod configuration;
mod cursors;
mod document;
mod events;
mod fields;
mod headers;
mod isolation;
mod limits;
mod logs;
mod mails;
mod matrix;
mod methods;
mod neighbours;
mod panics;
mod problems;
mod routes;
mod sources;
mod sweep;
mod things;
mod tokens;
mod world;
