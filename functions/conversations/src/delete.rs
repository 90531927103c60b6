//! `DELETE /api/v1/conversations/{conversation_id}`

use axum::extract::State;
use axum::http::StatusCode;
use shared::auth::Caller;
use shared::http::Path;
use shared::model::ConversationId;
use shared::{Error, Result};

use crate::Conversations;

/// Deletes a conversation with all its messages.
///
/// If it is interrupted, the conversation is gone already, and sending it again deletes the rest.
#[utoipa::path(
    delete,
    path = "/api/v1/conversations/{conversation_id}",
    tag = "conversations",
    security(("bearer" = [])),
    params(("conversation_id" = ConversationId, Path, description = "The conversation.")),
    responses((status = 204, description = "It is deleted.")),
)]
pub(crate) async fn delete_conversation(
    caller: Caller,
    State(state): State<Conversations>,
    Path(id): Path<ConversationId>,
) -> Result<StatusCode> {
    let deleted = state
        .app
        .store
        .of(&caller)
        .conversation_delete(id, state.app.clock.now())
        .await?;
    deleted
        .then_some(StatusCode::NO_CONTENT)
        .ok_or(Error::NotFound("conversation"))
}
