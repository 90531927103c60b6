//! `POST /api/v1/api-keys`

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use shared::auth::{ApiKeyText, Caller};
use shared::clock::Moment;
use shared::http::{AcceptsJson, Json, location};
use shared::model::{ApiKey, ApiKeyId, AuditAction, Origin, Scope};
use shared::{App, Error, Result};

use crate::view::{IssuedView, Tagged, expires_at, expires_in, issued, name, scopes, secret};

/// A key to be created.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewApiKey {
    /// What to call it.
    #[schema(
        example = "nightly import",
        min_length = 1,
        max_length = 100,
        pattern = r"^\s*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*\s*$"
    )]
    name: String,
    /// What it may be used for: at least one, and no more than your role allows.
    #[schema(min_items = 1)]
    scopes: Vec<Scope>,
    /// From when on it is not good any more. If this and `expires_in_seconds` are left out, it does not expire.
    #[serde(default)]
    #[schema(format = DateTime, example = "2027-01-31T09:30:00Z")]
    expires_at: Option<String>,
    /// The same in seconds from now. Give only one of both.
    #[serde(default)]
    #[schema(minimum = 60, maximum = 315_360_000)]
    expires_in_seconds: Option<u64>,
}

/// Creates an API key that acts for you, and shows its text this once.
///
/// A tenant has at most 100 keys; one that has expired or was revoked does not count.
#[utoipa::path(
    post,
    path = "/api/v1/api-keys",
    tag = "api-keys",
    security(("bearer" = [])),
    request_body = NewApiKey,
    responses(
        (
            status = 201,
            description = "The new key with its text.",
            body = IssuedView,
            headers(("location" = String, description = "Its address."), ("etag" = String, description = "Its version.")),
        ),
        (status = 409, description = "The tenant has as many keys as it may have.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn create_api_key(
    caller: Caller,
    _: AcceptsJson,
    State(app): State<App>,
    origin: Origin,
    Json(new): Json<NewApiKey>,
) -> Result<(
    StatusCode,
    [(HeaderName, HeaderValue); 1],
    Tagged<IssuedView>,
)> {
    let (api_key, text) = create(&app, &caller, &origin, new).await?;
    let location = location(&app, &format!("/api/v1/api-keys/{}", api_key.id))?;
    let issued = issued(app.config.stage, api_key, &text);
    Ok((StatusCode::CREATED, [(LOCATION, location)], issued))
}

async fn create(
    app: &App,
    caller: &Caller,
    origin: &Origin,
    new: NewApiKey,
) -> Result<(ApiKey, ApiKeyText)> {
    let now = app.clock.now();
    let (key_name, scopes) = (name(&new.name)?, scopes(new.scopes, caller.role())?);
    let expires_at = expiry(new.expires_at.as_deref(), new.expires_in_seconds, now)?;
    let store = app.store.of(caller);
    // Who left a moment ago has no membership that the key could belong to.
    let member = store.member_get(caller.user()).await?;
    let member = member.ok_or(Error::Unauthenticated)?;
    let text = ApiKeyText::random(app.config.stage)?;
    let api_key = ApiKey {
        id: ApiKeyId::new(),
        name: key_name,
        owner: caller.user(),
        member_since: member.created_at,
        scopes,
        current: secret(&text),
        previous: Vec::new(),
        last_used_at: None,
        expires_at,
        version: 1,
        created_at: now,
    };
    let target = Some(api_key.id.to_string());
    let event = caller.did(&app.clock, origin, AuditAction::ApiKeyCreated, target);
    if !store.api_key_create(&api_key, &event).await? {
        return Err(Error::Conflict(
            "this tenant has 100 API keys, as many as it may have; revoke one that is not needed",
        ));
    }
    Ok((api_key, text))
}

fn expiry(at: Option<&str>, seconds: Option<u64>, now: Moment) -> Result<Option<Moment>> {
    match (at, seconds) {
        (None, None) => Ok(None),
        (Some(text), None) => expires_at(text, now).map(Some),
        (None, Some(seconds)) => expires_in(seconds, now).map(Some),
        (Some(_), Some(_)) => Err(Error::invalid(
            "/expires_in_seconds",
            "must be left out where `expires_at` is given",
        )),
    }
}
