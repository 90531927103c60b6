//! The API of `chat` as a client sees it.

#![expect(clippy::expect_used, reason = "a test that can't go on has failed")]

mod budgets;
mod cache;
mod conserved;
mod context;
mod cost;
mod disconnect;
mod embeddings;
mod helpers;
mod instances;
mod moderations;
mod once;
mod openai;
mod parts;
mod platform_keys;
mod provider_faults;
mod rag;
mod refused_messages;
mod routes;
mod run_events;
mod runs;
mod settings;
mod settled;
mod spans;
mod streamed_turns;
mod summary;
mod tools;
mod trace;
mod two_turns;
mod whole_turns;
