//! `DELETE /v1/conversations/{conversation_id}`

use axum::extract::State;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, Path};
use shared::model::ConversationId;
use shared::{Error, Result};

use super::parse;
use super::view::DeletedConversation;
use crate::Conversations;

/// Deletes a conversation with all its items.
#[utoipa::path(
    delete,
    path = "/v1/conversations/{conversation_id}",
    tag = "openai",
    security(("bearer" = [])),
    params(("conversation_id" = ConversationId, Path, description = "The conversation.")),
    responses((status = 200, description = "It is deleted.", body = DeletedConversation)),
)]
pub(crate) async fn openai_delete_conversation(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Conversations>,
    Path(id): Path<String>,
) -> Result<Json<DeletedConversation>> {
    let id = parse(&id)?;
    let store = state.app.store.of(&caller);
    let deleted = store.conversation_delete(id, state.app.clock.now()).await?;
    if !deleted {
        return Err(Error::NotFound("conversation"));
    }
    Ok(Json(DeletedConversation::new(id)))
}
