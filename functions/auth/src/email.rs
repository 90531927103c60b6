//! `PUT /api/v1/auth/me/email`, `POST /api/v1/auth/email-verification/request` and `…/confirm`

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use shared::auth::{Caller, OneTimeSecret, VerifyToken};
use shared::http::{AcceptsJson, Guest, Json};
use shared::mail::Letter;
use shared::model::{AuditAction, Email, Origin, UserId};
use shared::store::{OneTime, Purpose};
use shared::{Error, Result};

use crate::Auth;
use crate::me::account;
use crate::password;
use crate::register::{AcceptedView, accepted};
use crate::reset::is_recent;
use crate::session::event;

/// How long a verification token is good.
pub(crate) const VERIFY_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// Another address.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmailChange {
    /// The password of the account.
    #[schema(value_type = String, format = Password)]
    current_password: SecretString,
    /// The address as it shall be.
    #[schema(example = "ada@example.org", format = "email", max_length = 254)]
    new_email: String,
}

/// Whose address is to be proved.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerificationRequest {
    /// The e-mail address of the account.
    #[schema(example = "ada@example.com")]
    email: String,
}

/// The proof.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerificationConfirmation {
    /// The token from the mail.
    #[schema(value_type = String)]
    token: SecretString,
}

/// Asks for another address.
///
/// A mail with a token goes to the new address; the account keeps the old one until the token is used. Whether
/// the new address has an account already is not said.
#[utoipa::path(
    put,
    path = "/api/v1/auth/me/email",
    tag = "auth",
    security(("bearer" = [])),
    request_body = EmailChange,
    responses(
        (status = 202, description = "Accepted: read the mail.", body = AcceptedView),
        (status = 403, description = "The current password is wrong.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn change_email(
    caller: Caller,
    _: AcceptsJson,
    State(auth): State<Auth>,
    Json(change): Json<EmailChange>,
) -> Result<(StatusCode, Json<AcceptedView>)> {
    let email = Email::parse("/new_email", &change.new_email)?;
    let user = account(&auth, &caller).await?;
    password::confirm(&auth, &user, change.current_password).await?;
    send(&auth, user.id, &email).await?;
    Ok(accepted(
        "a mail is on its way to the new address; the old one stays until its token is used",
    ))
}

/// Asks for another verification mail.
///
/// The answer is always the same.
#[utoipa::path(
    post,
    path = "/api/v1/auth/email-verification/request",
    tag = "auth",
    request_body = VerificationRequest,
    responses((status = 202, description = "Accepted.", body = AcceptedView)),
)]
pub(crate) async fn request_verification(
    _: Guest,
    _: AcceptsJson,
    State(auth): State<Auth>,
    Json(request): Json<VerificationRequest>,
) -> Result<(StatusCode, Json<AcceptedView>)> {
    let email = Email::parse("/email", &request.email)?;
    send_again(&auth, &email).await?;
    Ok(accepted(
        "if this address has an account that is not verified, a mail is on its way to it",
    ))
}

async fn send_again(auth: &Auth, email: &Email) -> Result<()> {
    let (identity, now) = (&auth.identity, auth.app.clock.now());
    let id = identity.user_find(email).await?.unwrap_or_else(UserId::new);
    let (found, before) = tokio::try_join!(
        identity.user_get(id),
        identity.one_time_get(id, Purpose::Verify, now)
    )?;
    let recent = before.is_some_and(|token| is_recent(&token, VERIFY_LIFETIME, now.unix_seconds()));
    let unproved = found.is_some_and(|(user, _)| user.verified_at.is_none());
    if unproved && !recent {
        return send(auth, id, email).await;
    }
    let mail = auth.app.post.seal(&Letter::blank()).await?;
    auth.app.store.mail_put(&mail).await?;
    auth.app.post.nudge(mail.id).await;
    Ok(())
}

async fn send(auth: &Auth, user: UserId, email: &Email) -> Result<()> {
    let post = &auth.app.post;
    let token = VerifyToken {
        user,
        secret: OneTimeSecret::random()?,
    };
    let row = OneTime {
        token_hash: token.secret.hash(),
        email: email.as_str().to_owned(),
        expires_at: auth.app.clock.now().plus(VERIFY_LIFETIME).unix_seconds(),
    };
    let letter = Letter::verify(email, post.app_url(), &token.expose());
    let mail = post.seal(&letter).await?;
    let put = auth
        .identity
        .one_time_put(user, Purpose::Verify, &row, &mail, None);
    put.await?;
    post.nudge(mail.id).await;
    Ok(())
}

/// Proves an address with a token.
///
/// If the token went to another address than the account's, the account has that address from now on.
#[utoipa::path(
    post,
    path = "/api/v1/auth/email-verification/confirm",
    tag = "auth",
    request_body = VerificationConfirmation,
    responses(
        (status = 204, description = "The address is proved."),
        (status = 400, description = "The token is unknown, expired or used.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn verify_email(
    _: Guest,
    State(auth): State<Auth>,
    origin: Origin,
    Json(confirmation): Json<VerificationConfirmation>,
) -> Result<StatusCode> {
    confirm(&auth, &origin, &confirmation.token).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn confirm(auth: &Auth, origin: &Origin, token: &SecretString) -> Result<()> {
    let (identity, now) = (&auth.identity, auth.app.clock.now());
    let token = token.expose_secret().parse::<VerifyToken>();
    let token = token.map_err(|()| Error::BadOneTimeToken)?;
    let (stored, found) = tokio::try_join!(
        identity.one_time_get(token.user, Purpose::Verify, now),
        identity.user_get(token.user)
    )?;
    let stored = stored.filter(|stored| token.secret.has_hash(&stored.token_hash));
    let (Some(stored), Some((user, memberships))) = (stored, found) else {
        return Err(Error::BadOneTimeToken);
    };
    let tenant = memberships.first().map(|membership| membership.tenant);
    let tenant = tenant.ok_or(Error::BadOneTimeToken)?;
    let same = stored.email == user.email.as_str();
    let action = if same {
        AuditAction::EmailVerified
    } else {
        AuditAction::EmailChanged
    };
    let event = event(auth, user.id, tenant, origin, action, None);
    let done = if same {
        identity.email_verify(user.id, &stored, now, &event).await?
    } else {
        let to = Email::parse("/token", &stored.email)?;
        let mail = auth
            .app
            .post
            .seal(&Letter::email_changed(&user.email))
            .await?;
        let done = identity
            .email_change(&user, &to, &stored, now, &mail, &event)
            .await?;
        auth.app.post.nudge(mail.id).await;
        done
    };
    done.then_some(()).ok_or(Error::BadOneTimeToken)
}
