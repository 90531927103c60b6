//! `DELETE /api/v1/tenants/{tenant_id}`

use axum::extract::State;
use axum::http::StatusCode;
use shared::auth::Caller;
use shared::http::IfMatch;
use shared::model::{AuditAction, Origin, TenantId};
use shared::{Error, Result};

use crate::Tenants;
use crate::authority::ATTEMPTS;
use crate::own::InTenant;

/// Deletes the tenant.
///
/// Nobody belongs to it any more, and what it holds is out of everybody's reach. Tokens and API keys for it end at
/// once; what is remembered of them elsewhere is so for at most 30 seconds. A personal tenant goes with its account
/// and not by itself.
#[utoipa::path(
    delete,
    path = "/api/v1/tenants/{tenant_id}",
    tag = "tenants",
    security(("bearer" = [])),
    params(
        ("tenant_id" = TenantId, Path, description = "The tenant of your token."),
        ("if-match" = Option<String>, Header, description = "The entity tag that it must still have."),
    ),
    responses(
        (status = 204, description = "It is deleted."),
        (status = 409, description = "It is a personal tenant.", body = shared::http::Problem, content_type = "application/problem+json"),
        (status = 412, description = "It is not the version of `If-Match` any more.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn delete_tenant(
    InTenant(caller): InTenant,
    State(tenants): State<Tenants>,
    origin: Origin,
    if_match: Option<IfMatch>,
) -> Result<StatusCode> {
    delete(&tenants, &caller, &origin, if_match.as_ref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn delete(
    tenants: &Tenants,
    caller: &Caller,
    origin: &Origin,
    if_match: Option<&IfMatch>,
) -> Result<()> {
    let store = tenants.app.store.of(caller);
    let id = caller.tenant();
    for _ in 0..ATTEMPTS {
        let tenant = store.tenant_get().await?.ok_or(Error::NotFound("tenant"))?;
        if if_match.is_some_and(|if_match| !if_match.allows(tenant.version)) {
            return Err(Error::PreconditionFailed);
        }
        if tenant.personal {
            return Err(Error::Conflict(
                "a personal tenant goes with its account; delete that with DELETE /api/v1/auth/me",
            ));
        }
        let target = Some(id.to_string());
        let clock = &tenants.app.clock;
        let event = caller.did(clock, origin, AuditAction::TenantDeleted, target);
        let deleted = store.tenant_delete(&tenant, &event).await;
        // Also where it broke off: the tenant may be deleted all the same.
        tenants.app.authenticator.standings().forget_tenant(id);
        if deleted? {
            tracing::info!(tenant.id = %id, user.id = %caller.user(), "deleted tenant {id}");
            return Ok(());
        }
    }
    Err(Error::unavailable("others keep changing the tenant"))
}
