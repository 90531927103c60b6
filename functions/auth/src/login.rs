//! `POST /api/v1/auth/login`

use axum::extract::State;
use secrecy::SecretString;
use serde::Deserialize;
use shared::auth::RefreshSecret;
use shared::http::{AcceptsJson, Guest, Json};
use shared::model::{Email, Membership, Password, Session, SessionId, UserId};
use shared::{Error, Result};

use crate::Auth;
use crate::session::{TokensView, expiry, tokens};

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
}

/// Logs a person in.
///
/// A wrong password and an unknown address get the same answer after the same time.
#[utoipa::path(
    post,
    path = "/api/v1/auth/login",
    tag = "auth",
    request_body = LoginRequest,
    responses(
        (status = 200, description = "The tokens of a new session.", body = TokensView),
        (status = 401, description = "The address or the password is wrong.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn log_in(
    _: Guest,
    _: AcceptsJson,
    State(auth): State<Auth>,
    Json(request): Json<LoginRequest>,
) -> Result<Json<TokensView>> {
    let (user, membership) = check(&auth, request).await?;
    open(&auth, user, membership).await.map(Json)
}

async fn check(auth: &Auth, request: LoginRequest) -> Result<(UserId, Membership)> {
    let password = Password::to_check(request.password)?;
    // An address that no account can have is an unknown one.
    let known = match Email::parse("/email", &request.email) {
        Ok(email) => find(auth, &email).await?,
        Err(_) => None,
    };
    let hash = known.as_ref().map(|(_, hash, _)| hash.clone());
    let right = auth.hasher.check(password, hash).await?;
    match known {
        Some((user, _, memberships)) if right => {
            let membership = memberships
                .into_iter()
                .next()
                .ok_or(Error::BadCredentials)?;
            Ok((user, membership))
        }
        _ => Err(Error::BadCredentials),
    }
}

async fn find(auth: &Auth, email: &Email) -> Result<Option<(UserId, String, Vec<Membership>)>> {
    // For an unknown address somebody is looked up who does not exist: it takes as long.
    let id = auth.identity.user_find(email).await?;
    let id = id.unwrap_or_else(UserId::new);
    let found = auth.identity.user_get(id).await?;
    Ok(found.map(|(user, memberships)| (user.id, user.password_hash, memberships)))
}

async fn open(auth: &Auth, user: UserId, membership: Membership) -> Result<TokensView> {
    let now = auth.app.clock.now();
    let secret = RefreshSecret::random()?;
    let session = Session {
        id: SessionId::new(),
        user,
        membership,
        current_hash: secret.hash(),
        previous_hash: None,
        derived_with: None,
        rotated_at: now,
        created_at: now,
        expires_at: expiry(now, now),
    };
    auth.identity.session_create(&session).await?;
    tracing::info!(user.id = %user, session.id = %session.id, "user {user} logged in");
    tokens(auth, &session, secret).await
}
