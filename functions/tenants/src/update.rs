//! `PATCH /api/v1/tenants/{tenant_id}`

use axum::extract::State;
use serde::{Deserialize, Deserializer};
use shared::auth::Caller;
use shared::http::{AcceptsJson, IfMatch, Json};
use shared::model::{AuditAction, Origin, Tenant, TenantId, TenantName};
use shared::{Error, Result};

use crate::Tenants;
use crate::own::InTenant;
use crate::view::{Tagged, TenantView, tagged};

/// What to change. What is left out stays.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantChange {
    /// What to call it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100, pattern = r"^\s*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*\s*$")]
    name: Option<String>,
}

/// Refuses `null` for what can't be taken away.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// Changes the tenant.
///
/// `If-Match` must have the entity tag of the tenant as you know it.
#[utoipa::path(
    patch,
    path = "/api/v1/tenants/{tenant_id}",
    tag = "tenants",
    security(("bearer" = [])),
    params(
        ("tenant_id" = TenantId, Path, description = "The tenant of your token."),
        ("if-match" = String, Header, description = "The entity tag that it must still have."),
    ),
    request_body = TenantChange,
    responses(
        (
            status = 200,
            description = "The tenant as it is now.",
            body = TenantView,
            headers(("etag" = String, description = "Its version.")),
        ),
        (status = 412, description = "It is not that version any more.", body = shared::http::Problem, content_type = "application/problem+json"),
        (status = 428, description = "`If-Match` is missing.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn update_tenant(
    InTenant(caller): InTenant,
    _: AcceptsJson,
    State(tenants): State<Tenants>,
    origin: Origin,
    if_match: IfMatch,
    Json(change): Json<TenantChange>,
) -> Result<Tagged> {
    let tenant = update(&tenants, &caller, &origin, &if_match, change).await?;
    Ok(tagged(tenant, caller.role()))
}

async fn update(
    tenants: &Tenants,
    caller: &Caller,
    origin: &Origin,
    if_match: &IfMatch,
    change: TenantChange,
) -> Result<Tenant> {
    let name = change.name.map(|name| TenantName::parse("/name", &name));
    let name = name.transpose()?.map(TenantName::into_string);
    let store = tenants.app.store.of(caller);
    let before = store.tenant_get().await?.ok_or(Error::NotFound("tenant"))?;
    if !if_match.allows(before.version) {
        return Err(Error::PreconditionFailed);
    }
    let Some(name) = name.filter(|name| *name != before.name) else {
        return Ok(before);
    };
    let after = Tenant {
        name,
        version: before.version + 1,
        ..before
    };
    let target = Some(after.id.to_string());
    let clock = &tenants.app.clock;
    let event = caller.did(clock, origin, AuditAction::TenantChanged, target);
    let written = store.tenant_update(&after, &event).await?;
    written.then_some(after).ok_or(Error::PreconditionFailed)
}
