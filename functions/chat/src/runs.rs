//! Runs: what became of questions, and how to read along.

pub(crate) mod cancel;
pub(crate) mod events;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod view;
