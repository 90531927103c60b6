//! `DELETE /api/v1/provider-credentials/{provider}`

use axum::extract::State;
use axum::http::StatusCode;
use shared::auth::Caller;
use shared::http::Path;
use shared::model::{AuditAction, Origin, ProviderName};
use shared::{Error, Result};

use crate::Credentials;

/// Forgets the tenant's key for a provider.
///
/// Turns use the platform's key from then on, in every process after at most half a minute.
#[utoipa::path(
    delete,
    path = "/api/v1/provider-credentials/{provider}",
    tag = "provider-credentials",
    security(("bearer" = [])),
    params(("provider" = String, Path, description = "The provider's name.")),
    responses((status = 204, description = "The key is forgotten.")),
)]
pub(crate) async fn delete_credential(
    caller: Caller,
    State(state): State<Credentials>,
    origin: Origin,
    Path(provider): Path<ProviderName>,
) -> Result<StatusCode> {
    // Also one that the configuration does not name any more.
    let event = caller.did(
        &state.app.clock,
        &origin,
        AuditAction::ProviderCredentialDeleted,
        Some(provider.as_str().to_owned()),
    );
    let store = state.app.store.of(&caller);
    if store.credential_get(provider.as_str()).await?.is_none() {
        return Err(Error::NotFound("provider credential"));
    }
    if store.credential_delete(provider.as_str(), &event).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Error::NotFound("provider credential"))
    }
}
