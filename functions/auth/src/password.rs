//! `PUT /api/v1/auth/me/password`

use axum::extract::State;
use axum::http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use shared::auth::Caller;
use shared::http::Json;
use shared::mail::Letter;
use shared::model::{AuditAction, Origin, Password, User};
use shared::{Error, Result};

use crate::Auth;
use crate::me::account;

/// A new password.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordChange {
    /// The password as it is.
    #[schema(value_type = String, format = Password)]
    current_password: SecretString,
    /// The password as it shall be: at least 15 characters, none that is widely known.
    #[schema(value_type = String, format = Password, min_length = 15)]
    new_password: SecretString,
}

/// Changes your password.
///
/// All your sessions end, this one too: log in with the new password. A mail tells you that it was changed.
#[utoipa::path(
    put,
    path = "/api/v1/auth/me/password",
    tag = "auth",
    security(("bearer" = [])),
    request_body = PasswordChange,
    responses(
        (status = 204, description = "The password is changed, and all sessions have ended."),
        (status = 403, description = "The current password is wrong.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn change_password(
    caller: Caller,
    State(auth): State<Auth>,
    origin: Origin,
    Json(change): Json<PasswordChange>,
) -> Result<StatusCode> {
    let user = account(&auth, &caller).await?;
    let new = Password::parse_new("/new_password", change.new_password, &[user.email.as_str()])?;
    confirm(&auth, &user, change.current_password).await?;
    write(&auth, &caller, &origin, &user, new).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Refuses without the account's password: a session alone must not be enough for what follows. Wrong
/// passwords count as failed logins.
pub(crate) async fn confirm(auth: &Auth, user: &User, password: SecretString) -> Result<()> {
    let wrong = Error::Forbidden("the current password is wrong");
    let now = auth.app.clock.now();
    let failed = auth.identity.failed_logins(&user.email, now).await?;
    if let Some(retry_after) = failed.and_then(|failed| failed.locked_for(now)) {
        return Err(Error::LockedOut { retry_after });
    }
    let password = Password::to_check(password)
        .map_err(|_| Error::Forbidden("the current password is wrong"))?;
    let hash = Some(user.password_hash.clone());
    let stopped = failed.is_some_and(|failed| failed.is_stopped());
    if auth.hasher.check(password, hash).await? && !stopped {
        return Ok(());
    }
    auth.identity.login_failed(&user.email, now).await?;
    Err(wrong)
}

async fn write(
    auth: &Auth,
    caller: &Caller,
    origin: &Origin,
    user: &User,
    new: Password,
) -> Result<()> {
    let hash = auth.hasher.hash(new).await?;
    let clock = &auth.app.clock;
    let event = caller.did(clock, origin, AuditAction::PasswordChanged, None);
    let mail = auth
        .app
        .post
        .seal(&Letter::password_changed(&user.email))
        .await?;
    let from = &user.password_hash;
    let changed = auth
        .identity
        .password_change(user.id, from, &hash, clock.now(), &mail, &event)
        .await?;
    if !changed {
        return Err(Error::Conflict(
            "the password has just been changed; log in again",
        ));
    }
    auth.app.authenticator.standings().forget_user(user.id);
    auth.app.post.nudge(mail.id).await;
    Ok(())
}
