//! `DELETE /api/v1/auth/me`

use axum::extract::State;
use axum::http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use shared::auth::Caller;
use shared::http::Json;
use shared::model::{AuditAction, Membership, MembershipRole, Origin, Tenant, User};
use shared::store::MemberChanged;
use shared::{Error, Result};

use crate::Auth;
use crate::password;
use crate::session::event;

/// The confirmation that it is meant.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountDeletion {
    /// The password of the account.
    #[schema(value_type = String, format = Password)]
    current_password: SecretString,
}

/// Deletes your account.
///
/// You leave all tenants; your personal tenant goes with the account, and your address is free again. All your
/// sessions and API keys end. An account that is the only owner of another tenant can't be deleted before the
/// tenant has another owner or is deleted.
#[utoipa::path(
    delete,
    path = "/api/v1/auth/me",
    tag = "auth",
    security(("bearer" = [])),
    request_body = AccountDeletion,
    responses(
        (status = 204, description = "The account is deleted."),
        (status = 403, description = "The current password is wrong.", body = shared::http::Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is the only owner of a tenant, or has just been changed.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn delete_account(
    caller: Caller,
    State(auth): State<Auth>,
    origin: Origin,
    Json(deletion): Json<AccountDeletion>,
) -> Result<StatusCode> {
    let found = auth.identity.user_get(caller.user()).await?;
    let (user, memberships) = found.ok_or(Error::Unauthenticated)?;
    password::confirm(&auth, &user, deletion.current_password).await?;
    delete(&auth, &origin, &user, memberships).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Leaves one tenant after the other and deletes the account last: what broke off can be done again.
async fn delete(
    auth: &Auth,
    origin: &Origin,
    user: &User,
    memberships: Vec<Membership>,
) -> Result<()> {
    let ids: Vec<_> = memberships
        .iter()
        .map(|membership| membership.tenant)
        .collect();
    let tenants = auth.identity.tenants_get(&ids).await?;
    let mut personal = None;
    for membership in &memberships {
        let tenant = tenants.iter().find(|tenant| tenant.id == membership.tenant);
        let own = membership.role == MembershipRole::Owner;
        match tenant {
            Some(Tenant { personal: true, .. }) if own => personal = Some(membership.tenant),
            Some(_) | None => leave(auth, origin, user, membership).await?,
        }
    }
    let home = personal.or_else(|| ids.first().copied());
    let home = home.ok_or_else(|| Error::internal("the account belongs nowhere"))?;
    let event = event(
        auth,
        user.id,
        home,
        origin,
        AuditAction::AccountDeleted,
        Some(user.id.to_string()),
    );
    if !auth.identity.account_delete(user, personal, &event).await? {
        return Err(Error::Conflict(
            "the account has just been changed; look at it and repeat the deletion",
        ));
    }
    auth.identity.login_succeeded(&user.email).await?;
    auth.app.authenticator.standings().forget_user(user.id);
    tracing::info!(user.id = %user.id, "deleted user {}", user.id);
    Ok(())
}

async fn leave(auth: &Auth, origin: &Origin, user: &User, membership: &Membership) -> Result<()> {
    let target = Some(user.id.to_string());
    let event = event(
        auth,
        user.id,
        membership.tenant,
        origin,
        AuditAction::MemberRemoved,
        target,
    );
    let left = auth.identity.membership_end(user.id, membership, &event);
    match left.await? {
        MemberChanged::Yes | MemberChanged::ChangedMeanwhile => Ok(()),
        MemberChanged::LastOwner => Err(Error::Conflict(
            "you are the only owner of a tenant; give it another owner or delete it first",
        )),
    }
}
