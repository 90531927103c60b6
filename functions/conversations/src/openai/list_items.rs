//! `GET /v1/conversations/{conversation_id}/items`

use axum::extract::State;
use serde::Deserialize;
use shared::auth::Caller;
use shared::http::openai::items::{ListedItem, listed};
use shared::http::openai::{OpenAiList, SortOrder, unsupported};
use shared::http::{AcceptsJson, Json, Path, Query, page_limit};
use shared::model::ConversationId;
use shared::store::TenantStore;
use shared::{Error, Result};

use super::{find, parse};
use crate::Conversations;

/// Which items to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Selection {
    /// How many to give, from 1 to 100; 20 if left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// Whether the oldest or the newest come first; the newest if left out.
    #[param(inline)]
    order: Option<SortOrder>,
    /// The id of an item: those that come after it in this order.
    after: Option<String>,
    /// Refused.
    include: Option<String>,
}

/// Lists the items of a conversation.
///
/// What was asked stands there too if the turn failed; an answer that is being made does not.
#[utoipa::path(
    get,
    path = "/v1/conversations/{conversation_id}/items",
    tag = "openai",
    security(("bearer" = [])),
    params(
        ("conversation_id" = ConversationId, Path, description = "The conversation."),
        Selection,
    ),
    responses((status = 200, description = "A page of items.", body = OpenAiList<ListedItem>)),
)]
pub(crate) async fn list_items(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Conversations>,
    Path(id): Path<String>,
    Query(selection): Query<Selection>,
) -> Result<Json<OpenAiList<ListedItem>>> {
    let limit = page_limit(selection.limit)?;
    if selection.include.is_some() {
        return Err(unsupported("include", "leave it out"));
    }
    let id = parse(&id)?;
    let store = state.app.store.of(&caller);
    let found = store.conversation_get(id).await?;
    found.ok_or(Error::NotFound("conversation"))?;
    let list = list(&store, id, selection, limit).await?;
    Ok(Json(list))
}

async fn list(
    store: &TenantStore,
    id: ConversationId,
    selection: Selection,
    limit: u32,
) -> Result<OpenAiList<ListedItem>> {
    let wanted = limit as usize;
    let order = selection.order.unwrap_or_default();
    let mut items: Vec<ListedItem> = Vec::new();
    let mut place = None;
    if let Some(after) = &selection.after {
        let absent = |error| match error {
            Error::NotFound(_) => Error::invalid("after", "must be the id of an item of this list"),
            other => other,
        };
        let of = find::message(after).map_err(absent)?;
        let found = find::item(store, id, of, after).await.map_err(absent)?;
        place = Some(found.message.sequence);
        let rest = in_order(listed(&found.message), order).into_iter();
        items.extend(rest.skip_while(|item| item.id() != after).skip(1));
    }
    loop {
        let page = match order {
            SortOrder::Asc => store.message_list(id, place.unwrap_or(0), limit).await?,
            SortOrder::Desc => {
                let before = place.unwrap_or(u64::MAX);
                store.message_list_reversed(id, before, limit).await?
            }
        };
        place = page.items.last().map(|last| last.sequence).or(place);
        let more = page.items.iter().map(listed);
        items.extend(more.flat_map(|items| in_order(items, order)));
        if items.len() > wanted || !page.has_more {
            break;
        }
    }
    let has_more = items.len() > wanted;
    items.truncate(wanted);
    Ok(OpenAiList::new(items, has_more, |item| {
        item.id().to_owned()
    }))
}

/// The items of one message, oldest first, in that order.
fn in_order(mut items: Vec<ListedItem>, order: SortOrder) -> Vec<ListedItem> {
    if order == SortOrder::Desc {
        items.reverse();
    }
    items
}
