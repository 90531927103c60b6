//! `/v1/conversations`

mod items;

use axum::http::Method;
use serde_json::{Value, json};
use test_support::{Body, Reply, TestApi};

use crate::helpers::{ADA, PATH, api};

const DOOR: &str = "/v1/conversations";

/// A conversation of Ada's with these fields.
async fn made(api: &TestApi, body: Value) -> Value {
    let reply = api.post(ADA, DOOR, body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.body()
}

/// The path of a new conversation with these items.
async fn with_items(api: &TestApi, items: Value) -> String {
    let made = made(api, json!({"items": items})).await;
    format!("{DOOR}/{}", made["id"].as_str().expect("an id"))
}

/// The error of a failed request: status, code and parameter.
fn failure(reply: &Reply) -> (u16, String, Option<String>) {
    let error = &reply.body()["error"];
    let code = error["code"].as_str().unwrap_or_default().to_owned();
    let param = error["param"].as_str().map(ToOwned::to_owned);
    (reply.status.as_u16(), code, param)
}

fn failed(status: u16, code: &str, param: Option<&str>) -> (u16, String, Option<String>) {
    (status, code.to_owned(), param.map(ToOwned::to_owned))
}

#[tokio::test]
async fn a_conversation_is_the_same_at_both_doors() {
    let api = api().await;
    let new = made(&api, json!({"metadata": {"topic": "cities"}})).await;
    let id = new["id"].as_str().expect("an id");
    assert_eq!(new["object"], "conversation");
    assert!(new["created_at"].is_i64());
    let path = format!("{DOOR}/{id}");
    assert_eq!(api.get(ADA, &path).await.body(), new);
    let native = format!("{PATH}/{id}");
    let metadata = async || api.get(ADA, &native).await.body()["metadata"].clone();
    assert_eq!(metadata().await, json!({"topic": "cities"}));
    let changed = json!({"metadata": {"topic": "rivers"}});
    let changed = api.post(ADA, &path, changed).await.body();
    assert_eq!(changed["metadata"], json!({"topic": "rivers"}));
    assert_eq!(metadata().await, json!({"topic": "rivers"}));
    let patch = json!({"metadata": {"by": "native"}});
    assert_eq!(
        api.patch(ADA, &native, patch).await.body()["metadata"]["by"],
        "native"
    );
    assert_eq!(
        api.get(ADA, &path).await.body()["metadata"],
        json!({"by": "native"})
    );
    let taken = api.post(ADA, &path, json!({"metadata": null})).await.body();
    assert_eq!(taken["metadata"], json!({}));
    let reply = api
        .post(ADA, PATH, json!({"metadata": {"from": "native"}}))
        .await;
    assert_eq!(reply.body()["metadata"], json!({"from": "native"}));
    let gone = api.delete(ADA, &path).await.body();
    let expected = json!({"id": id, "object": "conversation.deleted", "deleted": true});
    assert_eq!(gone, expected);
    for path in [path.clone(), format!("{path}/items")] {
        let reply = api.get(ADA, &path).await;
        assert_eq!(failure(&reply), failed(404, "not_found", None), "{path}");
    }
    assert_eq!(api.get(ADA, &native).await.status, 404);
}

#[tokio::test]
async fn conversations_are_listed_page_by_page_last_active_first() {
    let api = api().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let made = made(&api, json!({})).await;
        ids.push(made["id"].as_str().expect("an id").to_owned());
    }
    ids.reverse();
    let first = api.get(ADA, &format!("{DOOR}?limit=2")).await.body();
    assert_eq!(first["first_id"], ids[0]);
    assert_eq!(first["last_id"], ids[1]);
    assert_eq!(first["has_more"], true);
    let rest = format!("{DOOR}?limit=2&after={}", ids[1]);
    let rest = api.get(ADA, &rest).await.body();
    assert_eq!(rest["data"][0]["id"], ids[2]);
    assert_eq!(rest["has_more"], false);
    let bob = api.get(Some("bob"), DOOR).await.body();
    assert_eq!(bob["data"], json!([]));
    for (query, param, code) in [
        ("order=asc", "order", "unsupported_parameter"),
        ("before=x", "before", "invalid_value"),
        ("after=x", "after", "invalid_value"),
        ("limit=0", "limit", "invalid_value"),
    ] {
        let reply = api.get(ADA, &format!("{DOOR}?{query}")).await;
        assert_eq!(failure(&reply), failed(400, code, Some(param)), "{query}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_refused_by_its_name() {
    let api = api().await;
    let path = with_items(&api, json!([])).await;
    let many: serde_json::Map<String, Value> = (0..17)
        .map(|number| (format!("name-{number}"), json!("x")))
        .collect();
    for (path, body, code, param) in [
        (DOOR, json!({"metadata": many}), "invalid_value", "metadata"),
        (DOOR, json!({"title": "x"}), "unknown_parameter", "title"),
        (&path, json!({}), "missing_required_parameter", "metadata"),
    ] {
        let reply = api.post(ADA, path, body).await;
        assert_eq!(failure(&reply), failed(400, code, Some(param)), "{path}");
    }
}

#[tokio::test]
async fn other_peoples_conversations_are_not_there() {
    let api = api().await;
    let path = with_items(&api, json!([{"role": "user", "content": "Hello"}])).await;
    let items = format!("{path}/items");
    let listed = api.get(ADA, &items).await.body();
    let item = format!("{items}/{}", listed["first_id"].as_str().expect("an id"));
    let bob = Some("bob");
    let more = json!({"items": [{"role": "user", "content": "Bob"}]});
    for reply in [
        api.get(bob, &path).await,
        api.post(bob, &path, json!({"metadata": {}})).await,
        api.delete(bob, &path).await,
        api.get(bob, &items).await,
        api.post(bob, &items, more).await,
        api.get(bob, &item).await,
        api.delete(bob, &item).await,
    ] {
        assert_eq!(failure(&reply), failed(404, "not_found", None));
    }
    assert_eq!(api.get(ADA, &items).await.body(), listed);
}

#[tokio::test]
async fn what_is_sent_twice_with_a_key_is_done_once() {
    let api = api().await;
    let send = async |path: &str, body: &Value, key: &str| {
        let headers = [("idempotency-key", key)];
        api.send_with(ADA, Method::POST, path, Body::Json(body.clone()), &headers)
            .await
    };
    let body = json!({"items": [{"role": "user", "content": "Hello"}]});
    let first = send(DOOR, &body, "create").await;
    assert_eq!(first.status, 200, "{}", first.text);
    let again = send(DOOR, &body, "create").await;
    assert_eq!(again.text, first.text);
    assert_eq!(again.header("idempotency-replayed"), "true");
    let id = first.body()["id"].as_str().expect("an id").to_owned();
    let path = format!("{DOOR}/{id}/items");
    let first = send(&path, &body, "add").await;
    let again = send(&path, &body, "add").await;
    assert_eq!(again.text, first.text);
    let listed = api.get(ADA, &path).await.body();
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(2));
}
