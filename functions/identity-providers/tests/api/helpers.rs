//! What the tests of this group say often.

use axum::http::Method;
use serde_json::{Value, json};
use shared::model::{
    Actor, AuditAction, AuditEvent, AuditOutcome, Origin, RequestId, TenantId, TenantStatus,
};
use stand_ins::issuer::StandInIssuer;
use test_support::{Body, Reply, START, TestApi};

/// Ada, who owns a tenant.
pub(crate) const ADA: Option<&str> = Some("ada");
pub(crate) const CONVERSATIONS: &str = "/api/v1/conversations";
pub(crate) const ME: &str = "/api/v1/auth/me";

/// The function on a new table.
pub(crate) async fn api() -> TestApi {
    TestApi::new(|app, _| identity_providers::router(app)).await
}

pub(crate) async fn issuer() -> StandInIssuer {
    StandInIssuer::start().await.expect("an issuer")
}

/// Where the issuers stand that a person's tenant trusts.
pub(crate) async fn path(api: &TestApi, person: &str) -> String {
    path_of(api.people.get(person).await.tenant)
}

pub(crate) fn path_of(tenant: TenantId) -> String {
    format!("/api/v1/tenants/{tenant}/identity-providers")
}

/// What is sent to trust an issuer: `staff` are members, `guests` look, `bosses` manage.
pub(crate) fn new(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "audience": "chatter",
        "role_claim": "roles",
        "roles": {"staff": "member", "guests": "viewer", "bosses": "admin"},
    })
}

/// A person's tenant trusts an issuer from now on. Gives its path.
pub(crate) async fn trust(api: &TestApi, person: &str, issuer: &str) -> String {
    let path = path(api, person).await;
    let reply = api.post(Some(person), &path, new(issuer)).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    reply.location().to_owned()
}

/// The claims of a good token: Kim, who is staff, for an hour and more.
pub(crate) fn kim(issuer: &StandInIssuer) -> Value {
    json!({
        "iss": issuer.url,
        "aud": "chatter",
        "sub": "kim",
        "iat": START,
        "exp": START + 20_000,
        "roles": ["staff", "others"],
    })
}

/// Those claims with changes; what is `null` is taken out.
pub(crate) fn changed(claims: &Value, changes: &Value) -> Value {
    let mut claims = claims.clone();
    for (name, value) in changes.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    let members = claims.as_object_mut().expect("an object");
    members.retain(|_, value| !value.is_null());
    claims
}

/// Gets with a token.
pub(crate) async fn get(api: &TestApi, token: &str, path: &str) -> Reply {
    api.bear(token, Method::GET, path, Body::Empty).await
}

/// Posts with a token.
pub(crate) async fn post(api: &TestApi, token: &str, path: &str, body: Value) -> Reply {
    api.bear(token, Method::POST, path, Body::Json(body)).await
}

/// The status that conversations answer a token with.
pub(crate) async fn status(conversations: &TestApi, token: &str) -> u16 {
    get(conversations, token, CONVERSATIONS).await.status.into()
}

/// What happened in a person's tenant, newest first: action, outcome, actor and target.
pub(crate) async fn trail(
    api: &TestApi,
    person: &str,
) -> Vec<(AuditAction, AuditOutcome, Actor, Option<String>)> {
    let caller = api.people.caller(person).await;
    let days = ("2026-01-01", "2026-12-31");
    let page = api.app.store.of(&caller);
    let page = page.audit_list(days, None, 50, |_| true).await;
    let records = page.expect("a trail").records.into_iter();
    records
        .map(|record| (record.action, record.outcome, record.actor, record.target))
        .collect()
}

/// Sets the status of a person's tenant, and lets this process forget what it knew.
pub(crate) async fn set_status(api: &TestApi, person: &str, status: TenantStatus) {
    let caller = api.people.caller(person).await;
    let store = api.app.store.of(&caller);
    let mut tenant = store.tenant_get().await.expect("read").expect("a tenant");
    tenant.status = status;
    tenant.version += 1;
    let event = AuditEvent {
        tenant: tenant.id,
        actor: Actor::User(caller.user()),
        action: AuditAction::TenantChanged,
        target: None,
        outcome: AuditOutcome::Success,
        at: api.app.clock.now(),
        origin: Origin {
            request_id: RequestId::new(),
            source_ip: None,
            user_agent: None,
        },
    };
    let updated = store.tenant_update(&tenant, &event).await;
    assert!(updated.expect("written"));
    api.app.authenticator.standings().forget_tenant(tenant.id);
}
