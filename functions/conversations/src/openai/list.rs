//! `GET /v1/conversations`

use axum::extract::State;
use shared::auth::Caller;
use shared::http::openai::{OpenAiList, OpenAiPaging, PageFrom, SortOrder, unsupported};
use shared::http::{AcceptsJson, Json, Query};
use shared::model::ConversationId;
use shared::{Error, Result};

use super::view::OpenAiConversation;
use crate::Conversations;

/// Lists your conversations, last active first.
///
/// OpenAI has no such list. Whatever happens in a conversation moves it to the beginning.
#[utoipa::path(
    get,
    path = "/v1/conversations",
    tag = "openai",
    security(("bearer" = [])),
    params(OpenAiPaging),
    responses((status = 200, description = "A page of conversations.", body = OpenAiList<OpenAiConversation>)),
)]
pub(crate) async fn openai_list_conversations(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Conversations>,
    Query(paging): Query<OpenAiPaging>,
) -> Result<Json<OpenAiList<OpenAiConversation>>> {
    let limit = paging.limit()?;
    if paging.order() == SortOrder::Asc {
        return Err(unsupported(
            "order",
            "the last active come first; leave it out",
        ));
    }
    let store = state.app.store.of(&caller);
    let after = match paging.from::<ConversationId>()? {
        PageFrom::Beginning => None,
        PageFrom::Before(_) => return Err(unsupported("before", "go on with `after`")),
        PageFrom::After(id) => {
            let last = store.conversation_get(id).await?;
            let last = last.ok_or_else(|| {
                Error::invalid("after", "must be the id of an entry of this list")
            })?;
            Some((last.id, last.active_at))
        }
    };
    let page = store.conversation_list(None, after, limit).await?;
    let data = page.items.into_iter().map(OpenAiConversation::from);
    let list = OpenAiList::new(data.collect(), page.has_more, |one| one.id.to_string());
    Ok(Json(list))
}
