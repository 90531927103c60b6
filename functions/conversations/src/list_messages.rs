//! `GET /api/v1/conversations/{conversation_id}/messages`

use axum::extract::State;
use serde::Deserialize;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, List, Listing, MessageView, Path, Query, page_limit};
use shared::model::ConversationId;
use shared::{Error, Result};

use crate::Conversations;

/// Which messages to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Selection {
    /// How many to give, from 1 to 100; 20 if left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the reply before.
    cursor: Option<String>,
    /// Oldest first (`asc`, if left out) or newest first (`desc`).
    #[serde(default)]
    #[param(inline, required = false)]
    order: Order,
}

/// In which order messages are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// Oldest first.
    #[default]
    Asc,
    /// Newest first.
    Desc,
}

/// Lists the messages of a conversation.
#[utoipa::path(
    get,
    path = "/api/v1/conversations/{conversation_id}/messages",
    tag = "conversations",
    security(("bearer" = [])),
    params(("conversation_id" = ConversationId, Path, description = "The conversation."), Selection),
    responses((status = 200, description = "A page of messages.", body = List<MessageView>)),
)]
pub(crate) async fn list_messages(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Conversations>,
    Path(id): Path<ConversationId>,
    Query(selection): Query<Selection>,
) -> Result<Json<List<MessageView>>> {
    list(&state, &caller, id, selection).await.map(Json)
}

async fn list(
    state: &Conversations,
    caller: &Caller,
    id: ConversationId,
    selection: Selection,
) -> Result<List<MessageView>> {
    let limit = page_limit(selection.limit)?;
    let listing = Listing::new(
        &state.app,
        caller,
        format!("messages {id} {:?}", selection.order),
    );
    let position: Option<u64> = listing.after(selection.cursor.as_deref()).await?;
    let store = state.app.store.of(caller);
    let messages = async {
        match selection.order {
            Order::Asc => store.message_list(id, position.unwrap_or(0), limit).await,
            Order::Desc => {
                store
                    .message_list_reversed(id, position.unwrap_or(u64::MAX), limit)
                    .await
            }
        }
    };
    let (conversation, page) = tokio::try_join!(store.conversation_get(id), messages)?;
    conversation.ok_or(Error::NotFound("conversation"))?;
    let next_cursor = listing.next(&page, |last| last.sequence).await?;
    let data = page
        .items
        .into_iter()
        .map(|message| MessageView::new(id, message));
    Ok(List {
        data: data.collect(),
        next_cursor,
        has_more: page.has_more,
    })
}
