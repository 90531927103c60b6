//! `POST /api/v1/tenants/{tenant_id}/suspend` and `…/resume`

use axum::extract::State;
use shared::auth::Caller;
use shared::http::{AcceptsJson, IfMatch};
use shared::model::{AuditAction, Origin, Tenant, TenantId, TenantStatus};
use shared::{Error, Result};

use crate::Tenants;
use crate::authority::ATTEMPTS;
use crate::own::InTenant;
use crate::view::{Tagged, TenantView, tagged};

/// Suspends the tenant.
///
/// Nobody can do anything in it any more, with a token or with a key, but look at it, resume it and delete it. One that
/// is suspended stays as it is.
/// What is remembered of tokens elsewhere is so for at most 30 seconds.
#[utoipa::path(
    post,
    path = "/api/v1/tenants/{tenant_id}/suspend",
    tag = "tenants",
    security(("bearer" = [])),
    params(
        ("tenant_id" = TenantId, Path, description = "The tenant of your token."),
        ("if-match" = Option<String>, Header, description = "The entity tag that it must still have."),
    ),
    responses(
        (status = 200, description = "The suspended tenant.", body = TenantView, headers(("etag" = String, description = "Its version."))),
        (status = 412, description = "It is not the version of `If-Match` any more.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn suspend_tenant(
    InTenant(caller): InTenant,
    _: AcceptsJson,
    State(tenants): State<Tenants>,
    origin: Origin,
    if_match: Option<IfMatch>,
) -> Result<Tagged> {
    let to = (TenantStatus::Suspended, AuditAction::TenantSuspended);
    let tenant = set(&tenants, &caller, &origin, if_match.as_ref(), to).await?;
    Ok(tagged(tenant, caller.role()))
}

/// Resumes a suspended tenant.
#[utoipa::path(
    post,
    path = "/api/v1/tenants/{tenant_id}/resume",
    tag = "tenants",
    security(("bearer" = [])),
    params(
        ("tenant_id" = TenantId, Path, description = "The tenant of your token."),
        ("if-match" = Option<String>, Header, description = "The entity tag that it must still have."),
    ),
    responses(
        (status = 200, description = "The tenant, which can be worked in.", body = TenantView, headers(("etag" = String, description = "Its version."))),
        (status = 412, description = "It is not the version of `If-Match` any more.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn resume_tenant(
    InTenant(caller): InTenant,
    _: AcceptsJson,
    State(tenants): State<Tenants>,
    origin: Origin,
    if_match: Option<IfMatch>,
) -> Result<Tagged> {
    let to = (TenantStatus::Active, AuditAction::TenantResumed);
    let tenant = set(&tenants, &caller, &origin, if_match.as_ref(), to).await?;
    Ok(tagged(tenant, caller.role()))
}

async fn set(
    tenants: &Tenants,
    caller: &Caller,
    origin: &Origin,
    if_match: Option<&IfMatch>,
    (status, action): (TenantStatus, AuditAction),
) -> Result<Tenant> {
    let store = tenants.app.store.of(caller);
    for _ in 0..ATTEMPTS {
        let before = store.tenant_get().await?.ok_or(Error::NotFound("tenant"))?;
        if if_match.is_some_and(|if_match| !if_match.allows(before.version)) {
            return Err(Error::PreconditionFailed);
        }
        if before.status == status {
            return Ok(before);
        }
        let after = Tenant {
            status,
            version: before.version + 1,
            ..before
        };
        let target = Some(after.id.to_string());
        let event = caller.did(&tenants.app.clock, origin, action, target);
        if store.tenant_update(&after, &event).await? {
            let standings = tenants.app.authenticator.standings();
            standings.forget_tenant(after.id);
            tracing::info!(tenant.id = %after.id, "tenant {} is {status:?}", after.id);
            return Ok(after);
        }
    }
    Err(Error::unavailable("others keep changing the tenant"))
}
