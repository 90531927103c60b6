//! `GET /api/v1/registry` and `PUT /api/v1/registry`

use axum::extract::State;
use shared::auth::Caller;
use shared::http::{AcceptsJson, IfMatch, Json};
use shared::model::{AuditAction, MAX_REGISTRY_BYTES, Origin, Registry};
use shared::{Error, Result};

use crate::Models;
use crate::view::{Tagged, tagged};

/// Gets what the tenant says about models.
#[utoipa::path(
    get,
    path = "/api/v1/registry",
    tag = "models",
    security(("bearer" = [])),
    responses((
        status = 200,
        description = "The registry. It is empty as long as nobody wrote one.",
        body = Registry,
        headers(("etag" = String, description = "Its version.")),
    )),
)]
pub(crate) async fn get_registry(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Models>,
) -> Result<Tagged> {
    let (registry, version) = state.app.store.of(&caller).registry_get().await?;
    Ok(tagged(registry, version))
}

/// Says anew what holds for models.
///
/// The whole document is replaced: providers of the tenant's own, routes, which models may be chosen, and what holds
/// where a conversation says nothing. `If-Match` must have the entity tag of the registry as you know it. Turns use it in
/// every process after at most half a minute; a new model or route can be chosen at once.
#[utoipa::path(
    put,
    path = "/api/v1/registry",
    tag = "models",
    security(("bearer" = [])),
    params(("if-match" = String, Header, description = "The entity tag that it must still have.")),
    request_body = Registry,
    responses(
        (
            status = 200,
            description = "The registry as it is now.",
            body = Registry,
            headers(("etag" = String, description = "Its version.")),
        ),
        (status = 412, description = "It is not that version any more.", body = shared::http::Problem, content_type = "application/problem+json"),
        (status = 428, description = "`If-Match` is missing.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn put_registry(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Models>,
    origin: Origin,
    if_match: IfMatch,
    Json(registry): Json<Registry>,
) -> Result<Tagged> {
    check(&state, &registry)?;
    let store = state.app.store.of(&caller);
    let (_, version) = store.registry_get().await?;
    if !if_match.allows(version) {
        return Err(Error::PreconditionFailed);
    }
    let action = AuditAction::RegistryChanged;
    let event = caller.did(&state.app.clock, &origin, action, None);
    if !store.registry_put(&registry, version, &event).await? {
        return Err(Error::PreconditionFailed);
    }
    state.catalogues.forget(caller.tenant());
    Ok(tagged(registry, version + 1))
}

fn check(state: &Models, registry: &Registry) -> Result<()> {
    let address = |url: &str| match state.app.guard.check(url) {
        Ok(url) if url.has_query_or_fragment() => {
            Some("must not have a query or a fragment".to_owned())
        }
        Ok(_) => None,
        Err(fault) => Some(fault.to_string()),
    };
    let faults = registry.faults(&state.app.config.providers, address);
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    let bytes = serde_json::to_vec(registry).map_err(Error::internal)?.len();
    if bytes > MAX_REGISTRY_BYTES {
        return Err(Error::TooLarge {
            limit_bytes: MAX_REGISTRY_BYTES,
        });
    }
    Ok(())
}
