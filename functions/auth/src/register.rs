//! `POST /api/v1/auth/register`

use axum::extract::State;
use axum::http::StatusCode;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::http::{AcceptsJson, Guest, Json};
use shared::model::{Email, Password, PersonName, TenantId, User, UserId};
use shared::store::NewAccount;

use crate::Auth;

/// A person who wants an account.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Registration)]
pub(crate) struct NewUser {
    /// The e-mail address; upper and lower case are the same.
    #[schema(example = "ada@example.com", format = "email", max_length = 254)]
    email: String,
    /// The password: at least 15 characters, at most 1,024 bytes, any characters.
    #[schema(value_type = String, format = Password, min_length = 15, example = "correct horse battery staple")]
    password: SecretString,
    /// What to call the person.
    #[schema(example = "Ada", min_length = 1, max_length = 100)]
    #[serde(default)]
    name: Option<String>,
}

/// What registering answers, whether the address was free or not.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Registered)]
pub(crate) struct RegisteredView {
    /// Always `accepted`.
    #[schema(example = "accepted")]
    status: &'static str,
    /// What to do next.
    detail: &'static str,
}

/// Registers a person.
///
/// Makes an account and a personal tenant. Whether the address has an account already is not said: then
/// nothing is changed, and the password of the existing account stays the one that logs in.
#[utoipa::path(
    post,
    path = "/api/v1/auth/register",
    tag = "auth",
    request_body = NewUser,
    responses((status = 202, description = "Accepted: log in with the address and the password.", body = RegisteredView)),
)]
pub(crate) async fn register(
    _: Guest,
    _: AcceptsJson,
    State(auth): State<Auth>,
    Json(new): Json<NewUser>,
) -> Result<(StatusCode, Json<RegisteredView>)> {
    create(&auth, new).await?;
    let view = RegisteredView {
        status: "accepted",
        detail: "log in with this address; if it had an account before, that account is unchanged",
    };
    Ok((StatusCode::ACCEPTED, Json(view)))
}

async fn create(auth: &Auth, new: NewUser) -> Result<()> {
    let email = Email::parse("/email", &new.email)?;
    let password = Password::parse_new("/password", new.password)?;
    let name = new
        .name
        .map(|name| PersonName::parse("/name", &name))
        .transpose()?;
    // Hashed before the address is looked at, so that both cases take the same time.
    let password_hash = auth.hasher.hash(password).await?;
    let account = NewAccount {
        user: User {
            id: UserId::new(),
            email,
            name: name.map(|name| name.as_str().to_owned()),
            password_hash,
            created_at: auth.app.clock.now(),
        },
        tenant: TenantId::new(),
    };
    if auth.identity.account_create(&account).await? {
        tracing::info!(user.id = %account.user.id, tenant.id = %account.tenant, "registered user {}", account.user.id);
    }
    Ok(())
}
