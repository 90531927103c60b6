//! `GET /api/v1/runs`

use axum::extract::State;
use serde::Deserialize;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, List, Listing, Query, page_limit};

use super::view::RunView;
use crate::Chat;

/// Which runs to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Selection {
    /// How many to give, from 1 to 100; 20 if left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the reply before.
    cursor: Option<String>,
}

/// Lists the caller's runs, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/runs",
    tag = "runs",
    security(("bearer" = [])),
    params(Selection),
    responses((status = 200, description = "A page of runs.", body = List<RunView>)),
)]
pub(crate) async fn list_runs(
    caller: Caller,
    _: AcceptsJson,
    State(chat): State<Chat>,
    Query(selection): Query<Selection>,
) -> Result<Json<List<RunView>>> {
    list(&chat, &caller, selection).await.map(Json)
}

async fn list(chat: &Chat, caller: &Caller, selection: Selection) -> Result<List<RunView>> {
    let limit = page_limit(selection.limit)?;
    let listing = Listing::new(&chat.app, caller, "runs".to_owned());
    let before = match &selection.cursor {
        Some(cursor) => Some(listing.open(cursor).await?),
        None => None,
    };
    let store = chat.app.store.of(caller);
    let page = store.run_list(before, limit).await?;
    let next_cursor = match page.items.last() {
        Some(last) if page.has_more => Some(listing.seal(last.id).await?),
        _ => None,
    };
    let mut data = Vec::new();
    for run in page.items {
        // Few of them can have a process that died since anybody looked.
        data.extend(chat.engine.settled(&store, run).await?.map(RunView::from));
    }
    Ok(List {
        data,
        next_cursor,
        has_more: page.has_more,
    })
}
