//! `GET /api/v1/api-keys`

use axum::extract::State;
use serde::Deserialize;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, List, Listing, Query};
use shared::{App, Error, Result};

use crate::reach::visible;
use crate::view::ApiKeyView;

/// How many entries a page has if the client does not say.
const DEFAULT_LIMIT: u32 = 20;

/// Which keys to list.
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

/// Lists API keys, oldest first.
///
/// Members see their own keys, administrators and owners all of the tenant.
#[utoipa::path(
    get,
    path = "/api/v1/api-keys",
    tag = "api-keys",
    security(("bearer" = [])),
    params(Selection),
    responses((status = 200, description = "A page of keys, without their texts.", body = List<ApiKeyView>)),
)]
pub(crate) async fn list_api_keys(
    caller: Caller,
    _: AcceptsJson,
    State(app): State<App>,
    Query(selection): Query<Selection>,
) -> Result<Json<List<ApiKeyView>>> {
    list(&app, &caller, selection).await.map(Json)
}

async fn list(app: &App, caller: &Caller, selection: Selection) -> Result<List<ApiKeyView>> {
    let limit = limit(selection.limit)?;
    let owner = visible(caller);
    let listing = Listing::new(app, caller, format!("api keys {owner:?}"));
    let after = match &selection.cursor {
        Some(cursor) => Some(listing.open(cursor).await?),
        None => None,
    };
    let store = app.store.of(caller);
    let page = store.api_key_list(owner, after, limit, app.clock.now());
    let page = page.await?;
    let next_cursor = match page.items.last() {
        Some(last) if page.has_more => Some(listing.seal(last.id).await?),
        _ => None,
    };
    Ok(List {
        data: ApiKeyView::list(app.config.stage, page.items),
        next_cursor,
        has_more: page.has_more,
    })
}

fn limit(limit: Option<u32>) -> Result<u32> {
    match limit.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=100 => Ok(limit),
        _ => Err(Error::invalid("limit", "must be from 1 to 100")),
    }
}
