//! `POST /api/v1/auth/register`

use axum::extract::State;
use axum::http::StatusCode;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::auth::{OneTimeSecret, VerifyToken};
use shared::clock::Moment;
use shared::http::{AcceptsJson, Guest, Json};
use shared::mail::Letter;
use shared::model::{
    AuditAction, Email, Origin, Password, PersonName, Tenant, TenantId, TenantStatus, User, UserId,
};
use shared::store::{NewAccount, OneTime};

use crate::Auth;
use crate::email::VERIFY_LIFETIME;
use crate::session::event;

/// A person who wants an account.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Registration)]
pub(crate) struct NewUser {
    /// The e-mail address; upper and lower case are the same.
    #[schema(example = "ada@example.com", format = "email", max_length = 254)]
    email: String,
    /// The password: at least 15 characters, at most 1,024 bytes, any characters, none that is widely known.
    #[schema(value_type = String, format = Password, min_length = 15, example = "correct horse battery staple")]
    password: SecretString,
    /// What to call the person.
    #[schema(
        example = "Ada",
        min_length = 1,
        max_length = 100,
        pattern = r"^\s*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*\s*$"
    )]
    #[serde(default)]
    name: Option<String>,
}

/// What a request is answered that must not tell whether an address has an account.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Accepted)]
pub(crate) struct AcceptedView {
    /// Always `accepted`.
    #[schema(example = "accepted")]
    status: &'static str,
    /// What to do next.
    detail: &'static str,
}

/// The answer that is always the same.
pub(crate) fn accepted(detail: &'static str) -> (StatusCode, Json<AcceptedView>) {
    let view = AcceptedView {
        status: "accepted",
        detail,
    };
    (StatusCode::ACCEPTED, Json(view))
}

/// Registers a person.
///
/// Makes an account and a personal tenant, and sends a mail with which the address is proved. Whether the
/// address has an account already is not said: then nothing is changed, the password of the existing account
/// stays the one that logs in, and its owner gets a mail that says so.
#[utoipa::path(
    post,
    path = "/api/v1/auth/register",
    tag = "auth",
    request_body = NewUser,
    responses((status = 202, description = "Accepted: read the mail, then log in with the address and the password.", body = AcceptedView)),
)]
pub(crate) async fn register(
    _: Guest,
    _: AcceptsJson,
    State(auth): State<Auth>,
    origin: Origin,
    Json(new): Json<NewUser>,
) -> Result<(StatusCode, Json<AcceptedView>)> {
    create(&auth, &origin, new).await?;
    Ok(accepted(
        "a mail is on its way to this address; if it had an account before, that account is unchanged",
    ))
}

async fn create(auth: &Auth, origin: &Origin, new: NewUser) -> Result<()> {
    let email = Email::parse("/email", &new.email)?;
    let name = new
        .name
        .map(|name| PersonName::parse("/name", &name))
        .transpose()?;
    let password = Password::parse_new("/password", new.password, &[email.as_str()])?;
    // Hashed before the address is looked at, so that both cases take the same time.
    let password_hash = auth.hasher.hash(password).await?;
    let now = auth.app.clock.now();
    let account = account(email, name, password_hash, now);
    let token = VerifyToken {
        user: account.user.id,
        secret: OneTimeSecret::random()?,
    };
    let proof = OneTime {
        token_hash: token.secret.hash(),
        email: account.user.email.as_str().to_owned(),
        expires_at: now.plus(VERIFY_LIFETIME).unix_seconds(),
    };
    let post = &auth.app.post;
    let letter = Letter::verify(&account.user.email, post.app_url(), &token.expose());
    let mail = post.seal(&letter).await?;
    let (user, tenant) = (account.user.id, account.tenant.id);
    let event = event(
        auth,
        user,
        tenant,
        origin,
        AuditAction::AccountRegistered,
        None,
    );
    let created = auth
        .identity
        .account_create(&account, (&proof, &mail), &event)
        .await?;
    // Both cases write a second time, and both send one mail; the blank one goes nowhere.
    let (second, first) = if created {
        tracing::info!(user.id = %user, tenant.id = %tenant, "registered user {user}");
        (post.seal(&Letter::blank()).await?, Some(mail))
    } else {
        (
            post.seal(&Letter::taken(&account.user.email, post.app_url()))
                .await?,
            None,
        )
    };
    auth.app.store.mail_put(&second).await?;
    post.nudge(first.as_ref().unwrap_or(&second).id).await;
    Ok(())
}

fn account(
    email: Email,
    name: Option<PersonName>,
    password_hash: String,
    now: Moment,
) -> NewAccount {
    let user = User {
        id: UserId::new(),
        email,
        name: name.map(|name| name.as_str().to_owned()),
        password_hash,
        verified_at: None,
        sessions_from: Moment::from_unix_seconds(0),
        created_at: now,
    };
    NewAccount {
        user,
        tenant: Tenant {
            id: TenantId::new(),
            name: "Personal".to_owned(),
            personal: true,
            status: TenantStatus::Active,
            version: 1,
            created_at: now,
        },
    }
}
