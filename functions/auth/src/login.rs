//! `POST /api/v1/auth/login`

use axum::extract::State;
use secrecy::SecretString;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use shared::http::{AcceptsJson, Guest, Json};
use shared::model::{
    Actor, AuditAction, AuditEvent, AuditOutcome, Email, Membership, Origin, Password, TenantId,
    User, UserId,
};
use shared::{Error, Result};

use crate::Auth;
use crate::session::{TokensView, open};

/// Who wants in.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Login)]
pub(crate) struct LoginRequest {
    /// The e-mail address.
    #[schema(example = "ada@example.com")]
    email: String,
    /// The password.
    #[schema(value_type = String, format = Password, example = "correct horse battery staple")]
    password: SecretString,
    /// The tenant to work in; if left out, the one that the person has belonged to longest.
    #[serde(default)]
    tenant_id: Option<TenantId>,
}

/// Logs a person in.
///
/// A wrong password, an unknown address and an account that may not log in get the same answer after the same
/// time. After five failures in a row an address has to wait, twice as long with each further one, whether it
/// has an account or not.
#[utoipa::path(
    post,
    path = "/api/v1/auth/login",
    tag = "auth",
    request_body = LoginRequest,
    responses(
        (status = 200, description = "The tokens of a new session.", body = TokensView),
        (status = 401, description = "The address or the password is wrong.", body = shared::http::Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many failures; `Retry-After` says when the next attempt is looked at.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn log_in(
    _: Guest,
    _: AcceptsJson,
    State(auth): State<Auth>,
    origin: Origin,
    Json(request): Json<LoginRequest>,
) -> Result<Json<TokensView>> {
    let wanted = request.tenant_id;
    let (user, memberships) = check(&auth, &origin, request).await?;
    let membership = choose(memberships, wanted)?;
    open(&auth, &auth.identity, user, &membership, &origin)
        .await
        .map(Json)
}

/// The tenant that was asked for, or the first.
fn choose(memberships: Vec<Membership>, wanted: Option<TenantId>) -> Result<Membership> {
    let mut memberships = memberships.into_iter();
    match wanted {
        None => memberships.next().ok_or(Error::BadCredentials),
        Some(tenant) => memberships
            .find(|membership| membership.tenant == tenant)
            .ok_or_else(|| Error::invalid("/tenant_id", "you do not belong to this tenant")),
    }
}

/// An account with where it belongs, or nobody's.
type Found = Option<(User, Vec<Membership>)>;

async fn check(
    auth: &Auth,
    origin: &Origin,
    request: LoginRequest,
) -> Result<(UserId, Vec<Membership>)> {
    let password = Password::to_check(request.password)?;
    // An address that no account can have is an unknown one, and nothing is counted for it.
    let Ok(email) = Email::parse("/email", &request.email) else {
        auth.hasher.check(password, None).await?;
        return Err(Error::BadCredentials);
    };
    let now = auth.app.clock.now();
    let failed = auth.identity.failed_logins(&email, now).await?;
    if let Some(retry_after) = failed.and_then(|failed| failed.locked_for(now)) {
        return Err(Error::LockedOut { retry_after });
    }
    let found = find(auth, &email).await?;
    let hash = found.as_ref().map(|(user, _)| user.password_hash.clone());
    let right = auth.hasher.check(password.clone(), hash).await?;
    let stopped = failed.is_some_and(|failed| failed.is_stopped());
    match found {
        Some((user, memberships)) if right && !stopped && may_enter(auth, &user) => {
            if failed.is_some() {
                auth.identity.login_succeeded(&email).await?;
            }
            keep_hash_current(auth, &user, password).await?;
            Ok((user.id, memberships))
        }
        found => Err(refuse(auth, origin, &email, found).await?),
    }
}

/// Whether an address must be proved first is a setting.
fn may_enter(auth: &Auth, user: &User) -> bool {
    user.verified_at.is_some() || !auth.app.config.email_verification_required
}

async fn find(auth: &Auth, email: &Email) -> Result<Found> {
    // For an unknown address somebody is looked up who does not exist: it takes as long.
    let id = auth.identity.user_find(email).await?;
    auth.identity.user_get(id.unwrap_or_else(UserId::new)).await
}

/// Counts the failure and notes it, for a known address and for an unknown one with the same calls.
async fn refuse(auth: &Auth, origin: &Origin, email: &Email, found: Found) -> Result<Error> {
    let now = auth.app.clock.now();
    auth.identity.login_failed(email, now).await?;
    let (tenant, target) = match found {
        Some((user, memberships)) => (
            memberships.first().map(|membership| membership.tenant),
            Some(user.id.to_string()),
        ),
        None => (None, None),
    };
    let shard = Sha256::digest(email.as_str())[0];
    let event = AuditEvent {
        tenant: tenant.unwrap_or_else(|| TenantId::nobody(shard)),
        actor: Actor::Anonymous,
        action: AuditAction::LoginFailed,
        target,
        outcome: AuditOutcome::Denied,
        at: now,
        origin: origin.clone(),
    };
    auth.app.store.audit(&event).await?;
    Ok(Error::BadCredentials)
}

/// A hash with the parameters of another day is replaced, now that the password is at hand.
async fn keep_hash_current(auth: &Auth, user: &User, password: Password) -> Result<()> {
    if auth.hasher.is_outdated(&user.password_hash) {
        let hash = auth.hasher.hash(password).await?;
        let from = &user.password_hash;
        auth.identity.user_rehash(user.id, from, &hash).await?;
    }
    Ok(())
}
