//! Ids and plain data with their rules. Knows no HTTP and no AWS.

mod conversation;
mod id;
mod identity;
mod llm;

pub use conversation::{
    Answer, Conversation, ConversationStatus, FinishReason, MAX_CONTENT_BYTES, Message,
    MessageContent, Role, SystemPrompt, Title, Usage,
};
pub use id::{ConversationId, MessageId, RequestId, SessionId, TenantId, UserId};
pub use identity::{Email, Membership, MembershipRole, Password, PersonName, Session, User};
pub use llm::{ModelSpec, ProviderSpec, Wire};
