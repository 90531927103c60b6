//! `POST /v1/conversations`

use std::collections::BTreeMap;

use axum::extract::State;
use serde::Deserialize;
use shared::Result;
use shared::auth::Caller;
use shared::http::openai::checked_metadata;
use shared::http::openai::items::Item;
use shared::http::openapi::Metadata;
use shared::http::{AcceptsJson, Json};
use shared::model::{Conversation, ConversationId, ConversationStatus, ModelSettings};

use super::said;
use super::view::OpenAiConversation;
use crate::Conversations;

/// A conversation to be created.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = NewOpenAiConversation)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewConversation {
    /// What it begins with: up to 20 items.
    #[serde(default)]
    #[schema(max_items = 20)]
    items: Option<Vec<Item>>,
    /// What the client says of it: up to 16 pairs.
    #[serde(default)]
    #[schema(value_type = Option<Metadata>)]
    metadata: Option<BTreeMap<String, String>>,
}

/// Creates a conversation.
///
/// It is one of `/api/v1/conversations` too, and answers in it are those of the default model, if nobody says another.
#[utoipa::path(
    post,
    path = "/v1/conversations",
    tag = "openai",
    security(("bearer" = [])),
    request_body = NewConversation,
    responses((status = 200, description = "The new conversation.", body = OpenAiConversation)),
)]
pub(crate) async fn openai_create_conversation(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Conversations>,
    Json(new): Json<NewConversation>,
) -> Result<Json<OpenAiConversation>> {
    let metadata = checked_metadata(new.metadata.unwrap_or_default())?;
    let said = match new.items {
        Some(items) if !items.is_empty() => said::parsed(items, None)?,
        _ => Vec::new(),
    };
    let now = state.app.clock.now();
    let conversation = Conversation {
        id: ConversationId::new(),
        title: None,
        model: None,
        system_prompt: None,
        settings: ModelSettings::default(),
        status: ConversationStatus::Active,
        metadata,
        version: 1,
        created_at: now,
        active_at: now,
    };
    let messages = engine::following(&said, None, now);
    let store = state.app.store.of(&caller);
    store
        .conversation_create_with(&conversation, &messages)
        .await?;
    Ok(Json(conversation.into()))
}
