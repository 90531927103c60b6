//! What a client gets for a login or a refresh.

use std::time::Duration;

use serde::Serialize;
use shared::Result;
use shared::auth::{ACCESS_TOKEN_LIFETIME, RefreshSecret, RefreshToken};
use shared::clock::Moment;
use shared::model::Session;

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
}

/// Until when a refresh token that is handed out now is good.
pub(crate) fn expiry(created_at: Moment, now: Moment) -> Moment {
    created_at.plus(ABSOLUTE_LIMIT).min(now.plus(IDLE_LIMIT))
}

/// The tokens of a session whose current refresh secret is this one.
pub(crate) async fn tokens(
    auth: &Auth,
    session: &Session,
    secret: RefreshSecret,
) -> Result<TokensView> {
    let authenticator = &auth.app.authenticator;
    let access_token = authenticator
        .access_token(session.user, session.id, &session.membership)
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
    })
}
