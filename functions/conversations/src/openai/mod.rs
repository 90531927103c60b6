//! `/v1/conversations`: the same conversations in OpenAI's words.
//!
//! Items are made of the messages' rows, with the same ids as in responses. An item's id has its message's, and not the place
//! where that stands, so one that is named is looked for from the newest message on.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod delete_item;
mod find;
pub(crate) mod get;
pub(crate) mod items;
pub(crate) mod list;
pub(crate) mod list_items;
mod said;
pub(crate) mod update;
mod view;

use shared::model::ConversationId;
use shared::{Error, Result};

/// The id in a path. What can't be one is not there.
fn parse(id: &str) -> Result<ConversationId> {
    id.parse().map_err(|_| Error::NotFound("conversation"))
}
