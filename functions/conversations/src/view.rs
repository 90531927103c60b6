//! What comes in and goes out, and the rules that creating and changing share.

use std::collections::BTreeMap;

use axum::http::HeaderValue;
use axum::http::header::ETAG;
use engine::Catalogues;
use serde::Serialize;
use shared::http::{Json, Timestamp, etag};
use shared::model::{
    Conversation, ConversationId, ConversationStatus, MessageId, ModelSettings, RunId, Summary,
    SystemPrompt, Title,
};
use shared::store::TenantStore;
use shared::{Error, Result};

/// A conversation, without its messages.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Conversation)]
pub(crate) struct ConversationView {
    /// Its id.
    id: ConversationId,
    /// What it is called.
    title: Option<String>,
    /// The model that answers; `null` for the default model.
    model: Option<String>,
    /// What the model is told before the messages.
    system_prompt: Option<String>,
    /// How the model answers, as far as this conversation says it.
    settings: ModelSettings,
    /// Whether it is in daily use.
    status: ConversationStatus,
    /// What its client says of it.
    metadata: BTreeMap<String, String>,
    /// When it was created.
    created_at: Timestamp,
    /// When it was created, changed or answered in last.
    active_at: Timestamp,
}

impl From<Conversation> for ConversationView {
    fn from(conversation: Conversation) -> Self {
        let Conversation {
            id,
            title,
            model,
            system_prompt,
            settings,
            status,
            metadata,
            version: _,
            created_at,
            active_at,
        } = conversation;
        Self {
            id,
            title,
            model,
            system_prompt,
            settings,
            status,
            metadata,
            created_at: Timestamp(created_at),
            active_at: Timestamp(active_at),
        }
    }
}

/// A conversation with the summary of its oldest messages, which stands neither in lists nor in replies to changes.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ConversationWithSummary {
    #[serde(flatten)]
    pub(crate) conversation: ConversationView,
    /// What models are sent in the place of its oldest messages. Absent until it has outgrown the window of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) summary: Option<SummaryView>,
}

/// What stands in for the oldest messages of a conversation.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ConversationSummary)]
pub(crate) struct SummaryView {
    /// What it says. A model wrote it.
    text: String,
    /// The newest message that it covers.
    until_message_id: MessageId,
    /// Whether all messages up to that one went into it. Where they were more than a window holds, only the newest of them
    /// did.
    complete: bool,
    /// The provider that was asked for it.
    provider: String,
    /// The model that wrote it.
    model: String,
    /// The run that needed it.
    run_id: RunId,
    /// When it was written.
    created_at: Timestamp,
}

impl From<Summary> for SummaryView {
    fn from(summary: Summary) -> Self {
        let Summary {
            text,
            covers_until: _,
            covers_message,
            complete,
            context_window: _,
            provider,
            model,
            run,
            created_at,
        } = summary;
        Self {
            text,
            until_message_id: covers_message,
            complete,
            provider,
            model,
            run_id: run,
            created_at: Timestamp(created_at),
        }
    }
}

/// A conversation and its entity tag.
pub(crate) type Tagged = (
    [(axum::http::HeaderName, HeaderValue); 1],
    Json<ConversationView>,
);

/// The reply with one conversation.
pub(crate) fn tagged(conversation: Conversation) -> Tagged {
    let tag = etag(conversation.version);
    ([(ETAG, tag)], Json(conversation.into()))
}

/// A title as it is stored.
pub(crate) fn title(title: &str) -> Result<String> {
    Title::parse("/title", title).map(Title::into_string)
}

/// A system prompt as it is stored.
pub(crate) fn system_prompt(prompt: &str) -> Result<String> {
    SystemPrompt::parse("/system_prompt", prompt).map(SystemPrompt::into_string)
}

/// The name of a model or route that there is.
pub(crate) async fn model(
    catalogues: &Catalogues,
    store: &TenantStore,
    name: &str,
) -> Result<String> {
    let catalogue = catalogues.with_name(store, Some(name)).await?;
    if catalogue.find(name).is_none() {
        return Err(Error::unknown_model("/model", catalogue.why_unknown(name)));
    }
    Ok(name.to_owned())
}

/// Settings that keep the rules.
pub(crate) fn settings(settings: ModelSettings) -> Result<ModelSettings> {
    match settings.faults("/settings") {
        faults if faults.is_empty() => Ok(settings),
        faults => Err(Error::Invalid(faults)),
    }
}
