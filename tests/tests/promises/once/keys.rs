//! What a key stands for, and what uses none up.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use shared::http::MAX_BODY_BYTES;
use shared::model::{MembershipRole, Scope};
use test_support::{Body, TestApi};

use super::{
    ADA, CONVERSATIONS, claims, conversations, create, is_replayed, made, post, reused, send,
};
use crate::limits::limits;

const JSON: Option<&str> = Some("application/json");

#[tokio::test]
async fn how_the_key_and_the_body_are_written_does_not_matter() {
    let api = conversations().await;
    let sent = r#"{"title":"Øslo","system_prompt":"Be brief"}"#;
    let body = |text: &str| Body::Raw(JSON, text.as_bytes().to_vec());
    let first = send(&api, ADA, CONVERSATIONS, "key", body(sent)).await;
    assert_eq!(first.status, 201, "{}", first.text);
    for (key, text) in [
        ("\"key\"", sent),
        (
            "key",
            "{ \"system_prompt\" : \"Be brief\",\n \"title\":\"\\u00d8slo\" }",
        ),
    ] {
        let again = send(&api, ADA, CONVERSATIONS, key, body(text)).await;
        is_replayed(text, &first, &again);
    }
    assert_eq!(made(&api).await, 1);
}

#[tokio::test]
async fn what_is_no_key_is_refused_after_the_token_was_looked_at() {
    let api = conversations().await;
    let longest = "x".repeat(255);
    let too_long = "x".repeat(256);
    for key in ["", "\"\"", "a b", "\"a", "ключ", too_long.as_str()] {
        let reply = post(&api, ADA, CONVERSATIONS, key, json!({})).await;
        assert_eq!(
            reply.problem(),
            (400, "malformed-request".to_owned()),
            "{key}"
        );
        let told = reply.body()["detail"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(told.contains("Idempotency-Key"), "{told}");
        let nobody = post(&api, None, CONVERSATIONS, key, json!({})).await;
        assert_eq!(nobody.status, 401, "{key}");
    }
    let two = [("idempotency-key", "a"), ("idempotency-key", "b")];
    let body = Body::Json(json!({}));
    let reply = api
        .send_with(ADA, Method::POST, CONVERSATIONS, body, &two)
        .await;
    assert_eq!(reply.status, 400);
    assert_eq!(made(&api).await, 0);
    let reply = post(&api, ADA, CONVERSATIONS, &longest, json!({})).await;
    assert_eq!(reply.status, 201);
}

#[tokio::test]
async fn a_key_is_for_one_request_whatever_the_operation() {
    let api = TestApi::new(chat::router_with).await;
    let other = api.beside(conversations::router);
    let first = create(&other, "key").await;
    let path = first.location().to_owned();
    let title = json!({"title": "Bergen"});
    let reply = post(&other, ADA, CONVERSATIONS, "key", title.clone()).await;
    assert_eq!(reply.problem(), reused());
    let asked = format!("{CONVERSATIONS}?x=1");
    let reply = post(&other, ADA, &asked, "key", json!({"title": "Oslo"})).await;
    assert_eq!(reply.problem(), reused());
    let patch = async |key: &str| {
        let headers = [("idempotency-key", key)];
        let body = Body::Json(title.clone());
        other
            .send_with(ADA, Method::PATCH, &path, body, &headers)
            .await
    };
    assert_eq!(patch("key").await.problem(), reused());
    // A turn has the same keys, which are remembered in another way.
    let messages = format!("{path}/messages");
    let say = json!({"content": "Hello"});
    let reply = post(&api, ADA, &messages, "key", say.clone()).await;
    assert_eq!(reply.problem(), reused());
    assert_eq!(api.provider.take_requests().len(), 0);
    let turn = post(&api, ADA, &messages, "turn", say).await;
    assert_eq!(turn.status, 201, "{}", turn.text);
    assert_eq!(patch("turn").await.problem(), reused());
    assert_eq!(other.get(ADA, &path).await.body()["title"], "Oslo");
    assert_eq!(made(&other).await, 1);
}

#[tokio::test]
async fn a_key_is_its_senders_own() {
    let api = conversations().await;
    let first = create(&api, "key").await;
    // Another tenant, another person in the same tenant, another credential of the same person.
    api.people.join("eve", "ada", MembershipRole::Member).await;
    let body = json!({"title": "Bergen"});
    for person in ["bob", "eve"] {
        let reply = post(&api, Some(person), CONVERSATIONS, "key", body.clone()).await;
        assert_eq!(reply.status, 201, "{person}: {}", reply.text);
        assert_eq!(reply.header("idempotency-replayed"), "");
    }
    let by_key = async |key: &str| {
        let bearer = format!("Bearer {key}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("idempotency-key", "key"),
        ];
        let body = Body::Json(body.clone());
        api.send_with(None, Method::POST, CONVERSATIONS, body, &headers)
            .await
    };
    for _ in 0..2 {
        let key = api
            .people
            .api_key("ada", &[Scope::ConversationsWrite])
            .await;
        let reply = by_key(&key).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        is_replayed("by a key", &reply, &by_key(&key).await);
    }
    assert_eq!(made(&api).await, 5);
    // Another session of the same person is the same person.
    api.app.clock.advance(Duration::from_secs(60));
    let tenant = api.people.get("ada").await.tenant;
    api.people.enter("ada", tenant).await;
    is_replayed("later", &first, &create(&api, "key").await);
}

#[tokio::test]
async fn what_is_refused_uses_up_no_key() {
    let limits = limits("write", 8);
    let api = TestApi::with_limits(&limits, |app, _| conversations::router(app)).await;
    api.people.join("eve", "ada", MembershipRole::Viewer).await;
    let big = format!("{{\"title\":\"{}\"}}", "x".repeat(MAX_BODY_BYTES));
    for (who, body, status) in [
        (None, Body::Json(json!({})), 401),
        (Some("eve"), Body::Json(json!({})), 403),
        (ADA, Body::Raw(JSON, b"{".to_vec()), 400),
        (ADA, Body::Raw(Some("text/plain"), b"{}".to_vec()), 415),
        (ADA, Body::Json(json!({"title": ""})), 422),
        (ADA, Body::Json(json!({"model": "none"})), 422),
        (ADA, Body::Raw(JSON, big.clone().into_bytes()), 413),
        (None, Body::Raw(JSON, big.into_bytes()), 401),
    ] {
        let reply = send(&api, who, CONVERSATIONS, "key", body).await;
        assert_eq!(reply.status, status, "{}", reply.text);
        assert_eq!(claims(&api).await, Vec::<Value>::new(), "{status}");
    }
    for _ in 0..3 {
        assert_eq!(create(&api, "another").await.status, 201);
    }
    assert_eq!(create(&api, "key").await.status, 429);
    api.app.clock.advance(Duration::from_secs(60));
    let first = create(&api, "key").await;
    assert_eq!(first.header("idempotency-replayed"), "");
    is_replayed("mended", &first, &create(&api, "key").await);
}

#[tokio::test]
async fn a_reply_is_told_only_to_who_may_ask_still() {
    let api = conversations().await;
    let eve = api.people.join("eve", "ada", MembershipRole::Member).await;
    let ask = async || {
        let body = json!({"title": "Oslo"});
        post(&api, Some("eve"), CONVERSATIONS, "key", body).await
    };
    assert_eq!(ask().await.status, 201);
    let roles = (MembershipRole::Member, MembershipRole::Viewer);
    api.people.change_role("ada", eve.user, roles).await;
    api.app.clock.advance(Duration::from_secs(31));
    assert_eq!(ask().await.problem(), (403, "forbidden".to_owned()));
}

#[tokio::test]
async fn logging_out_with_a_key_is_for_the_session_of_the_token() {
    let api = TestApi::new(|app, _| auth::router(app)).await;
    let path = "/api/v1/auth/logout";
    let first = api.token("ada").await;
    let tenant = api.people.get("ada").await.tenant;
    api.people.enter("ada", tenant).await;
    let log_out = async |token: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("idempotency-key", "key"),
        ];
        api.send_with(None, Method::POST, path, Body::Empty, &headers)
            .await
    };
    assert_eq!(log_out(&first).await.status, 204);
    assert_eq!(log_out(&first).await.status, 401);
    // It says that nothing was done, rather than that it was.
    let second = api.token("ada").await;
    assert_eq!(log_out(&second).await.problem(), reused());
    assert_eq!(api.get(ADA, "/api/v1/auth/me").await.status, 200);
}
