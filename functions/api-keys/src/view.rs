//! What comes in and goes out, and the rules that the operations share.

use std::time::Duration;

use axum::http::header::ETAG;
use axum::http::{HeaderName, HeaderValue};
use serde::Serialize;
use shared::auth::{ApiKeyText, key_prefix, policy};
use shared::clock::Moment;
use shared::config::Stage;
use shared::error::FieldError;
use shared::http::{Json, Timestamp, etag};
use shared::model::{
    ApiKey, ApiKeyId, ApiKeyName, KeySecret, MembershipRole, Scope, Scopes, UserId,
};
use shared::{Error, Result};

/// The shortest time that a key may be good.
const SHORTEST: Duration = Duration::from_secs(60);
/// The longest time, for keys that expire at all: ten years.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// An API key, without its text: that is shown once.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ApiKey)]
pub(crate) struct ApiKeyView {
    /// Its id, which a rotation keeps.
    id: ApiKeyId,
    /// What it is called.
    name: String,
    /// The member that it acts for. When that membership ends, the key is worth nothing, for good.
    user_id: UserId,
    /// What it may be used for, as far as the member's role allows it.
    scopes: Vec<Scope>,
    /// What its text begins with.
    #[schema(example = "chatter_live_")]
    prefix: String,
    /// What its text ends with.
    #[schema(example = "7rQx")]
    last4: String,
    /// Its texts from before rotations that are good still, newest first.
    previous: Vec<PreviousView>,
    /// When it was used last, exact to a minute; `null` if never.
    last_used_at: Option<Timestamp>,
    /// From when on it is not good any more; `null` if it does not expire.
    expires_at: Option<Timestamp>,
    /// When it was created.
    created_at: Timestamp,
}

/// A text of a key from before a rotation.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PreviousApiKeyText)]
pub(crate) struct PreviousView {
    /// What it ends with.
    last4: String,
    /// From when on it is not good any more.
    expires_at: Option<Timestamp>,
}

/// An API key with its text, which is shown this once.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = IssuedApiKey)]
pub(crate) struct IssuedView {
    #[serde(flatten)]
    api_key: ApiKeyView,
    /// What to send as `Authorization: Bearer …`. Keep it now: it is stored nowhere and can't be shown again.
    #[schema(example = "chatter_live_…")]
    key: String,
}

impl ApiKeyView {
    fn new(stage: Stage, api_key: ApiKey) -> Self {
        let ApiKey {
            id,
            name,
            owner,
            member_since: _,
            scopes,
            current,
            previous,
            last_used_at,
            expires_at,
            version: _,
            created_at,
        } = api_key;
        Self {
            id,
            name,
            user_id: owner,
            scopes: scopes.into(),
            prefix: key_prefix(stage),
            last4: current.last4,
            previous: previous.into_iter().map(PreviousView::from).collect(),
            last_used_at: last_used_at.map(Timestamp),
            expires_at: expires_at.map(Timestamp),
            created_at: Timestamp(created_at),
        }
    }

    /// The keys of a list.
    pub(crate) fn list(stage: Stage, keys: Vec<ApiKey>) -> Vec<Self> {
        let keys = keys.into_iter();
        keys.map(|api_key| Self::new(stage, api_key)).collect()
    }
}

impl From<KeySecret> for PreviousView {
    fn from(secret: KeySecret) -> Self {
        Self {
            last4: secret.last4,
            expires_at: secret.expires_at.map(Timestamp),
        }
    }
}

/// A view and the entity tag of its version.
pub(crate) type Tagged<V> = ([(HeaderName, HeaderValue); 1], Json<V>);

/// The reply with one key.
pub(crate) fn tagged(stage: Stage, api_key: ApiKey) -> Tagged<ApiKeyView> {
    let tag = etag(api_key.version);
    ([(ETAG, tag)], Json(ApiKeyView::new(stage, api_key)))
}

/// The reply that shows a key's text.
pub(crate) fn issued(stage: Stage, api_key: ApiKey, text: &ApiKeyText) -> Tagged<IssuedView> {
    let tag = etag(api_key.version);
    let view = IssuedView {
        api_key: ApiKeyView::new(stage, api_key),
        key: text.expose().to_owned(),
    };
    ([(ETAG, tag)], Json(view))
}

/// What is kept of a key's text that is good from now on.
pub(crate) fn secret(text: &ApiKeyText) -> KeySecret {
    KeySecret {
        hash: text.hash(),
        last4: text.last4().to_owned(),
        expires_at: None,
    }
}

/// A name as it is stored.
pub(crate) fn name(name: &str) -> Result<String> {
    ApiKeyName::parse("/name", name).map(ApiKeyName::into_string)
}

/// Scopes that a member with that role can use.
pub(crate) fn scopes(scopes: Vec<Scope>, role: MembershipRole) -> Result<Scopes> {
    if scopes.is_empty() {
        return Err(Error::invalid("/scopes", "must have at least one"));
    }
    let too_high = scopes
        .iter()
        .enumerate()
        .filter(|(_, scope)| !policy::may_hold(role, **scope));
    let errors: Vec<FieldError> = too_high
        .map(|(index, _)| {
            let detail = "is more than your role in this tenant allows; leave it out";
            FieldError::new(format!("/scopes/{index}"), detail)
        })
        .collect();
    if errors.is_empty() {
        Ok(scopes.into())
    } else {
        Err(Error::Invalid(errors))
    }
}

/// The moment of a text, if a key may expire then.
pub(crate) fn expires_at(text: &str, now: Moment) -> Result<Moment> {
    let wrong = || {
        Error::invalid(
            "/expires_at",
            "must be a moment like 2027-01-31T09:30:00Z, from a minute to ten years away",
        )
    };
    let moment = Moment::from_rfc3339(text).ok_or_else(wrong)?;
    let fits = moment >= now.plus(SHORTEST) && moment <= now.plus(LONGEST);
    fits.then_some(moment).ok_or_else(wrong)
}

/// The moment so many seconds from now, if a key may expire then.
pub(crate) fn expires_in(seconds: u64, now: Moment) -> Result<Moment> {
    let lifetime = Duration::from_secs(seconds);
    let fits = (SHORTEST..=LONGEST).contains(&lifetime);
    fits.then(|| now.plus(lifetime)).ok_or_else(|| {
        Error::invalid(
            "/expires_in_seconds",
            "must be from 60 (a minute) to 315360000 (ten years)",
        )
    })
}
