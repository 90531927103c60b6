//! `POST /api/v1/auth/logout` and `POST /api/v1/auth/logout-all`

use axum::extract::State;
use axum::http::StatusCode;
use shared::auth::Caller;
use shared::model::{AuditAction, Origin};
use shared::{Error, Result};

use crate::Auth;

/// Logs out.
///
/// Ends the session of the access token: its tokens are not good any more, at once where the logout was
/// served, and within half a minute everywhere. Sent again after that it is a 401.
#[utoipa::path(
    post,
    path = "/api/v1/auth/logout",
    tag = "auth",
    security(("bearer" = [])),
    responses((status = 204, description = "The session has ended.")),
)]
pub(crate) async fn log_out(
    caller: Caller,
    State(auth): State<Auth>,
    origin: Origin,
) -> Result<StatusCode> {
    let session = caller.session().ok_or(Error::Unauthenticated)?;
    let clock = &auth.app.clock;
    let event = caller.did(
        clock,
        &origin,
        AuditAction::LoggedOut,
        Some(session.to_string()),
    );
    // Whoever was faster has ended it all the same.
    auth.identity
        .of(&caller)
        .session_revoke(caller.user(), session, &event)
        .await?;
    auth.app
        .authenticator
        .standings()
        .forget_user(caller.user());
    tracing::info!(user.id = %caller.user(), session.id = %session, "user {} logged out", caller.user());
    Ok(StatusCode::NO_CONTENT)
}

/// Logs out everywhere.
///
/// Ends all sessions of the person, in all tenants, this one too. API keys stay. Sent again it is a
/// 401.
#[utoipa::path(
    post,
    path = "/api/v1/auth/logout-all",
    tag = "auth",
    security(("bearer" = [])),
    responses((status = 204, description = "All sessions have ended.")),
)]
pub(crate) async fn log_out_everywhere(
    caller: Caller,
    State(auth): State<Auth>,
    origin: Origin,
) -> Result<StatusCode> {
    let clock = &auth.app.clock;
    let event = caller.did(clock, &origin, AuditAction::LoggedOutEverywhere, None);
    auth.identity
        .of(&caller)
        .sessions_end(caller.user(), clock.now(), &event)
        .await?;
    auth.app
        .authenticator
        .standings()
        .forget_user(caller.user());
    tracing::info!(user.id = %caller.user(), "user {} logged out everywhere", caller.user());
    Ok(StatusCode::NO_CONTENT)
}
