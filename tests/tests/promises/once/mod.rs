//! `Idempotency-Key`: every POST and PATCH that asks who calls is done once, whatever breaks in between.

mod claims;
mod document;
mod every;
mod keys;
mod ready;

use axum::http::Method;
use serde_json::{Value, json};
use test_support::{Body, Reply, TestApi};

const CONVERSATIONS: &str = "/api/v1/conversations";
const ADA: Option<&str> = Some("ada");

/// The problem of a request that somebody is working on.
fn in_progress() -> (u16, String) {
    (409, "idempotency-in-progress".to_owned())
}

/// The problem of a request that was done, and nobody knows what was answered.
fn reply_lost() -> (u16, String) {
    (409, "idempotency-reply-lost".to_owned())
}

/// The problem of a key that came with another request.
fn reused() -> (u16, String) {
    (422, "idempotency-key-reused".to_owned())
}

/// Conversations on a new table.
async fn conversations() -> TestApi {
    TestApi::new(|app, _| conversations::router(app)).await
}

/// Posts with a key.
async fn post(api: &TestApi, who: Option<&str>, path: &str, key: &str, body: Value) -> Reply {
    send(api, who, path, key, Body::Json(body)).await
}

async fn send(api: &TestApi, who: Option<&str>, path: &str, key: &str, body: Body) -> Reply {
    let headers = [("idempotency-key", key)];
    api.send_with(who, Method::POST, path, body, &headers).await
}

/// Makes a conversation, with a key.
async fn create(api: &TestApi, key: &str) -> Reply {
    post(api, ADA, CONVERSATIONS, key, json!({"title": "Oslo"})).await
}

/// How many conversations there are.
async fn made(api: &TestApi) -> usize {
    rows(api, "sk", "CONV#").await.len()
}

/// The rows that hold what a key stands for.
async fn claims(api: &TestApi) -> Vec<Value> {
    rows(api, "sk", "ONCE").await
}

async fn rows(api: &TestApi, key: &str, prefix: &str) -> Vec<Value> {
    let dump: Value = serde_json::from_str(&api.table.dump().await).expect("JSON");
    let rows = dump["Items"].as_array().expect("rows").iter();
    let own = |row: &&Value| {
        row[key]["S"]
            .as_str()
            .is_some_and(|text| text.starts_with(prefix))
    };
    rows.filter(own).cloned().collect()
}

/// The second is the reply of the first, told again.
fn is_replayed(label: &str, first: &Reply, again: &Reply) {
    assert_eq!(
        (again.status, &again.text),
        (first.status, &first.text),
        "{label}"
    );
    assert_eq!(first.header("idempotency-replayed"), "", "{label}");
    assert_eq!(again.header("idempotency-replayed"), "true", "{label}");
    for name in ["content-type", "etag", "location", "retry-after"] {
        assert_eq!(again.header(name), first.header(name), "{label}: {name}");
    }
}
