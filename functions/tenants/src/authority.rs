//! What whoever changes a tenant's people may do by now, and refusals that depend on whom a change is about.

use shared::auth::{Caller, Via};
use shared::model::{AuditAction, AuditEvent, AuditOutcome, MembershipRole, Origin};
use shared::store::Authority;
use shared::{Error, Result};

use crate::Tenants;

/// How often a change is decided anew when others change the same people at the same time.
pub(crate) const ATTEMPTS: u32 = 5;

/// What the caller's role says to a change that needs an administrator.
pub(crate) const NO_ADMIN: &str =
    "your role in this tenant does not allow it; ask an administrator";

/// The caller's role as its row has it now: a request's own knowledge may be half a minute old, and who has just
/// lost a role must not give it back to itself.
pub(crate) async fn authority(tenants: &Tenants, caller: &Caller) -> Result<Authority> {
    if caller.via() == Via::Federated {
        // The role of a person of another issuer stands in the token and in no row.
        return Ok(Authority {
            role: caller.role(),
            member: None,
        });
    }
    let store = tenants.app.store.of(caller);
    let member = store.member_get(caller.user()).await?;
    let member = member.ok_or(Error::Unauthenticated)?;
    Ok(Authority {
        role: member.role,
        member: Some(member.user),
    })
}

/// Refuses what is for administrators.
pub(crate) fn admins_only(authority: &Authority) -> Result<(), &'static str> {
    if authority.role < MembershipRole::Admin {
        return Err(NO_ADMIN);
    }
    Ok(())
}

/// A refusal, which stands in the trail as those of the rules do.
pub(crate) async fn refusal(
    tenants: &Tenants,
    caller: &Caller,
    origin: &Origin,
    operation: &str,
    why: &'static str,
) -> Result<Error> {
    let clock = &tenants.app.clock;
    let target = Some(operation.to_owned());
    let event = AuditEvent {
        outcome: AuditOutcome::Denied,
        ..caller.did(clock, origin, AuditAction::AccessDenied, target)
    };
    tenants.app.store.audit(&event).await?;
    Ok(Error::Forbidden(why))
}
