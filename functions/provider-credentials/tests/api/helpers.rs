//! What the tests of this group say often.

use axum::http::Method;
use serde_json::{Value, json};
use test_support::{Body, Reply, TestApi};

/// Ada, who owns her tenant.
pub(crate) const ADA: Option<&str> = Some("ada");
/// Where the key of the provider `scripted` is.
pub(crate) const SCRIPTED: &str = "/api/v1/provider-credentials/scripted";
/// The platform's key, as `test-support` gives it to the functions.
pub(crate) const PLATFORM: &str = "sk-provider-canary";
/// Keys that a tenant brings.
pub(crate) const FIRST: &str = "sk-tenant-canary-first-0001";
pub(crate) const SECOND: &str = "sk-tenant-canary-second-0002";

/// The function on a new table.
pub(crate) async fn api() -> TestApi {
    TestApi::new(|app, _| provider_credentials::router(app)).await
}

/// Stores a key.
pub(crate) async fn put(api: &TestApi, who: Option<&str>, path: &str, key: &str) -> Reply {
    let body = Body::Json(json!({"key": key}));
    api.send(who, Method::PUT, path, body).await
}

/// Rotates the key of `scripted`.
pub(crate) async fn rotate(api: &TestApi, body: Value) -> Reply {
    api.post(ADA, &format!("{SCRIPTED}/rotate"), body).await
}

/// The actions in Ada's trail, oldest first.
pub(crate) async fn trail(api: &TestApi) -> Vec<String> {
    let caller = api.people.caller("ada").await;
    let store = api.app.store.of(&caller);
    let days = ("2026-01-01", "2026-12-31");
    let records = store.audit_list(days, None, 100, |_| true).await;
    let mut records = records.expect("a trail").items;
    records.reverse();
    let records = records.iter();
    records
        .map(|record| serde_json::to_value(record.action).expect("JSON"))
        .map(|action| action.as_str().unwrap_or_default().to_owned())
        .collect()
}
