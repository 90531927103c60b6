//! `GET /api/v1/api-keys`

use axum::extract::State;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, List, Listing, Paging, Query, page_limit};
use shared::{App, Result};

use crate::reach::visible;
use crate::view::ApiKeyView;

/// Lists API keys, oldest first.
///
/// Members see their own keys, administrators and owners all of the tenant.
#[utoipa::path(
    get,
    path = "/api/v1/api-keys",
    tag = "api-keys",
    security(("bearer" = [])),
    params(Paging),
    responses((status = 200, description = "A page of keys, without their texts.", body = List<ApiKeyView>)),
)]
pub(crate) async fn list_api_keys(
    caller: Caller,
    _: AcceptsJson,
    State(app): State<App>,
    Query(selection): Query<Paging>,
) -> Result<Json<List<ApiKeyView>>> {
    list(&app, &caller, selection).await.map(Json)
}

async fn list(app: &App, caller: &Caller, selection: Paging) -> Result<List<ApiKeyView>> {
    let limit = page_limit(selection.limit)?;
    let owner = visible(caller);
    let listing = Listing::new(app, caller, format!("api keys {owner:?}"));
    let after = listing.after(selection.cursor.as_deref()).await?;
    let store = app.store.of(caller);
    let page = store.api_key_list(owner, after, limit, app.clock.now());
    let page = page.await?;
    let next_cursor = listing.next(&page, |last| last.id).await?;
    Ok(List {
        data: ApiKeyView::list(app.config.stage, page.items),
        next_cursor,
        has_more: page.has_more,
    })
}
