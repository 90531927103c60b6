//! `PATCH /api/v1/conversations/{conversation_id}`

use std::collections::BTreeMap;

use axum::extract::State;
use serde::{Deserialize, Deserializer};
use shared::auth::Caller;
use shared::http::openai::checked_metadata;
use shared::http::openapi::Metadata;
use shared::http::{AcceptsJson, IfMatch, Json, Path};
use shared::model::{Conversation, ConversationId, ConversationStatus, ModelSettings};
use shared::store::ConversationChange;
use shared::{Error, Result};

use crate::Conversations;
use crate::view::{ConversationView, Tagged, model, settings, system_prompt, tagged, title};

/// How often a change without `If-Match` is tried when others change the conversation at the same time.
const ATTEMPTS: u32 = 5;

/// What to change. A field that is left out stays as it is; `null` takes it away.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConversationChange)]
pub(crate) struct ChangeRequest {
    /// What to call it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200, pattern = r"^\s*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*\s*$")]
    title: Option<Option<String>>,
    /// The model or route that shall answer; `null` for the default model.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    model: Option<Option<String>>,
    /// What to tell the model before the messages.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 32000, pattern = r"^[^\x00]*[^\s\x00][^\x00]*$")]
    system_prompt: Option<Option<String>>,
    /// How the model shall answer, in place of what was said before; `null` to say nothing.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<ModelSettings>)]
    settings: Option<Option<ModelSettings>>,
    /// `archived` to put it away, `active` to take it back.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = ConversationStatus, required = false)]
    status: Option<ConversationStatus>,
    /// What you say of it, for yourself, in place of what was said before: up to 16 pairs.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Metadata>)]
    metadata: Option<Option<BTreeMap<String, String>>>,
}

/// Tells `null` from a field that is left out.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Refuses `null` for a field that can't be taken away.
fn present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<ConversationStatus>, D::Error> {
    ConversationStatus::deserialize(deserializer).map(Some)
}

/// Changes a conversation.
///
/// With `If-Match` it is changed only if it still is the version of that entity tag.
#[utoipa::path(
    patch,
    path = "/api/v1/conversations/{conversation_id}",
    tag = "conversations",
    security(("bearer" = [])),
    params(
        ("conversation_id" = ConversationId, Path, description = "The conversation."),
        ("if-match" = Option<String>, Header, description = "The entity tag that it must still have."),
    ),
    request_body = ChangeRequest,
    responses(
        (
            status = 200,
            description = "The changed conversation.",
            body = ConversationView,
            headers(("etag" = String, description = "Its version.")),
        ),
        (status = 412, description = "It is not that version any more.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn update_conversation(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Conversations>,
    Path(id): Path<ConversationId>,
    if_match: Option<IfMatch>,
    Json(request): Json<ChangeRequest>,
) -> Result<Tagged> {
    let change = change(&state, &caller, request).await?;
    update(&state, &caller, id, if_match, change)
        .await
        .map(tagged)
}

async fn change(
    state: &Conversations,
    caller: &Caller,
    request: ChangeRequest,
) -> Result<ConversationChange> {
    let model = match request.model {
        Some(Some(name)) => {
            let store = state.app.store.of(caller);
            Some(Some(model(&state.catalogues, &store, &name).await?))
        }
        other => other,
    };
    let checked = |value: Option<Option<String>>, check: &dyn Fn(&str) -> Result<String>| {
        value
            .map(|value| value.as_deref().map(check).transpose())
            .transpose()
    };
    Ok(ConversationChange {
        title: checked(request.title, &title)?,
        model,
        system_prompt: checked(request.system_prompt, &system_prompt)?,
        settings: request
            .settings
            .map(|given| settings(given.unwrap_or_default()))
            .transpose()?,
        status: request.status,
        metadata: request
            .metadata
            .map(|given| checked_metadata(given.unwrap_or_default()))
            .transpose()?,
    })
}

pub(crate) async fn update(
    state: &Conversations,
    caller: &Caller,
    id: ConversationId,
    if_match: Option<IfMatch>,
    change: ConversationChange,
) -> Result<Conversation> {
    let store = state.app.store.of(caller);
    for _ in 0..ATTEMPTS {
        let current = store
            .conversation_get(id)
            .await?
            .ok_or(Error::NotFound("conversation"))?;
        if if_match
            .as_ref()
            .is_some_and(|if_match| !if_match.allows(current.version))
        {
            return Err(Error::PreconditionFailed);
        }
        let now = state.app.clock.now();
        let changed = store
            .conversation_update(&current, change.clone(), now)
            .await?;
        if let Some(changed) = changed {
            return Ok(changed);
        }
    }
    Err(Error::unavailable("others keep changing the conversation"))
}
