//! Threads: conversations that are in no list and expire.

use std::collections::BTreeMap;

use super::{Conversation, ConversationId, ConversationStatus, ModelSettings};
use crate::clock::Moment;

/// A thread, without its messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// By which its messages are found.
    pub id: ConversationId,
    /// What the model is told before the messages, in every turn.
    pub system_prompt: Option<String>,
    /// When it was begun.
    pub created_at: Moment,
    /// Until when it is there.
    pub expires_at: Moment,
}

impl Thread {
    /// It as a conversation that somebody asks something in.
    pub fn as_conversation(&self) -> Conversation {
        Conversation {
            id: self.id,
            title: None,
            model: None,
            system_prompt: self.system_prompt.clone(),
            settings: ModelSettings {
                // Nobody sees it in a list.
                auto_title: Some(false),
                ..ModelSettings::default()
            },
            status: ConversationStatus::Active,
            metadata: BTreeMap::new(),
            version: 1,
            created_at: self.created_at,
            active_at: self.created_at,
        }
    }
}
