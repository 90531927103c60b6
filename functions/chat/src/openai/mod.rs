//! The OpenAI-compatible front door: requests in OpenAI's words become turns of the same engine.
//!
//! A request that names no conversation lives in a thread: in no list, and for a limited time. What this API knows and
//! Chatter does not is refused by its name. `Accept` does not count: OpenAI's libraries ask for streams with
//! `application/json`.

pub(crate) mod completions;
pub(crate) mod embeddings;
mod event_stream;
pub(crate) mod moderations;
mod parts;
pub(crate) mod responses;
mod tools;
