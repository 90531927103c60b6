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
mod hot_keys;
mod isolation;
mod limits;
mod logs;
mod mails;
mod matrix;
mod methods;
mod neighbours;
mod once;
mod panics;
mod partial;
mod partitions;
mod problems;
mod roles;
mod routes;
mod sizes;
mod sources;
mod spans;
mod surplus;
mod sweep;
mod things;
mod touched;
mod transactions;
mod warm;
mod world;
