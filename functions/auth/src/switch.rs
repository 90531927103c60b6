//! `POST /api/v1/auth/switch-tenant`

use axum::extract::State;
use serde::Deserialize;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json};
use shared::model::{Membership, Origin, TenantId};
use shared::{Error, Result};

use crate::Auth;
use crate::session::{TokensView, open};

/// Where to go.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SwitchTenant {
    /// A tenant that you belong to.
    tenant_id: TenantId,
}

/// Opens a session in another tenant of yours.
///
/// The session that asks stays as it is, for the tenant that it is for.
#[utoipa::path(
    post,
    path = "/api/v1/auth/switch-tenant",
    tag = "auth",
    security(("bearer" = [])),
    request_body = SwitchTenant,
    responses(
        (status = 200, description = "The tokens of a new session in that tenant.", body = TokensView),
        (status = 404, description = "There is no such tenant, or you do not belong to it.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn switch_tenant(
    caller: Caller,
    _: AcceptsJson,
    State(auth): State<Auth>,
    origin: Origin,
    Json(request): Json<SwitchTenant>,
) -> Result<Json<TokensView>> {
    let membership = membership(&auth, &caller, request.tenant_id).await?;
    let identity = auth.identity.of(&caller);
    open(&auth, &identity, caller.user(), &membership, &origin)
        .await
        .map(Json)
}

async fn membership(auth: &Auth, caller: &Caller, tenant: TenantId) -> Result<Membership> {
    let found = auth.identity.user_get(caller.user()).await?;
    let (_, memberships) = found.ok_or(Error::Unauthenticated)?;
    let mut memberships = memberships.into_iter();
    // One that exists, but not for this person, is none.
    memberships
        .find(|membership| membership.tenant == tenant)
        .ok_or(Error::NotFound("tenant"))
}
