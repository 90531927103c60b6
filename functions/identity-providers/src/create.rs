//! `POST /api/v1/tenants/{tenant_id}/identity-providers`

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::json;
use shared::auth::{Caller, probe};
use shared::http::openapi::text;
use shared::http::{AcceptsJson, Json, location};
use shared::model::{
    Audience, AuditAction, IdentityProvider, IdentityProviderId, MembershipRole, Origin, RoleClaim,
    RoleMap, TenantId,
};
use shared::store::{MOST_IDENTITY_PROVIDERS, Trusted};
use shared::{App, Error, Result};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use crate::own::InTenant;
use crate::view::IdentityProviderView;

/// An issuer to be trusted.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewIdentityProvider {
    /// The OpenID Connect issuer, exactly as its tokens have it in `iss`: an https address.
    #[schema(
        example = "https://login.example.com",
        max_length = 2048,
        pattern = r"^https://[^\s?#]+$"
    )]
    issuer: String,
    /// For whom its tokens are made: their `aud`. A token for several audiences is refused.
    #[schema(
        example = "chatter",
        min_length = 1,
        max_length = 255,
        pattern = r"^\s*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*\s*$"
    )]
    audience: String,
    /// The claim with the roles of a person: a text or a list of texts. Dots lead into objects, as in
    /// `realm_access.roles`, unless a claim has the whole name.
    #[schema(
        example = "roles",
        min_length = 1,
        max_length = 200,
        pattern = r"^\s*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*\s*$"
    )]
    role_claim: String,
    /// What those roles are worth here: `viewer`, `member` or `admin`, at most 100 of them. Of several the highest
    /// counts; who has none of them is refused.
    #[schema(schema_with = roles)]
    roles: BTreeMap<String, MembershipRole>,
}

/// The schema of `roles`, whose owners are made in the tenant.
fn roles() -> Object {
    let names = text()
        .min_length(Some(1))
        .max_length(Some(RoleMap::MAX_CHARACTERS))
        .pattern(Some(
            r"^\s*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*\s*$",
        ));
    let worth = [
        MembershipRole::Viewer,
        MembershipRole::Member,
        MembershipRole::Admin,
    ];
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(
            "What those roles are worth here: `viewer`, `member` or `admin`, at most 100 of them. Of several the highest counts; who \
             has none of them is refused.",
        ))
        .property_names(Some(names.build()))
        .additional_properties(Some(text().enum_values(Some(worth.map(|role| json!(role))))))
        .min_properties(Some(1))
        .max_properties(Some(RoleMap::MOST))
        .examples([json!({"chatter-users": "member"})])
        .build()
}

/// Trusts an issuer: whoever has a token of it for this audience can work in the tenant.
///
/// The issuer is asked for its keys first; 422 says what is wrong with its answer. An issuer and an audience
/// together belong to one tenant.
#[utoipa::path(
    post,
    path = "/api/v1/tenants/{tenant_id}/identity-providers",
    tag = "tenants",
    security(("bearer" = [])),
    params(("tenant_id" = TenantId, Path, description = "The tenant of your token.")),
    request_body = NewIdentityProvider,
    responses(
        (
            status = 201,
            description = "The issuer is trusted.",
            body = IdentityProviderView,
            headers(("location" = String, description = "Its address.")),
        ),
        (
            status = 409,
            description = "The issuer is trusted for this audience already, or the tenant trusts too many.",
            body = shared::http::Problem,
            content_type = "application/problem+json",
        ),
    ),
)]
pub(crate) async fn create_identity_provider(
    InTenant(caller): InTenant,
    _: AcceptsJson,
    State(app): State<App>,
    origin: Origin,
    Json(new): Json<NewIdentityProvider>,
) -> Result<(
    StatusCode,
    [(HeaderName, HeaderValue); 1],
    Json<IdentityProviderView>,
)> {
    let provider = create(&app, &caller, &origin, new).await?;
    let (tenant, id) = (provider.tenant, provider.id);
    let path = format!("/api/v1/tenants/{tenant}/identity-providers/{id}");
    let location = [(LOCATION, location(&app, &path)?)];
    Ok((StatusCode::CREATED, location, Json(provider.into())))
}

async fn create(
    app: &App,
    caller: &Caller,
    origin: &Origin,
    new: NewIdentityProvider,
) -> Result<IdentityProvider> {
    let provider = IdentityProvider {
        id: IdentityProviderId::new(),
        tenant: caller.tenant(),
        audience: Audience::parse("/audience", &new.audience)?,
        role_claim: RoleClaim::parse("/role_claim", &new.role_claim)?,
        roles: RoleMap::parse("/roles", new.roles)?,
        issuer: new.issuer,
        created_at: app.clock.now(),
    };
    if provider.issuer == app.config.token_issuer {
        let text = "is this API, whose own tokens are good without this";
        return Err(Error::invalid("/issuer", text));
    }
    let store = app.store.of(caller);
    if store.identity_provider_list().await?.len() >= MOST_IDENTITY_PROVIDERS {
        return Err(Error::Conflict(
            "this tenant trusts as many issuers as it may; delete one first",
        ));
    }
    let found = probe(&app.guard, &provider.issuer).await;
    found.map_err(|fault| Error::invalid("/issuer", fault.to_string()))?;
    let action = AuditAction::IdentityProviderCreated;
    let event = caller.did(&app.clock, origin, action, Some(provider.id.to_string()));
    match store.identity_provider_create(&provider, &event).await? {
        Trusted::Yes => Ok(provider),
        Trusted::Taken => Err(Error::Conflict(
            "this issuer is trusted for this audience already; let it make tokens for an audience of your own",
        )),
    }
}
