//! `POST /api/v1/auth/refresh`

use std::time::Duration;

use axum::extract::State;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use shared::auth::{RefreshSecret, RefreshToken};
use shared::http::{AcceptsJson, Guest, Json};
use shared::model::{
    Actor, AuditAction, AuditEvent, AuditOutcome, MembershipRole, Origin, Session,
};
use shared::store::Rotation;
use shared::{Error, Result};

use crate::Auth;
use crate::session::{TokensView, expiry, tokens};

/// For how long a used refresh token still gives the successor that it gave before: a client whose reply was
/// lost has nothing else to come back with.
const GRACE: Duration = Duration::from_secs(10);

/// A refresh token.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Refresh)]
pub(crate) struct RefreshRequest {
    /// The refresh token of the last login or refresh.
    #[schema(value_type = String)]
    refresh_token: SecretString,
}

/// Gives new tokens for a refresh token.
///
/// A refresh token is good once. If its reply was lost, it gives the same successor again for ten seconds;
/// used later, it ends the session, because someone else may have it.
#[utoipa::path(
    post,
    path = "/api/v1/auth/refresh",
    tag = "auth",
    request_body = RefreshRequest,
    responses(
        (status = 200, description = "The next tokens of the session.", body = TokensView),
        (status = 401, description = "The token is unknown, expired, used or revoked.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn refresh(
    _: Guest,
    _: AcceptsJson,
    State(auth): State<Auth>,
    origin: Origin,
    Json(request): Json<RefreshRequest>,
) -> Result<Json<TokensView>> {
    let token = request
        .refresh_token
        .expose_secret()
        .parse()
        .map_err(|_| Error::BadRefreshToken)?;
    let (session, secret) = rotate(&auth, &origin, &token).await?;
    let role = role(&auth, &session).await?;
    tokens(&auth, &session, role, secret).await.map(Json)
}

/// What the person may do in the session's tenant by now. A session from before all were ended, or of a person
/// who does not belong there any more, gets nothing.
async fn role(auth: &Auth, session: &Session) -> Result<MembershipRole> {
    let now = auth.app.clock.now();
    let standing = auth
        .app
        .store
        .standing(session.user, session.tenant, Some(session.id), now)
        .await?;
    standing
        .map(|standing| standing.role)
        .ok_or(Error::BadRefreshToken)
}

async fn rotate(
    auth: &Auth,
    origin: &Origin,
    token: &RefreshToken,
) -> Result<(Session, RefreshSecret)> {
    let session = get(auth, token).await?;
    if token.secret.has_hash(&session.current_hash) {
        if let Some(secret) = advance(auth, token, &session).await? {
            return Ok((session, secret));
        }
        // Another request with the same token was faster; what it wrote decides.
        let session = get(auth, token).await?;
        return repeat(auth, origin, token, session).await;
    }
    repeat(auth, origin, token, session).await
}

async fn get(auth: &Auth, token: &RefreshToken) -> Result<Session> {
    let session = auth
        .identity
        .session_get(token.user, token.session, auth.app.clock.now())
        .await?;
    session.ok_or(Error::BadRefreshToken)
}

/// The successor of the current secret. `None` if it is not the current one any more.
async fn advance(
    auth: &Auth,
    token: &RefreshToken,
    session: &Session,
) -> Result<Option<RefreshSecret>> {
    let now = auth.app.clock.now();
    let ring = auth.app.authenticator.keys().ring().await?;
    let (secret, derived_with) = token.secret.successor(&ring, now)?;
    let rotation = Rotation {
        from_hash: session.current_hash.clone(),
        to_hash: secret.hash(),
        derived_with,
        at: now,
        expires_at: expiry(session.created_at, now),
    };
    let rotated = auth
        .identity
        .session_rotate(token.user, token.session, &rotation)
        .await?;
    Ok(rotated.then_some(secret))
}

/// The same successor once more for the secret just before the current one; the end of the session for any
/// other.
async fn repeat(
    auth: &Auth,
    origin: &Origin,
    token: &RefreshToken,
    session: Session,
) -> Result<(Session, RefreshSecret)> {
    let now = auth.app.clock.now();
    let previous = session
        .previous_hash
        .as_deref()
        .is_some_and(|hash| token.secret.has_hash(hash));
    if previous && now.since(session.rotated_at) <= GRACE {
        let ring = auth.app.authenticator.keys().ring().await?;
        let kid = session.derived_with.as_deref().unwrap_or_default();
        let secret = token.secret.successor_with(&ring, kid, now);
        if let Some(secret) = secret.filter(|secret| secret.has_hash(&session.current_hash)) {
            return Ok((session, secret));
        }
    }
    end_family(auth, origin, &session).await?;
    Err(Error::BadRefreshToken)
}

/// Whoever has an old secret may have stolen it, or the owner has and somebody else the newest: nobody goes on.
async fn end_family(auth: &Auth, origin: &Origin, session: &Session) -> Result<()> {
    let event = AuditEvent {
        tenant: session.tenant,
        actor: Actor::Anonymous,
        action: AuditAction::RefreshReuse,
        target: Some(session.id.to_string()),
        outcome: AuditOutcome::Denied,
        at: auth.app.clock.now(),
        origin: origin.clone(),
    };
    let revoked = auth
        .identity
        .session_revoke(session.user, session.id, &event);
    if revoked.await? {
        tracing::warn!(
            user.id = %session.user,
            session.id = %session.id,
            "session {} was ended: a refresh token of it was used twice",
            session.id
        );
    }
    auth.app.authenticator.standings().forget_user(session.user);
    Ok(())
}
