//! `GET /api/v1/tenants/{tenant_id}`

use axum::extract::State;
use shared::http::AcceptsJson;
use shared::model::TenantId;
use shared::{Error, Result};

use crate::Tenants;
use crate::own::InTenant;
use crate::view::{Tagged, TenantView, tagged};

/// Gives the tenant that your token is for.
#[utoipa::path(
    get,
    path = "/api/v1/tenants/{tenant_id}",
    tag = "tenants",
    security(("bearer" = [])),
    params(("tenant_id" = TenantId, Path, description = "The tenant of your token.")),
    responses((
        status = 200,
        description = "The tenant.",
        body = TenantView,
        headers(("etag" = String, description = "Its version.")),
    )),
)]
pub(crate) async fn get_tenant(
    InTenant(caller): InTenant,
    _: AcceptsJson,
    State(tenants): State<Tenants>,
) -> Result<Tagged> {
    let tenant = tenants.app.store.of(&caller).tenant_get().await?;
    let tenant = tenant.ok_or(Error::NotFound("tenant"))?;
    Ok(tagged(tenant, caller.role()))
}
