//! `GET /api/v1/tenants/{tenant_id}/identity-providers`

use axum::extract::State;
use shared::http::{AcceptsJson, Json, List};
use shared::model::TenantId;
use shared::{App, Result};

use crate::own::InTenant;
use crate::view::IdentityProviderView;

/// Lists the issuers that the tenant trusts, all of them.
#[utoipa::path(
    get,
    path = "/api/v1/tenants/{tenant_id}/identity-providers",
    tag = "tenants",
    security(("bearer" = [])),
    params(("tenant_id" = TenantId, Path, description = "The tenant of your token.")),
    responses((status = 200, description = "The issuers, oldest first.", body = List<IdentityProviderView>)),
)]
pub(crate) async fn list_identity_providers(
    InTenant(caller): InTenant,
    _: AcceptsJson,
    State(app): State<App>,
) -> Result<Json<List<IdentityProviderView>>> {
    let providers = app.store.of(&caller).identity_provider_list().await?;
    let views = providers.into_iter().map(IdentityProviderView::from);
    Ok(Json(List::whole(views.collect())))
}
