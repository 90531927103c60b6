//! `GET /api/v1/api-keys/{api_key_id}`

use axum::extract::State;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Path};
use shared::model::ApiKeyId;
use shared::{App, Result};

use crate::reach::find;
use crate::view::{ApiKeyView, Tagged, tagged};

/// Gets an API key, without its text.
///
/// Members see their own keys, administrators and owners all of the tenant.
#[utoipa::path(
    get,
    path = "/api/v1/api-keys/{api_key_id}",
    tag = "api-keys",
    security(("bearer" = [])),
    params(("api_key_id" = ApiKeyId, Path, description = "The key.")),
    responses((
        status = 200,
        description = "The key.",
        body = ApiKeyView,
        headers(("etag" = String, description = "Its version.")),
    )),
)]
pub(crate) async fn get_api_key(
    caller: Caller,
    _: AcceptsJson,
    State(app): State<App>,
    Path(id): Path<ApiKeyId>,
) -> Result<Tagged<ApiKeyView>> {
    let api_key = find(&app, &caller, id).await?;
    Ok(tagged(app.config.stage, api_key))
}
