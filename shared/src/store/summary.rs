//! Summaries: `TENANT#<tenant>#CONV#<conversation>` / `SUMMARY`, one of a conversation.
//!
//! Questions: this one? It stands behind the messages, so that one Query reads it with the newest of them
//! (`message.rs`), and so that it goes when they go. It has a row of its own because the conversation's is listed.

use super::TenantStore;
use super::conversation::IS_THERE;
use super::item::{Item, Written, key, n, to_item};
use crate::error::Result;
use crate::model::{ConversationId, Summary};

/// Behind `MSG#`, and nothing may stand between the two.
pub(super) const SUMMARY_SK: &str = "SUMMARY";

/// Holds where the new one says more than the one that is there: it covers more, or the same for a smaller window.
const IS_NEWER: &str = "attribute_not_exists(pk) OR covers_until < :until \
     OR (covers_until = :until AND context_window > :window)";

impl TenantStore {
    fn summary_key(&self, conversation: ConversationId) -> Item {
        key(self.message_pk(conversation), SUMMARY_SK)
    }

    /// The summary of a conversation. Whoever calls it reads the conversation too, which says whose it is.
    pub async fn summary_get(&self, conversation: ConversationId) -> Result<Option<Summary>> {
        self.store.get(self.summary_key(conversation)).await
    }

    /// Stores a summary, with which the conversation has another version. `false`, and nothing written, if there is a
    /// newer one, or no conversation any more.
    pub async fn summary_put(
        &self,
        conversation: ConversationId,
        summary: &Summary,
    ) -> Result<bool> {
        let row = to_item(self.summary_key(conversation), summary)?;
        let newer = [
            (":until", n(summary.covers_until)),
            (":window", n(summary.context_window)),
        ];
        let parts = vec![
            self.store.update(
                self.conversation_key(conversation),
                "ADD version :one",
                IS_THERE,
                [(":one", n(1))],
            )?,
            self.store.put_if(row, IS_NEWER, newer)?,
        ];
        Ok(self.store.transact(parts).await? == Written::Yes)
    }
}
