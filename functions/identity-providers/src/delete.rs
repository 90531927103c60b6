//! `DELETE /api/v1/tenants/{tenant_id}/identity-providers/{identity_provider_id}`

use axum::extract::State;
use axum::http::StatusCode;
use shared::auth::Caller;
use shared::http::Path;
use shared::model::{AuditAction, IdentityProviderId, Origin, TenantId};
use shared::{App, Error, Result};

use crate::own::InTenant;

/// Trusts an issuer no longer: its tokens are refused, within half a minute everywhere.
///
/// What its people wrote stays, and is theirs again if the issuer is trusted again.
#[utoipa::path(
    delete,
    path = "/api/v1/tenants/{tenant_id}/identity-providers/{identity_provider_id}",
    tag = "tenants",
    security(("bearer" = [])),
    params(
        ("tenant_id" = TenantId, Path, description = "The tenant of your token."),
        ("identity_provider_id" = IdentityProviderId, Path, description = "The identity provider."),
    ),
    responses((status = 204, description = "It is trusted no longer.")),
)]
pub(crate) async fn delete_identity_provider(
    InTenant(caller): InTenant,
    State(app): State<App>,
    origin: Origin,
    Path(id): Path<IdentityProviderId>,
) -> Result<StatusCode> {
    delete(&app, &caller, &origin, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn delete(app: &App, caller: &Caller, origin: &Origin, id: IdentityProviderId) -> Result<()> {
    let store = app.store.of(caller);
    let found = store.identity_provider_get(id).await?;
    let provider = found.ok_or(Error::NotFound("identity provider"))?;
    let action = AuditAction::IdentityProviderDeleted;
    let event = caller.did(&app.clock, origin, action, Some(id.to_string()));
    let deleted = store.identity_provider_delete(&provider, &event).await?;
    app.authenticator.federation().forget(&provider);
    deleted
        .then_some(())
        .ok_or(Error::NotFound("identity provider"))
}
