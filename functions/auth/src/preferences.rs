//! `GET` and `PUT /api/v1/auth/me/preferences`

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{ETAG, HeaderName};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::auth::Caller;
use shared::http::openapi::text;
use shared::http::{AcceptsJson, IfMatch, Json, etag};
use shared::store::Preferences;
use shared::{Error, Result};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use crate::Auth;

/// The most names.
const MAX_NAMES: usize = 64;
/// The longest name, in characters.
const MAX_NAME: usize = 64;
/// The most bytes of JSON.
const MAX_BYTES: usize = 16 * 1024;

/// What your clients keep for you: names and values of their own choice. Chatter itself does not read them.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Preferences)]
pub(crate) struct PreferencesView {
    /// Up to 64 names with JSON values, together at most 16 KiB.
    #[schema(schema_with = named)]
    preferences: BTreeMap<String, Value>,
}

/// The schema of `preferences`.
fn named() -> Object {
    let names = text().min_length(Some(1)).max_length(Some(MAX_NAME));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(
            "Up to 64 names with JSON values, together at most 16 KiB.",
        ))
        .property_names(Some(names.build()))
        .max_properties(Some(MAX_NAMES))
        .examples([json!({"theme": "dark"})])
        .build()
}

/// Preferences and their entity tag.
type Tagged = ([(HeaderName, HeaderValue); 1], Json<PreferencesView>);

fn tagged(preferences: Preferences) -> Tagged {
    let tag = etag(preferences.version);
    let view = PreferencesView {
        preferences: preferences.values,
    };
    ([(ETAG, tag)], Json(view))
}

/// Gives your preferences.
#[utoipa::path(
    get,
    path = "/api/v1/auth/me/preferences",
    tag = "auth",
    security(("bearer" = [])),
    responses((status = 200, description = "The preferences.", body = PreferencesView, headers(("etag" = String, description = "Their version.")))),
)]
pub(crate) async fn get_preferences(
    caller: Caller,
    _: AcceptsJson,
    State(auth): State<Auth>,
) -> Result<Tagged> {
    let preferences = auth.identity.preferences_get(caller.user()).await?;
    Ok(tagged(preferences))
}

/// Replaces your preferences.
#[utoipa::path(
    put,
    path = "/api/v1/auth/me/preferences",
    tag = "auth",
    security(("bearer" = [])),
    params(("if-match" = Option<String>, Header, description = "Replace only this version.")),
    request_body = PreferencesView,
    responses(
        (status = 200, description = "The preferences as they are now.", body = PreferencesView, headers(("etag" = String, description = "Their version."))),
        (status = 412, description = "They have another version than `If-Match` names.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn put_preferences(
    caller: Caller,
    _: AcceptsJson,
    State(auth): State<Auth>,
    if_match: Option<IfMatch>,
    Json(new): Json<PreferencesView>,
) -> Result<Tagged> {
    put(&auth, &caller, if_match, new.preferences)
        .await
        .map(tagged)
}

async fn put(
    auth: &Auth,
    caller: &Caller,
    if_match: Option<IfMatch>,
    values: BTreeMap<String, Value>,
) -> Result<Preferences> {
    let bytes = serde_json::to_vec(&values).map_err(Error::internal)?.len();
    let name_fits = |name: &String| (1..=MAX_NAME).contains(&name.chars().count());
    if values.len() > MAX_NAMES || bytes > MAX_BYTES || !values.keys().all(name_fits) {
        return Err(Error::invalid(
            "/preferences",
            "must have at most 64 names of 1 to 64 characters, and together at most 16 KiB",
        ));
    }
    let before = auth.identity.preferences_get(caller.user()).await?;
    if if_match.is_some_and(|if_match| !if_match.allows(before.version)) {
        return Err(Error::PreconditionFailed);
    }
    let next = Preferences {
        values,
        version: before.version + 1,
    };
    let written = auth.identity.preferences_put(caller.user(), &next).await?;
    written.then_some(next).ok_or(Error::PreconditionFailed)
}
