//! `GET /api/v1/tenants`

use axum::extract::State;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, List};
use shared::model::MembershipRole;
use shared::{Error, Result};

use crate::Tenants;
use crate::view::TenantView;

/// Lists the tenants that you belong to, the longest first.
///
/// Your token is for one of them; `POST /api/v1/auth/switch-tenant` gives one for another.
#[utoipa::path(
    get,
    path = "/api/v1/tenants",
    tag = "tenants",
    security(("bearer" = [])),
    responses((status = 200, description = "All of them, with your role in each.", body = List<TenantView>)),
)]
pub(crate) async fn list_tenants(
    caller: Caller,
    _: AcceptsJson,
    State(tenants): State<Tenants>,
) -> Result<Json<List<TenantView>>> {
    list(&tenants, &caller).await.map(Json)
}

async fn list(tenants: &Tenants, caller: &Caller) -> Result<List<TenantView>> {
    let found = tenants.identity.user_get(caller.user()).await?;
    let (_, memberships) = found.ok_or(Error::Unauthenticated)?;
    let ids: Vec<_> = memberships
        .iter()
        .map(|membership| membership.tenant)
        .collect();
    let found = tenants.identity.tenants_get(&ids).await?;
    let role = |id| -> Option<MembershipRole> {
        let mut memberships = memberships.iter();
        let membership = memberships.find(|membership| membership.tenant == id)?;
        Some(membership.role)
    };
    let views = found.into_iter().filter_map(|tenant| {
        let role = role(tenant.id)?;
        Some(TenantView::new(tenant, role))
    });
    Ok(List::whole(views.collect()))
}
