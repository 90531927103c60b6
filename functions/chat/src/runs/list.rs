//! `GET /api/v1/runs`

use axum::extract::State;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, List, Listing, Paging, Query, page_limit};

use super::view::RunView;
use crate::Chat;

/// Lists the caller's runs, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/runs",
    tag = "runs",
    security(("bearer" = [])),
    params(Paging),
    responses((status = 200, description = "A page of runs.", body = List<RunView>)),
)]
pub(crate) async fn list_runs(
    caller: Caller,
    _: AcceptsJson,
    State(chat): State<Chat>,
    Query(selection): Query<Paging>,
) -> Result<Json<List<RunView>>> {
    list(&chat, &caller, selection).await.map(Json)
}

async fn list(chat: &Chat, caller: &Caller, selection: Paging) -> Result<List<RunView>> {
    let limit = page_limit(selection.limit)?;
    let listing = Listing::new(&chat.app, caller, "runs".to_owned());
    let before = listing.after(selection.cursor.as_deref()).await?;
    let store = chat.app.store.of(caller);
    let page = store.run_list(before, limit).await?;
    let next_cursor = listing.next(&page, |last| last.id).await?;
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
