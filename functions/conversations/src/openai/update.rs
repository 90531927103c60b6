//! `POST /v1/conversations/{conversation_id}`

use std::collections::BTreeMap;

use axum::extract::State;
use serde::{Deserialize, Deserializer};
use shared::Result;
use shared::auth::Caller;
use shared::http::openai::checked_metadata;
use shared::http::openapi::Metadata;
use shared::http::{AcceptsJson, Json, Path};
use shared::model::ConversationId;
use shared::store::ConversationChange;

use super::parse;
use super::view::OpenAiConversation;
use crate::Conversations;
use crate::update::update;

/// What to change.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = OpenAiConversationChange)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeRequest {
    /// What the client says of it, in the place of what it said before: up to 16 pairs, or `null` for none.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<Metadata>, required = true)]
    metadata: Option<BTreeMap<String, String>>,
}

/// Takes `null`, but not that it is left out.
fn given<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BTreeMap<String, String>>, D::Error> {
    Option::deserialize(deserializer)
}

/// Changes what a client says of a conversation.
#[utoipa::path(
    post,
    path = "/v1/conversations/{conversation_id}",
    tag = "openai",
    security(("bearer" = [])),
    params(("conversation_id" = ConversationId, Path, description = "The conversation.")),
    request_body = ChangeRequest,
    responses((status = 200, description = "The changed conversation.", body = OpenAiConversation)),
)]
pub(crate) async fn openai_update_conversation(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Conversations>,
    Path(id): Path<String>,
    Json(request): Json<ChangeRequest>,
) -> Result<Json<OpenAiConversation>> {
    let change = ConversationChange {
        metadata: Some(checked_metadata(request.metadata.unwrap_or_default())?),
        ..ConversationChange::default()
    };
    let changed = update(&state, &caller, parse(&id)?, None, change).await?;
    Ok(Json(changed.into()))
}
