//! `GET /api/v1/auth/sessions` and `DELETE /api/v1/auth/sessions/{session_id}`

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, List, Path, Timestamp};
use shared::model::{AuditAction, Origin, SessionId, TenantId};
use shared::{Error, Result};

use crate::Auth;

/// A session of the person's.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionView {
    /// Its id.
    id: SessionId,
    /// The tenant that it is for.
    tenant_id: TenantId,
    /// Whether it is the one that asks.
    current: bool,
    /// What the client called itself at the login.
    user_agent: Option<String>,
    /// When the login took place.
    created_at: Timestamp,
    /// When it was refreshed last.
    refreshed_at: Timestamp,
    /// When it ends, if it is not refreshed before.
    expires_at: Timestamp,
}

/// Lists your sessions, the newest 100.
#[utoipa::path(
    get,
    path = "/api/v1/auth/sessions",
    tag = "auth",
    security(("bearer" = [])),
    responses((status = 200, description = "The sessions that are alive, newest first.", body = List<SessionView>)),
)]
pub(crate) async fn list_sessions(
    caller: Caller,
    _: AcceptsJson,
    State(auth): State<Auth>,
) -> Result<Json<List<SessionView>>> {
    list(&auth, &caller).await.map(Json)
}

async fn list(auth: &Auth, caller: &Caller) -> Result<List<SessionView>> {
    let now = auth.app.clock.now();
    let (user, sessions) = tokio::try_join!(
        auth.identity.user_get(caller.user()),
        auth.identity.session_list(caller.user(), now)
    )?;
    let (user, _) = user.ok_or(Error::Unauthenticated)?;
    let alive = sessions
        .into_iter()
        .filter(|session| session.created_at > user.sessions_from);
    let views = alive.map(|session| SessionView {
        current: caller.session() == Some(session.id),
        id: session.id,
        tenant_id: session.tenant,
        user_agent: session.user_agent,
        created_at: Timestamp(session.created_at),
        refreshed_at: Timestamp(session.rotated_at),
        expires_at: Timestamp(session.expires_at),
    });
    Ok(List::whole(views.collect()))
}

/// Ends one of your sessions.
#[utoipa::path(
    delete,
    path = "/api/v1/auth/sessions/{session_id}",
    tag = "auth",
    security(("bearer" = [])),
    params(("session_id" = SessionId, Path, description = "The session.")),
    responses((status = 204, description = "The session has ended.")),
)]
pub(crate) async fn revoke_session(
    caller: Caller,
    State(auth): State<Auth>,
    origin: Origin,
    Path(session): Path<SessionId>,
) -> Result<StatusCode> {
    let clock = &auth.app.clock;
    let event = caller.did(
        clock,
        &origin,
        AuditAction::SessionRevoked,
        Some(session.to_string()),
    );
    let ended = auth.identity.session_revoke(caller.user(), session, &event);
    if !ended.await? {
        return Err(Error::NotFound("session"));
    }
    auth.app
        .authenticator
        .standings()
        .forget_user(caller.user());
    Ok(StatusCode::NO_CONTENT)
}
