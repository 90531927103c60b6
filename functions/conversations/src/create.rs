//! `POST /api/v1/conversations`

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use shared::Result;
use shared::auth::Caller;
use shared::http::openai::checked_metadata;
use shared::http::openapi::Metadata;
use shared::http::{AcceptsJson, Json, location};
use shared::model::{Conversation, ConversationId, ConversationStatus, ModelSettings};

use crate::Conversations;
use crate::view::{ConversationView, Tagged, model, settings, system_prompt, tagged, title};

/// A conversation to be created. Every field may be left out.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewConversation {
    /// What to call it.
    #[serde(default)]
    #[schema(
        example = "Oslo",
        min_length = 1,
        max_length = 200,
        pattern = r"^\s*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*\s*$"
    )]
    title: Option<String>,
    /// The model or route that shall answer; if left out, the default model.
    #[serde(default)]
    model: Option<String>,
    /// What to tell the model before the messages.
    #[serde(default)]
    #[schema(
        example = "Answer in one sentence.",
        min_length = 1,
        max_length = 32000,
        pattern = r"^[^\x00]*[^\s\x00][^\x00]*$"
    )]
    system_prompt: Option<String>,
    /// How the model shall answer; what is left out is said by the tenant's registry, or by nobody.
    #[serde(default)]
    #[schema(required = false)]
    settings: ModelSettings,
    /// What you say of it, for yourself: up to 16 pairs, with names of up to 64 characters and values of up to 512.
    #[serde(default)]
    #[schema(required = false, value_type = Metadata)]
    metadata: BTreeMap<String, String>,
}

/// Creates a conversation.
#[utoipa::path(
    post,
    path = "/api/v1/conversations",
    tag = "conversations",
    security(("bearer" = [])),
    request_body = NewConversation,
    responses((
        status = 201,
        description = "The new conversation.",
        body = ConversationView,
        headers(("location" = String, description = "Its address."), ("etag" = String, description = "Its version.")),
    )),
)]
pub(crate) async fn create_conversation(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Conversations>,
    Json(new): Json<NewConversation>,
) -> Result<(StatusCode, [(HeaderName, HeaderValue); 1], Tagged)> {
    let conversation = create(&state, &caller, new).await?;
    let path = format!("/api/v1/conversations/{}", conversation.id);
    let location = [(LOCATION, location(&state.app, &path)?)];
    Ok((StatusCode::CREATED, location, tagged(conversation)))
}

async fn create(
    state: &Conversations,
    caller: &Caller,
    new: NewConversation,
) -> Result<Conversation> {
    let now = state.app.clock.now();
    let store = state.app.store.of(caller);
    let model = match &new.model {
        Some(name) => Some(model(&state.catalogues, &store, name).await?),
        None => None,
    };
    let conversation = Conversation {
        id: ConversationId::new(),
        title: new.title.as_deref().map(title).transpose()?,
        model,
        system_prompt: new
            .system_prompt
            .as_deref()
            .map(system_prompt)
            .transpose()?,
        settings: settings(new.settings)?,
        status: ConversationStatus::Active,
        metadata: checked_metadata(new.metadata)?,
        version: 1,
        created_at: now,
        active_at: now,
    };
    store.conversation_create(&conversation).await?;
    Ok(conversation)
}
