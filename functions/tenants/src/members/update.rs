//! `PATCH /api/v1/tenants/{tenant_id}/members/{user_id}`

use axum::extract::State;
use serde::Deserialize;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, Path};
use shared::model::{AuditAction, Member, MembershipRole, Origin, TenantId, UserId};
use shared::store::{Authority, MemberChanged};
use shared::{Error, Result};

use crate::Tenants;
use crate::authority::{ATTEMPTS, admins_only, authority, refusal};
use crate::own::InTenant;
use crate::view::MemberView;

const OPERATION: &str = "PATCH /api/v1/tenants/{tenant_id}/members/{user_id}";

/// What to change.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberChange {
    /// What the member may do from now on.
    role: MembershipRole,
}

/// Changes what a member may do.
///
/// Nobody gives a role above their own, and only an owner changes an owner. The tenant always has an owner. What
/// the member was allowed before is over at once; what is remembered of its tokens elsewhere is so for at most 30
/// seconds.
#[utoipa::path(
    patch,
    path = "/api/v1/tenants/{tenant_id}/members/{user_id}",
    tag = "tenants",
    security(("bearer" = [])),
    params(
        ("tenant_id" = TenantId, Path, description = "The tenant of your token."),
        ("user_id" = UserId, Path, description = "The member."),
    ),
    request_body = MemberChange,
    responses(
        (status = 200, description = "The member as it is now.", body = MemberView),
        (status = 409, description = "It is the only owner.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn update_member(
    InTenant(caller): InTenant,
    _: AcceptsJson,
    State(tenants): State<Tenants>,
    origin: Origin,
    Path(user): Path<UserId>,
    Json(change): Json<MemberChange>,
) -> Result<Json<MemberView>> {
    let member = update(&tenants, &caller, &origin, user, change.role).await?;
    let store = tenants.app.store.of(&caller);
    let account = store.member_profiles(std::slice::from_ref(&member)).await?;
    let account = account.into_iter().next().flatten();
    Ok(Json(MemberView::new(&member, account)))
}

async fn update(
    tenants: &Tenants,
    caller: &Caller,
    origin: &Origin,
    user: UserId,
    to: MembershipRole,
) -> Result<Member> {
    let store = tenants.app.store.of(caller);
    for _ in 0..ATTEMPTS {
        let authority = authority(tenants, caller).await?;
        let member = store.member_get(user).await?;
        let member = member.ok_or(Error::NotFound("member"))?;
        if let Err(why) = allowed(&authority, member.role, to) {
            return Err(refusal(tenants, caller, origin, OPERATION, why).await?);
        }
        if member.role == to {
            return Ok(member);
        }
        let target = Some(user.to_string());
        let clock = &tenants.app.clock;
        let event = caller.did(clock, origin, AuditAction::MemberRoleChanged, target);
        match store.member_change(&member, to, &authority, &event).await? {
            MemberChanged::Yes => {
                tenants.app.authenticator.standings().forget_user(user);
                return Ok(Member { role: to, ..member });
            }
            MemberChanged::LastOwner => {
                return Err(Error::Conflict(
                    "this is the only owner; make another member an owner first",
                ));
            }
            MemberChanged::ChangedMeanwhile => {}
        }
    }
    Err(Error::unavailable("others keep changing the member"))
}

/// Whether somebody may change a member from one role to another.
fn allowed(
    authority: &Authority,
    from: MembershipRole,
    to: MembershipRole,
) -> Result<(), &'static str> {
    admins_only(authority)?;
    if from > authority.role {
        return Err("only an owner can change an owner");
    }
    if to > authority.role {
        return Err("you can't give a role above your own; ask an owner");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use MembershipRole::{Admin, Member, Owner, Viewer};

    #[test]
    fn nobody_changes_or_makes_what_is_above_them() {
        let roles = [Viewer, Member, Admin, Owner];
        for role in roles {
            let authority = Authority { role, member: None };
            for (from, to) in roles.iter().flat_map(|from| roles.map(|to| (*from, to))) {
                let expected = match role {
                    Owner => true,
                    Admin => from != Owner && to != Owner,
                    Member | Viewer => false,
                };
                let allowed = allowed(&authority, from, to).is_ok();
                assert_eq!(allowed, expected, "{role:?}: {from:?} to {to:?}");
            }
        }
    }
}
