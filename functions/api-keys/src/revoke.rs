//! `DELETE /api/v1/api-keys/{api_key_id}`

use axum::extract::State;
use axum::http::StatusCode;
use shared::auth::Caller;
use shared::http::Path;
use shared::model::{ApiKeyId, AuditAction, Origin};
use shared::{App, Error, Result};

use crate::reach::find;
use crate::update::{ATTEMPTS, forget};

/// Revokes an API key: all its texts are worth nothing within half a minute, and it is gone.
///
/// Members revoke their own keys, administrators and owners all of the tenant.
#[utoipa::path(
    delete,
    path = "/api/v1/api-keys/{api_key_id}",
    tag = "api-keys",
    security(("bearer" = [])),
    params(("api_key_id" = ApiKeyId, Path, description = "The key.")),
    responses((status = 204, description = "It is revoked.")),
)]
pub(crate) async fn revoke_api_key(
    caller: Caller,
    State(app): State<App>,
    origin: Origin,
    Path(id): Path<ApiKeyId>,
) -> Result<StatusCode> {
    revoke(&app, &caller, &origin, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn revoke(app: &App, caller: &Caller, origin: &Origin, id: ApiKeyId) -> Result<()> {
    let event = caller.did(
        &app.clock,
        origin,
        AuditAction::ApiKeyRevoked,
        Some(id.to_string()),
    );
    for _ in 0..ATTEMPTS {
        let api_key = find(app, caller, id).await?;
        if app
            .store
            .of(caller)
            .api_key_delete(&api_key, &event)
            .await?
        {
            forget(app, &api_key);
            return Ok(());
        }
    }
    Err(Error::unavailable("others keep changing the key"))
}
