//! `POST /api/v1/tenants/{tenant_id}/invitations`

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{HeaderName, HeaderValue, LOCATION};
use serde::Deserialize;
use shared::auth::{Caller, InvitationToken, OneTimeSecret};
use shared::http::{AcceptsJson, Json, location};
use shared::mail::Letter;
use shared::model::{
    AuditAction, Email, Invitation, InvitationId, MembershipRole, Origin, Tenant, TenantId, UserId,
};
use shared::store::Authority;
use shared::{Error, Result};

use crate::Tenants;
use crate::authority::{ATTEMPTS, admins_only, authority, refusal};
use crate::own::InTenant;
use crate::view::InvitationView;

/// How long an invitation can be accepted. The letter says it too.
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

const OPERATION: &str = "POST /api/v1/tenants/{tenant_id}/invitations";

/// Somebody to invite.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewInvitation {
    /// Where the mail goes, and the address of the account that can accept.
    #[schema(example = "grace@example.com", format = "email", max_length = 254)]
    email: String,
    /// What the new member may do: nothing above your own role.
    role: MembershipRole,
}

/// Invites somebody into the tenant.
///
/// A mail with a token goes to the address; an account with this address accepts with it, once, within a week. An
/// address has at most one invitation: a new one takes the place of the one before, whose token is worth nothing
/// from then on. A personal tenant takes no members.
#[utoipa::path(
    post,
    path = "/api/v1/tenants/{tenant_id}/invitations",
    tag = "tenants",
    security(("bearer" = [])),
    params(("tenant_id" = TenantId, Path, description = "The tenant of your token.")),
    request_body = NewInvitation,
    responses(
        (status = 201, description = "The invitation.", body = InvitationView, headers(("location" = String, description = "Its address, where it can be taken back."))),
        (status = 409, description = "The person is a member, or the tenant is personal.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn create_invitation(
    InTenant(caller): InTenant,
    _: AcceptsJson,
    State(tenants): State<Tenants>,
    origin: Origin,
    Json(new): Json<NewInvitation>,
) -> Result<(
    StatusCode,
    [(HeaderName, HeaderValue); 1],
    Json<InvitationView>,
)> {
    let invitation = create(&tenants, &caller, &origin, &new).await?;
    let (tenant, id) = (caller.tenant(), invitation.id);
    let path = format!("/api/v1/tenants/{tenant}/invitations/{id}");
    let location = [(LOCATION, location(&tenants.app, &path)?)];
    Ok((StatusCode::CREATED, location, Json(invitation.into())))
}

async fn create(
    tenants: &Tenants,
    caller: &Caller,
    origin: &Origin,
    new: &NewInvitation,
) -> Result<Invitation> {
    let email = Email::parse("/email", &new.email)?;
    let store = tenants.app.store.of(caller);
    let tenant = store.tenant_get().await?.ok_or(Error::NotFound("tenant"))?;
    for _ in 0..ATTEMPTS {
        let authority = authority(tenants, caller).await?;
        let earlier = store
            .invitation_find(&email, tenants.app.clock.now())
            .await?;
        if let Err(why) = allowed(&authority, new.role, earlier.as_ref()) {
            return Err(refusal(tenants, caller, origin, OPERATION, why).await?);
        }
        may_join(tenants, caller, &tenant, &email).await?;
        let (invitation, letter) = write(tenants, caller, &tenant, &email, new.role)?;
        let mail = tenants.app.post.seal(&letter).await?;
        let target = Some(invitation.id.to_string());
        let clock = &tenants.app.clock;
        let event = caller.did(clock, origin, AuditAction::MemberInvited, target);
        let created =
            store.invitation_create(&invitation, earlier.as_ref(), &authority, &mail, &event);
        if created.await? {
            tenants.app.post.nudge(mail.id).await;
            return Ok(invitation);
        }
    }
    Err(Error::unavailable("others keep inviting the same address"))
}

/// Whether somebody may invite into that role, in place of an earlier invitation.
fn allowed(
    authority: &Authority,
    role: MembershipRole,
    earlier: Option<&Invitation>,
) -> Result<(), &'static str> {
    admins_only(authority)?;
    if role > authority.role {
        return Err("you can't invite into a role above your own; ask an owner");
    }
    if earlier.is_some_and(|earlier| earlier.role > authority.role) {
        return Err("an owner has invited this address as an owner; only an owner can change that");
    }
    Ok(())
}

/// Refuses to invite where nobody can join, or who has joined.
async fn may_join(
    tenants: &Tenants,
    caller: &Caller,
    tenant: &Tenant,
    email: &Email,
) -> Result<()> {
    if tenant.personal {
        return Err(Error::Conflict(
            "a personal tenant is for one person; make one for several with POST /api/v1/tenants",
        ));
    }
    // For an unknown address somebody is looked up who does not exist: it takes as long.
    let user = tenants.identity.user_find(email).await?;
    let user = user.unwrap_or_else(UserId::new);
    match tenants.app.store.of(caller).member_get(user).await? {
        Some(_) => Err(Error::Conflict("this person is a member already")),
        None => Ok(()),
    }
}

/// The invitation, and the letter with its token: the one place where the token is in clear.
fn write(
    tenants: &Tenants,
    caller: &Caller,
    tenant: &Tenant,
    email: &Email,
    role: MembershipRole,
) -> Result<(Invitation, Letter)> {
    let now = tenants.app.clock.now();
    let token = InvitationToken {
        tenant: tenant.id,
        invitation: InvitationId::new(),
        secret: OneTimeSecret::random()?,
    };
    let invitation = Invitation {
        id: token.invitation,
        email: email.clone(),
        role,
        invited_by: caller.user(),
        token_hash: token.secret.hash(),
        created_at: now,
        expires_at: now.plus(LIFETIME),
    };
    let app_url = tenants.app.post.app_url();
    let letter = Letter::invitation(email, &tenant.name, app_url, &token.expose());
    Ok((invitation, letter))
}
