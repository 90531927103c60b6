//! Conversations as OpenAI shows them.

use std::collections::BTreeMap;

use serde::Serialize;
use shared::model::{Conversation, ConversationId};

/// A conversation.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiConversation)]
pub(crate) struct OpenAiConversation {
    pub(super) id: ConversationId,
    /// Always `conversation`.
    object: &'static str,
    /// When it was created, in Unix seconds.
    created_at: i64,
    /// What its client says of it.
    metadata: BTreeMap<String, String>,
}

impl From<Conversation> for OpenAiConversation {
    fn from(conversation: Conversation) -> Self {
        Self {
            id: conversation.id,
            object: "conversation",
            created_at: conversation.created_at.unix_seconds(),
            metadata: conversation.metadata,
        }
    }
}

/// That a conversation was deleted.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiDeletedConversation)]
pub(crate) struct DeletedConversation {
    id: ConversationId,
    /// Always `conversation.deleted`.
    object: &'static str,
    /// Always `true`.
    deleted: bool,
}

impl DeletedConversation {
    pub(super) const fn new(id: ConversationId) -> Self {
        Self {
            id,
            object: "conversation.deleted",
            deleted: true,
        }
    }
}
