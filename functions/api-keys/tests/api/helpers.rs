//! What the tests of this group say often.

use axum::http::Method;
use serde_json::{Value, json};
use shared::model::Scope;
use test_support::{Body, Reply, TestApi};

pub(crate) const PATH: &str = "/api/v1/api-keys";

/// Ada, who owns her tenant.
pub(crate) const ADA: Option<&str> = Some("ada");

/// The function on a new table.
pub(crate) async fn api() -> TestApi {
    TestApi::new(|app, _| api_keys::router(app)).await
}

/// A function beside it whose routes keys may use.
pub(crate) fn conversations(api: &TestApi) -> TestApi {
    api.beside(conversations::router)
}

/// A key that may do much.
pub(crate) fn new_key() -> Value {
    json!({"name": "import", "scopes": ["conversations:read", "conversations:write", "models:read"]})
}

/// Creates a key, and gives the reply's body.
pub(crate) async fn create(api: &TestApi, person: Option<&str>, body: Value) -> Value {
    let reply = api.post(person, PATH, body).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    reply.body()
}

/// The path of a key.
pub(crate) fn path(key: &Value) -> String {
    format!("{PATH}/{}", text(key, "id"))
}

/// A member that is a string.
pub(crate) fn text(body: &Value, name: &str) -> String {
    body[name].as_str().expect(name).to_owned()
}

/// Rotates a key of Ada's, and gives the reply.
pub(crate) async fn rotate(api: &TestApi, key: &Value, overlap_seconds: u64) -> Reply {
    let body = json!({"overlap_seconds": overlap_seconds});
    api.post(ADA, &format!("{}/rotate", path(key)), body).await
}

/// The status of a request with a key that reads conversations.
pub(crate) async fn use_key(api: &TestApi, key: &str) -> u16 {
    let reply = api.send_as(key, Method::GET, "/api/v1/conversations", Body::Empty);
    reply.await.status.as_u16()
}

/// The events in the trails, as the table has them: action and outcome, without those of setting up.
pub(crate) async fn events(api: &TestApi) -> Vec<(String, String)> {
    let dump: Value = serde_json::from_str(&api.table.dump().await).expect("JSON");
    let items = dump["Items"].as_array().expect("items").iter();
    let mut rows: Vec<&Value> = items
        .filter(|item| {
            item["pk"]["S"]
                .as_str()
                .is_some_and(|pk| pk.starts_with("AUDIT#"))
        })
        .filter(|item| item["action"]["S"] != "login_succeeded")
        .filter(|item| item.get("action").is_some())
        .collect();
    rows.sort_by_key(|item| item["sk"]["S"].to_string());
    let text = |item: &Value, name: &str| text(&item[name], "S");
    rows.into_iter()
        .map(|item| (text(item, "action"), text(item, "outcome")))
        .collect()
}

/// All scopes.
pub(crate) const EVERYTHING: &[Scope] = &Scope::ALL;
