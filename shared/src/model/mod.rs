//! Ids and plain data with their rules. Knows no HTTP and no AWS.

mod api_key;
mod audit;
mod budget;
mod common_passwords;
mod content;
mod conversation;
mod credential;
mod document;
mod embedding;
mod federation;
mod file;
mod id;
mod identity;
mod inline_data;
mod job;
mod knowledge;
mod llm;
mod moderation;
mod price;
mod question;
mod registry;
mod rerank;
mod retrieval;
mod run;
mod session;
mod settings;
mod summary;
mod tenant;
mod thread;

pub use api_key::{ApiKey, ApiKeyName, KeySecret, Scope, Scopes};
pub use audit::{
    Actor, AuditAction, AuditEvent, AuditLink, AuditOutcome, AuditRecord, ChainFault, Origin,
};
pub use budget::{
    Budget, BudgetLimit, BudgetRefusal, BudgetResource, BudgetScope, BudgetUse, BudgetWindow,
    CountedBy, Reservation, Spend, WindowUse,
};
pub use content::{
    CallSignature, ContentPart, FileData, ImageSource, ImageUrl, Reasoning, TOOL_NAME_RULE,
    ToolCall, ToolResult, is_tool_name,
};
pub use conversation::{
    Answer, CachedFrom, Conversation, ConversationStatus, FinishReason, MAX_CONTENT_BYTES, Message,
    Role, Said, SystemPrompt, Title, Usage, is_unseen, text_of,
};
pub use credential::{ProviderCredential, ProviderKey, SealedKey};
pub use document::{
    ContentSource, Document, DocumentCounts, DocumentFailure, DocumentStage, DocumentVersion,
    MAX_DOCUMENT_BYTES,
};
pub use embedding::{EmbeddingSpec, MAX_EMBEDDING_DIMENSIONS};
pub use federation::{Audience, FederatedClaims, IdentityProvider, RoleClaim, RoleMap};
pub use file::{FileBatch, FilePurpose, UploadedFile};
pub use id::{
    ApiKeyId, ConversationId, DocumentId, DocumentVersionId, FileBatchId, IdentityProviderId,
    IndexId, InvitationId, JobId, KnowledgeBaseId, MessageId, OutboxId, RequestId, ResponseId,
    RunId, RunnerId, SegmentId, SessionId, TenantId, UserId,
};
pub use identity::{Email, Password, PersonName, User};
pub use inline_data::{InlineData, MAX_DATA_BYTES};
pub use job::{
    JOB_ATTEMPTS, Job, JobPriority, JobProgress, JobResult, JobStatus, JobTask, JobType,
    MAX_JOB_DELAY,
};
pub use knowledge::{
    Chunking, IndexBackend, IndexSettings, KnowledgeBase, KnowledgeBaseName, KnowledgeIndex,
    MAX_READERS, Manifest, RetiredIndex, SegmentRef, Visibility, checked_metadata, checked_readers,
};
pub use llm::{
    Capability, MaxTokensField, ModelSpec, ProviderName, ProviderOwner, ProviderSpec, Wire,
};
pub use moderation::ModerationSpec;
pub use price::{MicroDollars, Price};
pub use question::{Content, MAX_PARTS_BYTES, Question};
pub use registry::{Defaults, MAX_REGISTRY_BYTES, Registry, Route, Target};
pub use rerank::RerankSpec;
pub use retrieval::{Citation, CitationBasis, Retrieval, RetrievedPassage, Support};
pub use run::{Attempt, AttemptPurpose, Run, RunContext, RunEnd, RunEvent, RunProblem, RunStatus};
pub use session::Session;
pub use settings::{
    CacheSettings, ContextOverflow, MAX_CACHE_AGE, ModelSettings, ReasoningEffort, RerankSettings,
    Workflow,
};
pub use summary::Summary;
pub use tenant::{
    Invitation, Member, Membership, MembershipRole, Tenant, TenantName, TenantStatus,
};
pub use thread::Thread;
