//! `PATCH /api/v1/api-keys/{api_key_id}`

use axum::extract::State;
use serde::{Deserialize, Deserializer};
use shared::auth::Caller;
use shared::http::{AcceptsJson, IfMatch, Json, Path};
use shared::model::{ApiKey, ApiKeyId, AuditAction, Origin, Scope};
use shared::{App, Error, Result};

use crate::reach::find_own;
use crate::view::{ApiKeyView, Tagged, expires_at, name, scopes, tagged};

/// How often a change is tried when others change the key at the same time.
pub(crate) const ATTEMPTS: u32 = 5;

const OPERATION: &str = "PATCH /api/v1/api-keys/{api_key_id}";

/// What to change. A field that is left out stays as it is.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiKeyChange {
    /// What to call it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100, pattern = r"^\s*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*\s*$")]
    name: Option<String>,
    /// What it may be used for, in place of all scopes of before: at least one, and no more than your role
    /// allows.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Vec<Scope>, required = false, min_items = 1)]
    scopes: Option<Vec<Scope>>,
    /// From when on it is not good any more; `null` if it shall not expire.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Option<String>>,
}

/// Tells a field that is left out from one that is given, for which the type says whether `null` will do.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Changes the name, the scopes or the end of one of your API keys.
///
/// Its text stays. New scopes and a new end count within half a minute. With `If-Match` the key is changed only
/// if it still is the version of that entity tag.
#[utoipa::path(
    patch,
    path = "/api/v1/api-keys/{api_key_id}",
    tag = "api-keys",
    security(("bearer" = [])),
    params(
        ("api_key_id" = ApiKeyId, Path, description = "The key."),
        ("if-match" = Option<String>, Header, description = "The entity tag that it must still have."),
    ),
    request_body = ApiKeyChange,
    responses(
        (
            status = 200,
            description = "The changed key.",
            body = ApiKeyView,
            headers(("etag" = String, description = "Its version.")),
        ),
        (status = 412, description = "It is not that version any more.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn update_api_key(
    caller: Caller,
    _: AcceptsJson,
    State(app): State<App>,
    origin: Origin,
    Path(id): Path<ApiKeyId>,
    if_match: Option<IfMatch>,
    Json(change): Json<ApiKeyChange>,
) -> Result<Tagged<ApiKeyView>> {
    let changed = update(&app, &caller, &origin, id, if_match, &change).await?;
    Ok(tagged(app.config.stage, changed))
}

async fn update(
    app: &App,
    caller: &Caller,
    origin: &Origin,
    id: ApiKeyId,
    if_match: Option<IfMatch>,
    change: &ApiKeyChange,
) -> Result<ApiKey> {
    let event = caller.did(
        &app.clock,
        origin,
        AuditAction::ApiKeyChanged,
        Some(id.to_string()),
    );
    for _ in 0..ATTEMPTS {
        let before = find_own(app, caller, origin, id, OPERATION).await?;
        check(if_match.as_ref(), &before)?;
        let after = apply(app, caller, &before, change)?;
        if after == before {
            return Ok(before);
        }
        let after = ApiKey {
            version: before.version + 1,
            ..after
        };
        let store = app.store.of(caller);
        if store.api_key_update(&before, &after, &event).await? {
            forget(app, &before);
            return Ok(after);
        }
    }
    Err(Error::unavailable("others keep changing the key"))
}

fn apply(app: &App, caller: &Caller, before: &ApiKey, change: &ApiKeyChange) -> Result<ApiKey> {
    let mut after = before.clone();
    if let Some(given) = &change.name {
        after.name = name(given)?;
    }
    if let Some(given) = &change.scopes {
        after.scopes = scopes(given.clone(), caller.role())?;
    }
    if let Some(given) = &change.expires_at {
        let given = given.as_deref();
        let end = given.map(|text| expires_at(text, app.clock.now()));
        after.expires_at = end.transpose()?;
    }
    Ok(after)
}

/// Refuses a change of another version than the client has seen.
pub(crate) fn check(if_match: Option<&IfMatch>, api_key: &ApiKey) -> Result<()> {
    match if_match {
        Some(if_match) if !if_match.allows(api_key.version) => Err(Error::PreconditionFailed),
        Some(_) | None => Ok(()),
    }
}

/// Makes this process look again at what the key's texts may do.
pub(crate) fn forget(app: &App, api_key: &ApiKey) {
    let secrets = std::iter::once(&api_key.current).chain(&api_key.previous);
    let hashes: Vec<&str> = secrets.map(|secret| secret.hash.as_str()).collect();
    app.authenticator.standings().forget_secrets(&hashes);
}
