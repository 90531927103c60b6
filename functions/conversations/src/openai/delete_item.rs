//! `DELETE /v1/conversations/{conversation_id}/items/{item_id}`

use axum::extract::State;
use shared::auth::Caller;
use shared::http::openai::items::without;
use shared::http::{AcceptsJson, Json, PathPair};
use shared::model::ConversationId;
use shared::store::Changed;
use shared::{Error, Result};

use super::view::OpenAiConversation;
use super::{find, parse};
use crate::Conversations;

/// How often it is tried where others change the same message at the same time.
const ATTEMPTS: u32 = 5;

/// Deletes an item of a conversation.
///
/// The others keep their ids. What was asked can't be deleted while it is answered.
#[utoipa::path(
    delete,
    path = "/v1/conversations/{conversation_id}/items/{item_id}",
    tag = "openai",
    security(("bearer" = [])),
    params(
        ("conversation_id" = ConversationId, Path, description = "The conversation."),
        ("item_id" = String, Path, description = "The item."),
    ),
    responses((status = 200, description = "The conversation.", body = OpenAiConversation)),
)]
pub(crate) async fn delete_item(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Conversations>,
    PathPair(id, item): PathPair<String, String>,
) -> Result<Json<OpenAiConversation>> {
    let store = state.app.store.of(&caller);
    let id = parse(&id)?;
    let of = find::message(&item)?;
    let conversation = store.conversation_get(id).await?;
    let conversation = conversation.ok_or(Error::NotFound("conversation"))?;
    for _ in 0..ATTEMPTS {
        let now = state.app.clock.now();
        let found = find::item(&store, id, of, &item).await?;
        let message = &found.message;
        if found.is_newest {
            find::free(&store, message, now).await?;
        }
        let changed = match without(message, found.item.id()) {
            Some(rest) => store.message_rewrite(id, message, &rest, now).await?,
            None => store.message_delete(id, message, now).await?,
        };
        match changed {
            Changed::Yes => return Ok(Json(conversation.into())),
            Changed::ConversationGone => return Err(Error::NotFound("conversation")),
            Changed::ByAnother => {}
        }
    }
    Err(Error::unavailable("others keep changing the message"))
}
