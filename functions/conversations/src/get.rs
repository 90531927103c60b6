//! `GET /api/v1/conversations/{conversation_id}`

use axum::extract::State;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Path};
use shared::model::ConversationId;
use shared::{Error, Result};

use crate::Conversations;
use crate::view::{ConversationView, Tagged, tagged};

/// Gets a conversation, without its messages.
#[utoipa::path(
    get,
    path = "/api/v1/conversations/{conversation_id}",
    tag = "conversations",
    security(("bearer" = [])),
    params(("conversation_id" = ConversationId, Path, description = "The conversation.")),
    responses((
        status = 200,
        description = "The conversation.",
        body = ConversationView,
        headers(("etag" = String, description = "Its version.")),
    )),
)]
pub(crate) async fn get_conversation(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Conversations>,
    Path(id): Path<ConversationId>,
) -> Result<Tagged> {
    let found = state.app.store.of(&caller).conversation_get(id).await?;
    found.map(tagged).ok_or(Error::NotFound("conversation"))
}
