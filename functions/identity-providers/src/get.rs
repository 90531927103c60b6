//! `GET /api/v1/tenants/{tenant_id}/identity-providers/{identity_provider_id}`

use axum::extract::State;
use shared::http::{AcceptsJson, Json, Path};
use shared::model::{IdentityProviderId, TenantId};
use shared::{App, Error, Result};

use crate::own::InTenant;
use crate::view::IdentityProviderView;

/// Gives one of the issuers that the tenant trusts.
#[utoipa::path(
    get,
    path = "/api/v1/tenants/{tenant_id}/identity-providers/{identity_provider_id}",
    tag = "tenants",
    security(("bearer" = [])),
    params(
        ("tenant_id" = TenantId, Path, description = "The tenant of your token."),
        ("identity_provider_id" = IdentityProviderId, Path, description = "The identity provider."),
    ),
    responses((status = 200, description = "The issuer.", body = IdentityProviderView)),
)]
pub(crate) async fn get_identity_provider(
    InTenant(caller): InTenant,
    _: AcceptsJson,
    State(app): State<App>,
    Path(id): Path<IdentityProviderId>,
) -> Result<Json<IdentityProviderView>> {
    let found = app.store.of(&caller).identity_provider_get(id).await?;
    let provider = found.ok_or(Error::NotFound("identity provider"))?;
    Ok(Json(provider.into()))
}
