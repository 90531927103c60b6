//! Changing and revoking keys.

use std::time::Duration;

use axum::http::Method;
use serde_json::json;
use test_support::Body;

use crate::helpers::{ADA, PATH, api, conversations, create, new_key, path, text, use_key};

#[tokio::test]
async fn a_change_keeps_the_text_and_what_is_left_out() {
    let api = api().await;
    let key = create(&api, ADA, new_key()).await;
    let reply = api.patch(ADA, &path(&key), json!({"name": "export"})).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("etag")),
        (200, "\"2\"")
    );
    assert!(!reply.text.contains("chatter_test_4") && reply.body().get("key").is_none());
    assert_eq!(reply.body()["name"], "export");
    assert_eq!(reply.body()["scopes"], new_key()["scopes"]);
    let body = json!({"expires_at": "2026-01-01T00:05:00Z"});
    let reply = api.patch(ADA, &path(&key), body).await;
    assert_eq!(reply.body()["expires_at"], "2026-01-01T00:05:00.000000Z");
    let reply = api
        .patch(ADA, &path(&key), json!({"expires_at": null}))
        .await;
    assert_eq!(reply.body()["expires_at"], json!(null));
    assert_eq!(reply.body()["name"], "export");
    api.app.clock.advance(Duration::from_secs(301));
    assert_eq!(use_key(&conversations(&api), &text(&key, "key")).await, 200);
    // Nor is a TTL left on a row: DynamoDB would delete it.
    assert!(
        !api.table
            .dump()
            .await
            .contains("\"expires_at\":{\"N\":\"1767225900\"}")
    );
}

#[tokio::test]
async fn nothing_to_change_changes_nothing() {
    let api = api().await;
    let key = create(&api, ADA, new_key()).await;
    for body in [json!({}), new_key()] {
        let reply = api.patch(ADA, &path(&key), body).await;
        assert_eq!(
            (reply.status.as_u16(), reply.header("etag")),
            (200, "\"1\"")
        );
    }
    for (body, field) in [
        (json!({"name": null}), "/name"),
        (json!({"scopes": null}), "/scopes"),
        (json!({"scopes": []}), "/scopes"),
        (json!({"expires_at": "2025-01-01T00:00:00Z"}), "/expires_at"),
        (json!({"key": "mine"}), "/key"),
    ] {
        let reply = api.patch(ADA, &path(&key), body).await;
        assert_eq!(reply.problem().0, 422);
        assert_eq!(reply.errors()[0].0, field);
    }
}

#[tokio::test]
async fn a_change_of_a_version_that_is_gone_is_refused() {
    let api = api().await;
    let key = create(&api, ADA, new_key()).await;
    let change = async |method: Method, path: String, body, tag: &str| {
        let headers = [("if-match", tag)];
        let reply = api.send_with(ADA, method, &path, Body::Json(body), &headers);
        reply.await.status.as_u16()
    };
    let renamed = json!({"name": "a"});
    assert_eq!(
        change(Method::PATCH, path(&key), renamed.clone(), "\"1\"").await,
        200
    );
    assert_eq!(
        change(Method::PATCH, path(&key), renamed, "\"1\"").await,
        412
    );
    let rotation = || {
        (
            format!("{}/rotate", path(&key)),
            json!({"overlap_seconds": 60}),
        )
    };
    let (at, body) = rotation();
    assert_eq!(change(Method::POST, at, body, "\"1\"").await, 412);
    let (at, body) = rotation();
    assert_eq!(change(Method::POST, at, body, "\"2\"").await, 200);
}

#[tokio::test]
async fn other_scopes_count_at_once_here_and_within_half_a_minute_elsewhere() {
    let api = api().await;
    let key = create(&api, ADA, new_key()).await;
    let here = conversations(&api);
    let there = api.elsewhere(conversations::router);
    for process in [&here, &there] {
        assert_eq!(use_key(process, &text(&key, "key")).await, 200);
    }
    let reply = api
        .patch(ADA, &path(&key), json!({"scopes": ["models:read"]}))
        .await;
    assert_eq!(reply.status, 200);
    assert_eq!(use_key(&here, &text(&key, "key")).await, 403);
    api.app.clock.advance(Duration::from_secs(30));
    assert_eq!(use_key(&there, &text(&key, "key")).await, 403);
}

#[tokio::test]
async fn a_revoked_key_is_gone_at_once_here_and_within_half_a_minute_elsewhere() {
    let api = api().await;
    let key = create(&api, ADA, new_key()).await;
    let here = conversations(&api);
    let there = api.elsewhere(conversations::router);
    for process in [&here, &there] {
        assert_eq!(use_key(process, &text(&key, "key")).await, 200);
    }
    assert_eq!(api.delete(ADA, &path(&key)).await.status, 204);
    assert_eq!(use_key(&here, &text(&key, "key")).await, 401);
    api.app.clock.advance(Duration::from_secs(29));
    assert_eq!(
        use_key(&there, &text(&key, "key")).await,
        200,
        "it is believed"
    );
    api.app.clock.advance(Duration::from_secs(1));
    assert_eq!(use_key(&there, &text(&key, "key")).await, 401);
    assert_eq!(api.delete(ADA, &path(&key)).await.problem().0, 404);
    assert_eq!(api.get(ADA, &path(&key)).await.problem().0, 404);
    assert_eq!(api.get(ADA, PATH).await.body()["data"], json!([]));
    let dump = api.table.dump().await;
    assert!(
        !dump.contains("\"sk\":{\"S\":\"APIKEY\"}"),
        "no secret is left: {dump}"
    );
}
