//! Messages that are put into a conversation, and taken out of it, without a turn.

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::TenantStore;
use super::conversation::IS_THERE;
use super::item::{IS_NEW, Written, n, s, value};
use crate::clock::Moment;
use crate::error::Result;
use crate::model::{Conversation, ConversationId, Message, Role};

/// What became of a change to the messages of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It is written.
    Yes,
    /// There is no such conversation any more; nothing was written.
    ConversationGone,
    /// Somebody else was quicker; nothing was written.
    ByAnother,
}

impl TenantStore {
    /// Writes a new conversation with its first messages: all or nothing.
    pub async fn conversation_create_with(
        &self,
        conversation: &Conversation,
        messages: &[Message],
    ) -> Result<()> {
        let item = self.conversation_row(conversation)?;
        let mut parts = vec![self.store.put(item, IS_NEW)?];
        for message in messages {
            parts.push(self.message_put(conversation.id, message, None)?);
        }
        self.store.transact(parts).await?.surely()
    }

    /// Puts messages at their places, all or nothing, and moves the conversation to the top of the list. They take places as
    /// turns do: if the first is taken, another turn or request was quicker.
    pub async fn messages_add(
        &self,
        conversation: ConversationId,
        messages: &[Message],
        now: Moment,
    ) -> Result<Changed> {
        let mut parts = Vec::new();
        for message in messages {
            parts.push(self.message_put(conversation, message, None)?);
        }
        self.changed(conversation, parts, now).await
    }

    /// Puts a message that has lost parts in the place of what it was before.
    pub async fn message_rewrite(
        &self,
        conversation: ConversationId,
        before: &Message,
        after: &Message,
        now: Moment,
    ) -> Result<Changed> {
        let item = self.message_item(conversation, after, None)?;
        let id = (":id", s(before.id.to_string()));
        let part = if before.removed.is_empty() {
            let condition = "id = :id AND attribute_not_exists(removed)";
            self.store.put_if(item, condition, [id])?
        } else {
            let removed = (":removed", value(&before.removed)?);
            let condition = "id = :id AND removed = :removed";
            self.store.put_if(item, condition, [id, removed])?
        };
        self.changed(conversation, vec![part], now).await
    }

    /// Deletes a message, and what was kept of its run for those who follow it. The run goes too, if neither its question nor
    /// its answer is left: otherwise nothing would lead to it when the conversation is deleted.
    pub async fn message_delete(
        &self,
        conversation: ConversationId,
        message: &Message,
        now: Moment,
    ) -> Result<Changed> {
        if let Some(run) = message.run {
            let other = match message.role {
                Role::Assistant => message.sequence.checked_sub(1),
                Role::User | Role::Tool => message.sequence.checked_add(1),
            };
            let other = match other {
                Some(place) => self.message_get(conversation, place).await?,
                None => None,
            };
            let is_last = other.is_none_or(|other| other.run != Some(run));
            let kept = self.run_key(run);
            let rows = self.run_rows(run).await?.into_iter();
            let gone = rows.filter(|row| is_last || *row != kept);
            // First, so that what breaks off here is found again by the message.
            self.delete_all(gone.collect()).await?;
        }
        let key = self.message_key(conversation, message.sequence);
        let id = (":id", s(message.id.to_string()));
        let part = self.store.delete(key, "id = :id", [id])?;
        self.changed(conversation, vec![part], now).await
    }

    /// Makes the change, and notes it in the conversation.
    async fn changed(
        &self,
        conversation: ConversationId,
        mut parts: Vec<TransactWriteItem>,
        now: Moment,
    ) -> Result<Changed> {
        parts.push(self.store.update(
            self.conversation_key(conversation),
            "SET active_at = :now ADD version :one",
            IS_THERE,
            [(":now", value(now)?), (":one", n(1))],
        )?);
        let last = parts.len() - 1;
        Ok(match self.store.transact(parts).await? {
            Written::Yes => Changed::Yes,
            Written::ConditionFailed { place } if place == last => Changed::ConversationGone,
            Written::ConditionFailed { .. } => Changed::ByAnother,
        })
    }
}
