//! The message that an item belongs to.

use shared::clock::Moment;
use shared::http::openai::items::{ListedItem, listed, message_of};
use shared::model::{ConversationId, Message, MessageId};
use shared::store::TenantStore;
use shared::{Error, Result};

/// How many messages are read at once.
const READ_AT_ONCE: u32 = 100;

/// An item, and where it was found.
pub(super) struct Found {
    pub(super) item: ListedItem,
    pub(super) message: Message,
    /// Whether the message is the newest of its conversation.
    pub(super) is_newest: bool,
}

/// The message in whose items one with that id would be: nothing is read for what is no id of an item.
///
/// # Errors
/// `NotFound` if it is none.
pub(super) fn message(id: &str) -> Result<MessageId> {
    message_of(id).ok_or(Error::NotFound("item"))
}

/// The item with that id, which is one of that message's.
///
/// Messages are found by their place, which is not in the id, so they are read from the newest on: an item that was put in
/// lately is found at once, and an old one after a query for each hundred messages that came after it.
///
/// # Errors
/// `NotFound` if there is none.
pub(super) async fn item(
    store: &TenantStore,
    conversation: ConversationId,
    message: MessageId,
    id: &str,
) -> Result<Found> {
    let found = look(store, conversation, message).await?;
    let (message, is_newest) = found.ok_or(Error::NotFound("item"))?;
    let item = listed(&message).into_iter().find(|item| item.id() == id);
    Ok(Found {
        item: item.ok_or(Error::NotFound("item"))?,
        message,
        is_newest,
    })
}

async fn look(
    store: &TenantStore,
    conversation: ConversationId,
    wanted: MessageId,
) -> Result<Option<(Message, bool)>> {
    let mut before = u64::MAX;
    let mut newest = None;
    loop {
        let page = store.message_list_reversed(conversation, before, READ_AT_ONCE);
        let page = page.await?;
        for message in page.items {
            let newest = *newest.get_or_insert(message.id);
            before = message.sequence;
            if message.id == wanted {
                return Ok(Some((message, newest == wanted)));
            }
        }
        if !page.has_more {
            return Ok(None);
        }
    }
}

/// That no turn is under way after the newest message.
///
/// # Errors
/// `ConversationBusy` if one is, or its process died and nobody has ended it yet.
pub(super) async fn free(store: &TenantStore, newest: &Message, now: Moment) -> Result<()> {
    if !newest.is_pending(now) {
        return Ok(());
    }
    let run = match newest.run {
        Some(run) => store.run_get(run).await?,
        None => None,
    };
    // Its answer may have been taken out.
    if run.is_some_and(|run| run.status.is_terminal()) {
        return Ok(());
    }
    Err(Error::ConversationBusy)
}
