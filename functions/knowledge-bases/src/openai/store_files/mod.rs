//! Files of vector stores: documents as OpenAI's clients see them.

pub(super) mod content;
pub(super) mod create;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
pub(super) mod update;
pub(super) mod view;
