//! `POST /api/v1/auth/password-reset/request` and `…/confirm`

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use shared::auth::{OneTimeSecret, ResetToken};
use shared::http::{AcceptsJson, Guest, Json};
use shared::mail::Letter;
use shared::model::{AuditAction, Email, Origin, Password, UserId};
use shared::store::{OneTime, Purpose};
use shared::{Error, Result};

use crate::Auth;
use crate::register::{AcceptedView, accepted};
use crate::session::event;

/// How long a reset token is good: OWASP ASVS 5.0, 6.5.5.
const RESET_LIFETIME: Duration = Duration::from_secs(600);
/// How soon another mail goes to the same address.
pub(crate) const MAIL_AT_MOST_EVERY: Duration = Duration::from_secs(60);

/// Whose password is forgotten.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetRequest {
    /// The e-mail address of the account.
    #[schema(example = "ada@example.com")]
    email: String,
}

/// A new password for a token.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetConfirmation {
    /// The token from the mail.
    #[schema(value_type = String)]
    token: SecretString,
    /// The password as it shall be: at least 15 characters, none that is widely known.
    #[schema(value_type = String, format = Password, min_length = 15)]
    new_password: SecretString,
}

/// Asks for a new password.
///
/// The answer is always the same. If the address has an account, a mail with a token goes to it, which is good
/// once and for ten minutes; the token before it is not good any more.
#[utoipa::path(
    post,
    path = "/api/v1/auth/password-reset/request",
    tag = "auth",
    request_body = ResetRequest,
    responses((status = 202, description = "Accepted.", body = AcceptedView)),
)]
pub(crate) async fn request_reset(
    _: Guest,
    _: AcceptsJson,
    State(auth): State<Auth>,
    origin: Origin,
    Json(request): Json<ResetRequest>,
) -> Result<(StatusCode, Json<AcceptedView>)> {
    let email = Email::parse("/email", &request.email)?;
    send(&auth, &origin, &email).await?;
    Ok(accepted(
        "if this address has an account, a mail is on its way to it",
    ))
}

async fn send(auth: &Auth, origin: &Origin, email: &Email) -> Result<()> {
    let (identity, post, now) = (&auth.identity, &auth.app.post, auth.app.clock.now());
    let known = identity.user_find(email).await?;
    // For an unknown address the same calls are made for somebody who does not exist.
    let id = known.unwrap_or_else(UserId::new);
    let (found, before) = tokio::try_join!(
        identity.user_get(id),
        identity.one_time_get(id, Purpose::Reset, now)
    )?;
    let recent = before.is_some_and(|token| is_recent(&token, RESET_LIFETIME, now.unix_seconds()));
    let token = ResetToken {
        user: id,
        secret: OneTimeSecret::random()?,
    };
    let home = found
        .as_ref()
        .and_then(|(_, memberships)| memberships.first());
    let Some(home) = home.filter(|_| !recent) else {
        let mail = post.seal(&Letter::blank()).await?;
        identity.user_find(email).await?;
        auth.app.store.mail_put(&mail).await?;
        post.nudge(mail.id).await;
        return Ok(());
    };
    let mail = post
        .seal(&Letter::reset(email, post.app_url(), &token.expose()))
        .await?;
    let row = OneTime {
        token_hash: token.secret.hash(),
        email: email.as_str().to_owned(),
        expires_at: now.plus(RESET_LIFETIME).unix_seconds(),
    };
    let event = event(
        auth,
        id,
        home.tenant,
        origin,
        AuditAction::PasswordResetRequested,
        None,
    );
    let event = shared::model::AuditEvent {
        actor: shared::model::Actor::Anonymous,
        target: Some(id.to_string()),
        ..event
    };
    identity
        .one_time_put(id, Purpose::Reset, &row, &mail, Some(&event))
        .await?;
    post.nudge(mail.id).await;
    Ok(())
}

/// Whether a token was made so short a time ago that its mail may still be on its way.
pub(crate) fn is_recent(token: &OneTime, lifetime: Duration, now: i64) -> bool {
    let left = u64::try_from(token.expires_at.saturating_sub(now)).unwrap_or(0);
    left > lifetime.saturating_sub(MAIL_AT_MOST_EVERY).as_secs()
}

/// Sets a new password with a token.
///
/// All sessions of the account end, and nobody is logged in by this. The address counts as proved.
#[utoipa::path(
    post,
    path = "/api/v1/auth/password-reset/confirm",
    tag = "auth",
    request_body = ResetConfirmation,
    responses(
        (status = 204, description = "The password is set: log in with it."),
        (status = 400, description = "The token is unknown, expired or used.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn confirm_reset(
    _: Guest,
    State(auth): State<Auth>,
    origin: Origin,
    Json(confirmation): Json<ResetConfirmation>,
) -> Result<StatusCode> {
    confirm(&auth, &origin, confirmation).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn confirm(auth: &Auth, origin: &Origin, confirmation: ResetConfirmation) -> Result<()> {
    let (identity, now) = (&auth.identity, auth.app.clock.now());
    let token: ResetToken = confirmation
        .token
        .expose_secret()
        .parse()
        .map_err(|()| Error::BadOneTimeToken)?;
    let (stored, found) = tokio::try_join!(
        identity.one_time_get(token.user, Purpose::Reset, now),
        identity.user_get(token.user)
    )?;
    let stored = stored.filter(|stored| token.secret.has_hash(&stored.token_hash));
    let (Some(stored), Some((user, memberships))) = (stored, found) else {
        return Err(Error::BadOneTimeToken);
    };
    let words = [user.email.as_str()];
    let password = Password::parse_new("/new_password", confirmation.new_password, &words)?;
    let hash = auth.hasher.hash(password).await?;
    let tenant = memberships.first().map(|membership| membership.tenant);
    let tenant = tenant.ok_or(Error::BadOneTimeToken)?;
    let event = event(
        auth,
        user.id,
        tenant,
        origin,
        AuditAction::PasswordReset,
        None,
    );
    let mail = auth
        .app
        .post
        .seal(&Letter::password_changed(&user.email))
        .await?;
    let reset = identity
        .password_reset(user.id, &stored, &hash, now, &mail, &event)
        .await?;
    if !reset {
        return Err(Error::BadOneTimeToken);
    }
    identity.login_succeeded(&user.email).await?;
    auth.app.authenticator.standings().forget_user(user.id);
    auth.app.post.nudge(mail.id).await;
    Ok(())
}
