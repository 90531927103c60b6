//! How sessions open, and what a client gets for a login or a refresh.

use std::time::Duration;

use serde::Serialize;
use shared::Result;
use shared::auth::{ACCESS_TOKEN_LIFETIME, RefreshSecret, RefreshToken};
use shared::clock::Moment;
use shared::model::{
    Actor, AuditAction, AuditEvent, AuditOutcome, Membership, MembershipRole, Origin, Session,
    SessionId, TenantId, UserId,
};
use shared::store::IdentityStore;

use crate::Auth;

/// How long a refresh token may lie unused.
const IDLE_LIMIT: Duration = Duration::from_secs(14 * 24 * 3600);
/// How long a login lasts, however often it is refreshed.
const ABSOLUTE_LIMIT: Duration = Duration::from_secs(90 * 24 * 3600);

/// Tokens, as RFC 6749, section 5.1, names them.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Tokens)]
pub(crate) struct TokensView {
    /// Sent as `Authorization: Bearer …`.
    access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// How long the access token is good, in seconds.
    #[schema(example = 600)]
    expires_in: u64,
    /// Good once, for the next pair of tokens.
    refresh_token: String,
    /// The tenant that the tokens are for.
    tenant_id: TenantId,
}

/// Until when a refresh token that is handed out now is good.
pub(crate) fn expiry(created_at: Moment, now: Moment) -> Moment {
    created_at.plus(ABSOLUTE_LIMIT).min(now.plus(IDLE_LIMIT))
}

/// Opens a session of a person in a tenant.
pub(crate) async fn open(
    auth: &Auth,
    identity: &IdentityStore,
    user: UserId,
    membership: &Membership,
    origin: &Origin,
) -> Result<TokensView> {
    let now = auth.app.clock.now();
    let secret = RefreshSecret::random()?;
    let session = Session {
        id: SessionId::new(),
        user,
        tenant: membership.tenant,
        user_agent: origin.user_agent.clone(),
        current_hash: secret.hash(),
        previous_hash: None,
        derived_with: None,
        rotated_at: now,
        created_at: now,
        expires_at: expiry(now, now),
    };
    let target = Some(session.id.to_string());
    let event = event(
        auth,
        user,
        membership.tenant,
        origin,
        AuditAction::LoginSucceeded,
        target,
    );
    identity.session_create(&session, &event).await?;
    tracing::info!(user.id = %user, session.id = %session.id, "user {user} logged in");
    tokens(auth, &session, membership.role, secret).await
}

/// The tokens of a session whose current refresh secret is this one.
pub(crate) async fn tokens(
    auth: &Auth,
    session: &Session,
    role: MembershipRole,
    secret: RefreshSecret,
) -> Result<TokensView> {
    let authenticator = &auth.app.authenticator;
    let access_token = authenticator
        .access_token(session.user, session.id, session.tenant, role)
        .await?;
    let refresh_token = RefreshToken {
        user: session.user,
        session: session.id,
        secret,
    };
    Ok(TokensView {
        access_token,
        token_type: "Bearer",
        expires_in: ACCESS_TOKEN_LIFETIME.as_secs(),
        refresh_token: refresh_token.expose(),
        tenant_id: session.tenant,
    })
}

/// An event that a person did in a tenant, now.
pub(crate) fn event(
    auth: &Auth,
    user: UserId,
    tenant: TenantId,
    origin: &Origin,
    action: AuditAction,
    target: Option<String>,
) -> AuditEvent {
    AuditEvent {
        tenant,
        actor: Actor::User(user),
        action,
        target,
        outcome: AuditOutcome::Success,
        at: auth.app.clock.now(),
        origin: origin.clone(),
    }
}
