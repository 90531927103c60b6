//! `POST /api/v1/invitations/accept`

use axum::extract::State;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use shared::auth::{Caller, InvitationToken};
use shared::http::{AcceptsJson, Json};
use shared::model::{
    AuditAction, AuditEvent, AuditOutcome, Invitation, Origin, Tenant, TenantStatus, User,
};
use shared::store::Joined;
use shared::{Error, Result};

use crate::Tenants;
use crate::create::has_room;
use crate::view::{Tagged, TenantView, tagged};

const OPERATION: &str = "POST /api/v1/invitations/accept";

/// The proof.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Acceptance {
    /// The token from the mail.
    #[schema(value_type = String)]
    token: SecretString,
}

/// Accepts an invitation into a tenant.
///
/// Your account must have the address that the mail went to. Your token stays the one of the tenant that it is
/// for: `POST /api/v1/auth/switch-tenant` gives one for the tenant that you joined.
#[utoipa::path(
    post,
    path = "/api/v1/invitations/accept",
    tag = "tenants",
    security(("bearer" = [])),
    request_body = Acceptance,
    responses(
        (status = 200, description = "The tenant that you belong to now.", body = TenantView, headers(("etag" = String, description = "Its version."))),
        (status = 400, description = "The token is unknown, expired, used or taken back.", body = shared::http::Problem, content_type = "application/problem+json"),
        (status = 403, description = "It is for another address, or the tenant is suspended.", body = shared::http::Problem, content_type = "application/problem+json"),
        (status = 409, description = "You are a member already, or belong to too many tenants.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn accept_invitation(
    caller: Caller,
    _: AcceptsJson,
    State(tenants): State<Tenants>,
    origin: Origin,
    Json(acceptance): Json<Acceptance>,
) -> Result<Tagged> {
    let (tenant, invitation) = accept(&tenants, &caller, &origin, &acceptance.token).await?;
    Ok(tagged(tenant, invitation.role))
}

async fn accept(
    tenants: &Tenants,
    caller: &Caller,
    origin: &Origin,
    token: &SecretString,
) -> Result<(Tenant, Invitation)> {
    let (tenant, invitation) = find(tenants, token).await?;
    let found = tenants.identity.user_get(caller.user()).await?;
    let (user, memberships) = found.ok_or(Error::Unauthenticated)?;
    let clock = &tenants.app.clock;
    // It stands in the trail of the tenant that is joined, and not of the one that the token is for.
    let event = |action, target| AuditEvent {
        tenant: tenant.id,
        ..caller.did(clock, origin, action, Some(target))
    };
    if let Err(why) = allowed(tenants, &user, &invitation) {
        let refused = AuditEvent {
            outcome: AuditOutcome::Denied,
            ..event(AuditAction::AccessDenied, OPERATION.to_owned())
        };
        tenants.app.store.audit(&refused).await?;
        return Err(Error::Forbidden(why));
    }
    if tenant.status == TenantStatus::Suspended {
        return Err(Error::TenantSuspended);
    }
    has_room(&memberships)?;
    let joined = event(AuditAction::MemberJoined, invitation.id.to_string());
    let identity = tenants.identity.of(caller);
    let accepted =
        identity.invitation_accept(tenant.id, &invitation, user.id, clock.now(), &joined);
    match accepted.await? {
        Joined::Yes => {
            tenants.app.authenticator.standings().forget_user(user.id);
            Ok((tenant, invitation))
        }
        Joined::WasMember => Err(Error::Conflict("you are a member of this tenant already")),
        Joined::NoInvitation => Err(Error::BadOneTimeToken),
        Joined::NotActive => Err(Error::Conflict(
            "the tenant was suspended or deleted just now; try again",
        )),
    }
}

/// The invitation of a token, and the tenant that it is for. What is unknown, expired, used or for a tenant that
/// is gone is told apart by nobody.
async fn find(tenants: &Tenants, token: &SecretString) -> Result<(Tenant, Invitation)> {
    let (identity, now) = (&tenants.identity, tenants.app.clock.now());
    let token = token.expose_secret().parse::<InvitationToken>();
    let token = token.map_err(|()| Error::BadOneTimeToken)?;
    let (tenant, invitation) = tokio::try_join!(
        identity.tenant_get(token.tenant),
        identity.invitation_get(token.tenant, token.invitation, now)
    )?;
    let tenant = tenant.filter(|tenant| tenant.status != TenantStatus::Deleted);
    let invitation = invitation.filter(|found| token.secret.has_hash(&found.token_hash));
    tenant.zip(invitation).ok_or(Error::BadOneTimeToken)
}

/// Whether that person may use the invitation.
fn allowed(tenants: &Tenants, user: &User, invitation: &Invitation) -> Result<(), &'static str> {
    if user.email != invitation.email {
        return Err("this invitation is for another address; log in with the account that has it");
    }
    if user.verified_at.is_none() && tenants.app.config.email_verification_required {
        return Err("prove your address first, with the token of the mail that you got");
    }
    Ok(())
}
