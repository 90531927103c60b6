//! `GET /v1/conversations/{conversation_id}` and `GET …/items/{item_id}`

use axum::extract::State;
use shared::auth::Caller;
use shared::http::openai::items::ListedItem;
use shared::http::{AcceptsJson, Json, Path, PathPair, Query};
use shared::model::ConversationId;
use shared::{Error, Result};

use super::items::Including;
use super::view::OpenAiConversation;
use super::{find, parse};
use crate::Conversations;

/// Gets a conversation.
#[utoipa::path(
    get,
    path = "/v1/conversations/{conversation_id}",
    tag = "openai",
    security(("bearer" = [])),
    params(("conversation_id" = ConversationId, Path, description = "The conversation.")),
    responses((status = 200, description = "The conversation.", body = OpenAiConversation)),
)]
pub(crate) async fn openai_get_conversation(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Conversations>,
    Path(id): Path<String>,
) -> Result<Json<OpenAiConversation>> {
    let store = state.app.store.of(&caller);
    let found = store.conversation_get(parse(&id)?).await?;
    let found = found.ok_or(Error::NotFound("conversation"))?;
    Ok(Json(found.into()))
}

/// Gets an item of a conversation.
#[utoipa::path(
    get,
    path = "/v1/conversations/{conversation_id}/items/{item_id}",
    tag = "openai",
    security(("bearer" = [])),
    params(
        ("conversation_id" = ConversationId, Path, description = "The conversation."),
        ("item_id" = String, Path, description = "The item."),
        Including,
    ),
    responses((status = 200, description = "The item.", body = ListedItem)),
)]
pub(crate) async fn get_item(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Conversations>,
    PathPair(id, item): PathPair<String, String>,
    Query(including): Query<Including>,
) -> Result<Json<ListedItem>> {
    including.check()?;
    let store = state.app.store.of(&caller);
    let id = parse(&id)?;
    let of = find::message(&item)?;
    let found = store.conversation_get(id).await?;
    found.ok_or(Error::NotFound("conversation"))?;
    Ok(Json(find::item(&store, id, of, &item).await?.item))
}
