//! `DELETE /api/v1/tenants/{tenant_id}/members/{user_id}`

use axum::extract::State;
use axum::http::StatusCode;
use shared::auth::Caller;
use shared::http::Path;
use shared::model::{AuditAction, Member, Origin, TenantId, UserId};
use shared::store::{Authority, MemberChanged};
use shared::{Error, Result};

use crate::Tenants;
use crate::authority::{ATTEMPTS, admins_only, authority, refusal};
use crate::own::InTenant;

const OPERATION: &str = "DELETE /api/v1/tenants/{tenant_id}/members/{user_id}";

/// Takes a member out of the tenant, or leaves it.
///
/// Everybody may leave, and an administrator may take out others; only an owner takes out an owner. The tenant
/// always has an owner, and nobody leaves a personal tenant. The person's tokens and API keys for this tenant end
/// at once; what is remembered of them elsewhere is so for at most 30 seconds.
#[utoipa::path(
    delete,
    path = "/api/v1/tenants/{tenant_id}/members/{user_id}",
    tag = "tenants",
    security(("bearer" = [])),
    params(
        ("tenant_id" = TenantId, Path, description = "The tenant of your token."),
        ("user_id" = UserId, Path, description = "The member; your own id to leave."),
    ),
    responses(
        (status = 204, description = "The person does not belong to the tenant any more."),
        (status = 409, description = "It is the only owner, or the tenant is personal.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn remove_member(
    InTenant(caller): InTenant,
    State(tenants): State<Tenants>,
    origin: Origin,
    Path(user): Path<UserId>,
) -> Result<StatusCode> {
    remove(&tenants, &caller, &origin, user).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove(tenants: &Tenants, caller: &Caller, origin: &Origin, user: UserId) -> Result<()> {
    let store = tenants.app.store.of(caller);
    for _ in 0..ATTEMPTS {
        let authority = authority(tenants, caller).await?;
        if let Err(why) = allowed(&authority, caller, user, None) {
            return Err(refusal(tenants, caller, origin, OPERATION, why).await?);
        }
        let (tenant, member) = tokio::try_join!(store.tenant_get(), store.member_get(user))?;
        let tenant = tenant.ok_or(Error::NotFound("tenant"))?;
        let member = member.ok_or(Error::NotFound("member"))?;
        if let Err(why) = allowed(&authority, caller, user, Some(&member)) {
            return Err(refusal(tenants, caller, origin, OPERATION, why).await?);
        }
        if tenant.personal {
            return Err(Error::Conflict(
                "a personal tenant can't be left; it goes with the account, by DELETE /api/v1/auth/me",
            ));
        }
        let target = Some(user.to_string());
        let clock = &tenants.app.clock;
        let event = caller.did(clock, origin, AuditAction::MemberRemoved, target);
        match store.member_remove(&member, &authority, &event).await? {
            MemberChanged::Yes => {
                tenants.app.authenticator.standings().forget_user(user);
                return Ok(());
            }
            MemberChanged::LastOwner => {
                return Err(Error::Conflict(
                    "this is the only owner; make another member an owner first, or delete the tenant",
                ));
            }
            MemberChanged::ChangedMeanwhile => {}
        }
    }
    Err(Error::unavailable("others keep changing the member"))
}

/// Whether the caller may take that person out. What is not for the caller whoever it is about is decided before
/// the member is known, so that nothing shows who belongs to the tenant.
fn allowed(
    authority: &Authority,
    caller: &Caller,
    user: UserId,
    member: Option<&Member>,
) -> Result<(), &'static str> {
    if user == caller.user() {
        return Ok(());
    }
    admins_only(authority)?;
    if member.is_some_and(|member| member.role > authority.role) {
        return Err("only an owner can take out an owner");
    }
    Ok(())
}
