//! What the trail is told, and what happens where it can't be told.

use axum::http::Method;
use serde_json::{Value, json};
use test_support::{Body, TestApi};

use crate::helpers::{
    ADA, EVERYTHING, PATH, api, conversations, create, events, new_key, path, rotate, text, use_key,
};

fn told(action: &str) -> (String, String) {
    (action.to_owned(), "success".to_owned())
}

#[tokio::test]
async fn each_change_is_told_exactly_once() {
    let api = api().await;
    let key = create(&api, ADA, new_key()).await;
    api.patch(ADA, &path(&key), json!({"name": "export"})).await;
    api.patch(ADA, &path(&key), json!({"name": "export"})).await;
    rotate(&api, &key, 60).await;
    api.delete(ADA, &path(&key)).await;
    api.delete(ADA, &path(&key)).await;
    let actions = [
        "api_key_created",
        "api_key_changed",
        "api_key_rotated",
        "api_key_revoked",
    ];
    assert_eq!(events(&api).await, actions.map(told));
}

#[tokio::test]
async fn a_record_says_who_what_when_and_from_where() {
    let api = api().await;
    let at = api.from_source("203.0.113.7");
    let reply = at.post(ADA, PATH, new_key()).await;
    let dump: Value = serde_json::from_str(&api.table.dump().await).expect("JSON");
    let items = dump["Items"].as_array().expect("items").iter();
    let record = items
        .filter(|item| item["action"]["S"] == "api_key_created")
        .collect::<Vec<_>>();
    assert_eq!(record.len(), 1);
    let ada = api.people.get("ada").await;
    assert_eq!(record[0]["pk"]["S"], format!("AUDIT#{}", ada.tenant));
    assert_eq!(record[0]["actor"]["M"]["id"]["S"], ada.user.to_string());
    assert_eq!(record[0]["target"]["S"], reply.body()["id"]);
    assert_eq!(record[0]["source_ip"]["S"], "203.0.113.7");
    assert_eq!(record[0]["request_id"]["S"], reply.header("x-request-id"));
    assert_eq!(record[0]["at"]["N"], "1767225600000000");
}

/// All rows but those of the trail and of counters.
async fn rows(api: &TestApi) -> Vec<String> {
    let dump: Value = serde_json::from_str(&api.table.dump().await).expect("JSON");
    let items = dump["Items"].as_array().expect("items").iter();
    let counted = |item: &&Value| {
        let pk = item["pk"]["S"].as_str().unwrap_or_default();
        !pk.starts_with("AUDIT#") && !pk.starts_with("LIMIT#")
    };
    let mut rows: Vec<String> = items.filter(counted).map(Value::to_string).collect();
    rows.sort();
    rows
}

#[tokio::test]
async fn what_the_trail_can_not_be_told_is_not_done() {
    let api = api().await;
    let key = create(&api, ADA, new_key()).await;
    let before = (rows(&api).await, events(&api).await);
    api.table.refuse_writes_under("AUDIT#");
    let at = path(&key);
    for (method, path, body) in [
        (Method::POST, PATH.to_owned(), new_key()),
        (Method::PATCH, at.clone(), json!({"name": "export"})),
        (
            Method::POST,
            format!("{at}/rotate"),
            json!({"overlap_seconds": 0}),
        ),
        (Method::DELETE, at.clone(), json!(null)),
    ] {
        let reply = api.send(ADA, method.clone(), &path, Body::Json(body)).await;
        assert_eq!(reply.problem().0, 500, "{method} {path}");
        assert!(!reply.text.contains("chatter_test_"));
    }
    assert_eq!((rows(&api).await, events(&api).await), before);
    api.table.heal();
    assert_eq!(api.delete(ADA, &at).await.status, 204);
}

#[tokio::test]
async fn a_refusal_that_the_trail_can_not_be_told_is_a_failure_and_no_permission() {
    let api = api().await;
    let key = api.people.api_key("ada", EVERYTHING).await;
    api.table.refuse_writes_under("AUDIT#");
    let reply = api
        .send_as(&key, Method::POST, PATH, Body::Json(new_key()))
        .await;
    assert_eq!(reply.problem().0, 500);
    api.table.heal();
    let reply = api
        .send_as(&key, Method::POST, PATH, Body::Json(new_key()))
        .await;
    assert_eq!(reply.problem(), (403, "forbidden".to_owned()));
    let other = create(&api, ADA, new_key()).await;
    assert_eq!(
        use_key(&conversations(&api), &text(&other, "key")).await,
        200
    );
}
