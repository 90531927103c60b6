//! `POST /api/v1/api-keys/{api_key_id}/rotate`

use std::time::Duration;

use axum::extract::State;
use serde::Deserialize;
use shared::auth::{ApiKeyText, Caller};
use shared::http::{AcceptsJson, IfMatch, Json, Path};
use shared::model::{ApiKey, ApiKeyId, AuditAction, Origin};
use shared::{App, Error, Result};

use crate::reach::find_own;
use crate::update::{ATTEMPTS, check, forget};
use crate::view::{IssuedView, Tagged, issued, secret};

/// The longest overlap, in seconds: a week.
const LONGEST_OVERLAP: u64 = 7 * 24 * 3600;

const OPERATION: &str = "POST /api/v1/api-keys/{api_key_id}/rotate";

/// How to rotate.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiKeyRotation {
    /// For how long the text of before stays good. 0 ends it and all those before it at once: for a text that
    /// somebody else may know.
    #[schema(example = 3600, minimum = 0, maximum = 604_800)]
    overlap_seconds: u64,
}

/// Gives one of your API keys a new text, and shows it this once.
///
/// The text of before stays good for the overlap, and texts of earlier rotations as long as they were to be: if
/// the reply is lost, rotate again. At most four texts of before are good at a time.
#[utoipa::path(
    post,
    path = "/api/v1/api-keys/{api_key_id}/rotate",
    tag = "api-keys",
    security(("bearer" = [])),
    params(
        ("api_key_id" = ApiKeyId, Path, description = "The key."),
        ("if-match" = Option<String>, Header, description = "The entity tag that it must still have."),
    ),
    request_body = ApiKeyRotation,
    responses(
        (
            status = 200,
            description = "The key with its new text.",
            body = IssuedView,
            headers(("etag" = String, description = "Its version.")),
        ),
        (status = 409, description = "Too many texts of before are good still.", body = shared::http::Problem, content_type = "application/problem+json"),
        (status = 412, description = "It is not that version any more.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn rotate_api_key(
    caller: Caller,
    _: AcceptsJson,
    State(app): State<App>,
    origin: Origin,
    Path(id): Path<ApiKeyId>,
    if_match: Option<IfMatch>,
    Json(rotation): Json<ApiKeyRotation>,
) -> Result<Tagged<IssuedView>> {
    let overlap = overlap(rotation.overlap_seconds)?;
    let (api_key, text) = rotate(&app, &caller, &origin, id, if_match, overlap).await?;
    Ok(issued(app.config.stage, api_key, &text))
}

async fn rotate(
    app: &App,
    caller: &Caller,
    origin: &Origin,
    id: ApiKeyId,
    if_match: Option<IfMatch>,
    overlap: Duration,
) -> Result<(ApiKey, ApiKeyText)> {
    let event = caller.did(
        &app.clock,
        origin,
        AuditAction::ApiKeyRotated,
        Some(id.to_string()),
    );
    let text = ApiKeyText::random(app.config.stage)?;
    for _ in 0..ATTEMPTS {
        let before = find_own(app, caller, origin, id, OPERATION).await?;
        check(if_match.as_ref(), &before)?;
        let after = before.rotated(secret(&text), overlap, app.clock.now());
        let after = after.ok_or(Error::Conflict(
            "four texts of before are good still; wait until one ends, or rotate with an overlap of 0, which ends them all",
        ))?;
        let store = app.store.of(caller);
        if store.api_key_update(&before, &after, &event).await? {
            forget(app, &before);
            return Ok((after, text));
        }
    }
    Err(Error::unavailable("others keep changing the key"))
}

fn overlap(seconds: u64) -> Result<Duration> {
    if seconds > LONGEST_OVERLAP {
        return Err(Error::invalid(
            "/overlap_seconds",
            "must be from 0 to 604800 (a week)",
        ));
    }
    Ok(Duration::from_secs(seconds))
}
