//! `POST /api/v1/tenants`

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{HeaderName, HeaderValue, LOCATION};
use serde::Deserialize;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, location};
use shared::model::{
    AuditAction, AuditEvent, Membership, MembershipRole, Origin, Tenant, TenantId, TenantName,
    TenantStatus,
};
use shared::{Error, Result};

use crate::Tenants;
use crate::view::{Tagged, TenantView, tagged};

/// To how many tenants a person may belong: all of them are read where the person logs in.
const MOST_TENANTS: usize = 100;

/// A tenant to be created.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTenant {
    /// What to call it.
    #[schema(
        example = "Analytical Engines",
        min_length = 1,
        max_length = 100,
        pattern = r"^\s*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*\s*$"
    )]
    name: String,
}

/// Creates a tenant, whose owner you are.
///
/// Your token stays the one of the tenant that it is for: `POST /api/v1/auth/switch-tenant` gives one for the new
/// tenant, with which its address can be used.
#[utoipa::path(
    post,
    path = "/api/v1/tenants",
    tag = "tenants",
    security(("bearer" = [])),
    request_body = NewTenant,
    responses(
        (
            status = 201,
            description = "The new tenant.",
            body = TenantView,
            headers(("location" = String, description = "Its address."), ("etag" = String, description = "Its version.")),
        ),
        (status = 409, description = "You belong to too many tenants.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn create_tenant(
    caller: Caller,
    _: AcceptsJson,
    State(tenants): State<Tenants>,
    origin: Origin,
    Json(new): Json<NewTenant>,
) -> Result<(StatusCode, [(HeaderName, HeaderValue); 1], Tagged)> {
    let tenant = create(&tenants, &caller, &origin, &new).await?;
    let path = format!("/api/v1/tenants/{}", tenant.id);
    let location = [(LOCATION, location(&tenants.app, &path)?)];
    let tagged = tagged(tenant, MembershipRole::Owner);
    Ok((StatusCode::CREATED, location, tagged))
}

async fn create(
    tenants: &Tenants,
    caller: &Caller,
    origin: &Origin,
    new: &NewTenant,
) -> Result<Tenant> {
    let name = TenantName::parse("/name", &new.name)?;
    let found = tenants.identity.user_get(caller.user()).await?;
    let (_, memberships) = found.ok_or(Error::Unauthenticated)?;
    has_room(&memberships)?;
    let clock = &tenants.app.clock;
    let tenant = Tenant {
        id: TenantId::new(),
        name: name.into_string(),
        personal: false,
        status: TenantStatus::Active,
        version: 1,
        created_at: clock.now(),
    };
    let target = Some(tenant.id.to_string());
    let event = AuditEvent {
        tenant: tenant.id,
        ..caller.did(clock, origin, AuditAction::TenantCreated, target)
    };
    let identity = tenants.identity.of(caller);
    identity
        .tenant_create(&tenant, caller.user(), &event)
        .await?;
    tracing::info!(tenant.id = %tenant.id, user.id = %caller.user(), "created tenant {}", tenant.id);
    Ok(tenant)
}

/// Refuses one more tenant to somebody who belongs to as many as a person may.
pub(crate) fn has_room(memberships: &[Membership]) -> Result<()> {
    if memberships.len() >= MOST_TENANTS {
        return Err(Error::Conflict(
            "you belong to 100 tenants, which is the most; leave or delete one first",
        ));
    }
    Ok(())
}
