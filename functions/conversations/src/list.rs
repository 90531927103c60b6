//! `GET /api/v1/conversations`

use axum::extract::State;
use serde::Deserialize;
use shared::Result;
use shared::auth::Caller;
use shared::clock::Moment;
use shared::http::{AcceptsJson, Json, List, Listing, Query, page_limit};
use shared::model::{ConversationId, ConversationStatus};

use crate::Conversations;
use crate::view::ConversationView;

/// Which conversations to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Selection {
    /// How many to give, from 1 to 100; 20 if left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the reply before.
    cursor: Option<String>,
    /// Only those with this status.
    status: Option<ConversationStatus>,
}

/// Lists your conversations, last active first.
#[utoipa::path(
    get,
    path = "/api/v1/conversations",
    tag = "conversations",
    security(("bearer" = [])),
    params(Selection),
    responses((status = 200, description = "A page of conversations.", body = List<ConversationView>)),
)]
pub(crate) async fn list_conversations(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Conversations>,
    Query(selection): Query<Selection>,
) -> Result<Json<List<ConversationView>>> {
    list(&state, &caller, selection).await.map(Json)
}

async fn list(
    state: &Conversations,
    caller: &Caller,
    selection: Selection,
) -> Result<List<ConversationView>> {
    let limit = page_limit(selection.limit)?;
    let listing = Listing::new(
        &state.app,
        caller,
        format!("conversations {:?}", selection.status),
    );
    let after: Option<(ConversationId, Moment)> =
        listing.after(selection.cursor.as_deref()).await?;
    let page = state
        .app
        .store
        .of(caller)
        .conversation_list(selection.status, after, limit)
        .await?;
    let next_cursor = listing
        .next(&page, |last| (last.id, last.active_at))
        .await?;
    Ok(List {
        data: page.items.into_iter().map(ConversationView::from).collect(),
        next_cursor,
        has_more: page.has_more,
    })
}
