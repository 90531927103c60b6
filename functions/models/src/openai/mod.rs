//! Models as OpenAI's clients list them.

pub(crate) mod get;
pub(crate) mod list;
mod view;
