//! `GET` and `PATCH /api/v1/auth/me`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::auth::{Caller, Via};
use shared::http::{AcceptsJson, Json, Timestamp};
use shared::model::{ApiKeyId, MembershipRole, PersonName, Scope, TenantId, User, UserId};
use shared::{Error, Result};

use crate::Auth;

/// The person who asks.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Me)]
pub(crate) struct MeView {
    /// The person's id.
    id: UserId,
    /// The e-mail address; `null` for a person of another identity provider.
    email: Option<String>,
    /// Whether a mail to the address was answered.
    email_verified: bool,
    /// What to call the person.
    name: Option<String>,
    /// The tenant that the credentials are for.
    tenant_id: TenantId,
    /// What the person may do there.
    role: MembershipRole,
    /// The API key that asks; `null` if a person does.
    api_key_id: Option<ApiKeyId>,
    /// What the API key may be used for; `null` if a person asks.
    scopes: Option<Vec<Scope>>,
    /// When the person registered; `null` for a person of another identity provider.
    created_at: Option<Timestamp>,
}

/// What to change. What is left out stays.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MeChange)]
pub(crate) struct MeChange {
    /// What to call the person; `null` takes the name away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, example = "Ada", min_length = 1, max_length = 100, pattern = r"^\s*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*\s*$")]
    name: Option<Option<String>>,
}

/// Tells `null` from a field that is left out.
fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

/// Says who is asking.
#[utoipa::path(
    get,
    path = "/api/v1/auth/me",
    tag = "auth",
    security(("bearer" = [])),
    responses((status = 200, description = "The person of the credentials.", body = MeView)),
)]
pub(crate) async fn get_me(
    caller: Caller,
    _: AcceptsJson,
    State(auth): State<Auth>,
) -> Result<Json<MeView>> {
    view(&auth, &caller).await.map(Json)
}

/// Changes your name.
#[utoipa::path(
    patch,
    path = "/api/v1/auth/me",
    tag = "auth",
    security(("bearer" = [])),
    request_body = MeChange,
    responses((status = 200, description = "The person as it is now.", body = MeView)),
)]
pub(crate) async fn update_me(
    caller: Caller,
    _: AcceptsJson,
    State(auth): State<Auth>,
    Json(change): Json<MeChange>,
) -> Result<Json<MeView>> {
    if let Some(name) = change.name {
        rename(&auth, &caller, name).await?;
    }
    view(&auth, &caller).await.map(Json)
}

async fn rename(auth: &Auth, caller: &Caller, name: Option<String>) -> Result<()> {
    let name = name
        .map(|name| PersonName::parse("/name", &name))
        .transpose()?;
    let name = name.as_ref().map(PersonName::as_str);
    let identity = auth.identity.of(caller);
    let renamed = identity.user_rename(caller.user(), name).await?;
    renamed.then_some(()).ok_or(Error::Unauthenticated)
}

async fn view(auth: &Auth, caller: &Caller) -> Result<MeView> {
    let user = match caller.via() {
        Via::Federated => None,
        Via::Session(_) | Via::ApiKey { .. } => Some(account(auth, caller).await?),
    };
    let (api_key_id, scopes) = match caller.via() {
        Via::ApiKey { id, scopes } => (Some(id), Some(scopes.into())),
        Via::Session(_) | Via::Federated => (None, None),
    };
    Ok(MeView {
        id: caller.user(),
        email: user.as_ref().map(|user| user.email.as_str().to_owned()),
        email_verified: user.as_ref().is_some_and(|user| user.verified_at.is_some()),
        created_at: user.as_ref().map(|user| Timestamp(user.created_at)),
        name: user.and_then(|user| user.name),
        tenant_id: caller.tenant(),
        role: caller.role(),
        api_key_id,
        scopes,
    })
}

/// The caller's account.
pub(crate) async fn account(auth: &Auth, caller: &Caller) -> Result<User> {
    let found = auth.identity.user_get(caller.user()).await?;
    // A standing outlives a deleted account by seconds.
    found.map(|(user, _)| user).ok_or(Error::Unauthenticated)
}
