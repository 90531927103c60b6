//! `DELETE /api/v1/tenants/{tenant_id}/invitations/{invitation_id}`

use axum::extract::State;
use axum::http::StatusCode;
use shared::auth::Caller;
use shared::http::Path;
use shared::model::{AuditAction, InvitationId, Origin, TenantId};
use shared::{Error, Result};

use crate::Tenants;
use crate::authority::{admins_only, authority, refusal};
use crate::own::InTenant;

const OPERATION: &str = "DELETE /api/v1/tenants/{tenant_id}/invitations/{invitation_id}";

/// Takes an invitation back.
///
/// Only an owner takes back an invitation to be an owner.
#[utoipa::path(
    delete,
    path = "/api/v1/tenants/{tenant_id}/invitations/{invitation_id}",
    tag = "tenants",
    security(("bearer" = [])),
    params(
        ("tenant_id" = TenantId, Path, description = "The tenant of your token."),
        ("invitation_id" = InvitationId, Path, description = "The invitation."),
    ),
    responses((status = 204, description = "Its token is worth nothing any more.")),
)]
pub(crate) async fn revoke_invitation(
    InTenant(caller): InTenant,
    State(tenants): State<Tenants>,
    origin: Origin,
    Path(invitation): Path<InvitationId>,
) -> Result<StatusCode> {
    revoke(&tenants, &caller, &origin, invitation).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn revoke(
    tenants: &Tenants,
    caller: &Caller,
    origin: &Origin,
    id: InvitationId,
) -> Result<()> {
    let store = tenants.app.store.of(caller);
    let now = tenants.app.clock.now();
    let authority = authority(tenants, caller).await?;
    let invitation = store.invitation_get(id, now).await?;
    let invitation = invitation.ok_or(Error::NotFound("invitation"))?;
    let allowed = admins_only(&authority).and_then(|()| match invitation.role > authority.role {
        true => Err("only an owner can take back an invitation to be an owner"),
        false => Ok(()),
    });
    if let Err(why) = allowed {
        return Err(refusal(tenants, caller, origin, OPERATION, why).await?);
    }
    let target = Some(id.to_string());
    let clock = &tenants.app.clock;
    let event = caller.did(clock, origin, AuditAction::InvitationRevoked, target);
    let revoked = store.invitation_delete(&invitation, &event).await?;
    revoked.then_some(()).ok_or(Error::NotFound("invitation"))
}
