//! Messages as clients see them: the same from every function.

use serde::Serialize;

use super::timestamp::Timestamp;
use crate::model::{
    Answer, CachedFrom, Citation, ContentPart, ConversationId, FinishReason, Message, MessageId,
    Role, RunId, Support, Usage,
};

/// One message of a conversation.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = Message)]
pub struct MessageView {
    /// Its id.
    pub id: MessageId,
    /// The conversation that it belongs to.
    pub conversation_id: ConversationId,
    /// The message that it follows; `null` for the first.
    pub parent_id: Option<MessageId>,
    /// The run that it is the question or the answer of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// Who it is from.
    pub role: Role,
    /// What it says: the text of it.
    pub content: String,
    /// What it is made of, in order, where that is more than text: images, files, calls of tools and their results, and
    /// what the model thought.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub parts: Vec<ContentPart>,
    /// When it was stored.
    pub created_at: Timestamp,
    /// The provider that answered. Only the assistant's messages have this and what follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The model that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Why the model stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<FinishReason>,
    /// What the turn used, as the provider counted it; absent if it did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// From the call to the provider until its first text, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_token_ms: Option<u64>,
    /// From the call to the provider until its last text, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// Set if the provider was not asked, because the same had been answered before: `settings.cache` allowed it. `usage`
    /// is zero then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached: Option<CachedView>,
    /// What of the documents that the model was given supports the answer, in the order of the answer, at most 20. Each
    /// quote stands in the document's text from `start` to `end`, as it was when the answer was made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub citations: Vec<Citation>,
    /// How much of the answer the documents support. Absent where it was not given any by the workflow `rag`, and where the
    /// process of its run died.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub support: Option<Support>,
    /// Why no answer came to this message of the user: the type of the problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "urn:chatter:problem:provider-unavailable")]
    pub failure: Option<String>,
}

/// Where an answer that was given again was made.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = Cached)]
pub struct CachedView {
    /// The run, which may be somebody else's of the tenant.
    pub run_id: RunId,
    /// When.
    pub created_at: Timestamp,
}

impl MessageView {
    /// A message of that conversation.
    pub fn new(conversation_id: ConversationId, message: Message) -> Self {
        let Message {
            id,
            sequence: _,
            parent,
            run,
            role,
            content,
            parts,
            removed: _,
            tool_rounds: _,
            answer,
            failure,
            pending_until: _,
            created_at,
        } = message;
        let view = Self {
            id,
            conversation_id,
            parent_id: parent,
            run_id: run,
            role,
            content,
            parts,
            created_at: Timestamp(created_at),
            provider: None,
            model: None,
            finish_reason: None,
            usage: None,
            first_token_ms: None,
            latency_ms: None,
            cached: None,
            citations: Vec::new(),
            support: None,
            failure: failure.map(|slug| format!("{}{slug}", super::problem::TYPE_PREFIX)),
        };
        match answer {
            Some(answer) => view.with(answer),
            None => view,
        }
    }

    fn with(self, answer: Answer) -> Self {
        let Answer {
            provider,
            model,
            finish_reason,
            usage,
            first_token_ms,
            latency_ms,
            cached,
            citations,
            support,
        } = answer;
        Self {
            provider: Some(provider),
            model: Some(model),
            finish_reason: Some(finish_reason),
            usage,
            first_token_ms,
            latency_ms,
            cached: cached.map(|CachedFrom { run, created_at }| CachedView {
                run_id: run,
                created_at: Timestamp(created_at),
            }),
            citations,
            support,
            ..self
        }
    }
}
