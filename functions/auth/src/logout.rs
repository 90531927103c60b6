//! `POST /api/v1/auth/logout`

use axum::extract::State;
use axum::http::StatusCode;
use shared::Result;
use shared::auth::Caller;

use crate::Auth;

/// Logs out.
///
/// Ends the session of the access token: its refresh token is not good any more. The access token itself
/// runs out within ten minutes.
#[utoipa::path(
    post,
    path = "/api/v1/auth/logout",
    tag = "auth",
    security(("bearer" = [])),
    responses((status = 204, description = "The session has ended.")),
)]
pub(crate) async fn log_out(caller: Caller, State(auth): State<Auth>) -> Result<StatusCode> {
    auth.identity
        .session_revoke(caller.user(), caller.session())
        .await?;
    tracing::info!(user.id = %caller.user(), session.id = %caller.session(), "user {} logged out", caller.user());
    Ok(StatusCode::NO_CONTENT)
}
