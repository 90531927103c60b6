//! What a key is worth when it is used, and what its use costs.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use shared::auth::ApiKeyText;
use shared::config::Stage;
use shared::model::{MembershipRole, Scope};
use test_support::{Body, Fault, TestApi};

use crate::helpers::{ADA, EVERYTHING, api, conversations, create, new_key, path, text, use_key};

#[tokio::test]
async fn a_key_that_can_be_none_is_refused_without_a_look_at_the_table() {
    let api = conversations(&api().await);
    let good = api.people.api_key("ada", EVERYTHING).await;
    let live = ApiKeyText::random(Stage::Prod).expect("random");
    let mut wrong = vec![live.expose().to_owned(), good[..good.len() - 1].to_owned()];
    wrong.push(format!("{good}0"));
    for place in 0..good.len() {
        for other in [b'0', b'Z', b'_', b'-'] {
            let mut bytes = good.clone().into_bytes();
            if bytes[place] != other {
                bytes[place] = other;
                wrong.push(String::from_utf8(bytes).expect("ASCII"));
            }
        }
    }
    api.table.take_calls();
    api.table.take_counted();
    for (number, key) in wrong.iter().enumerate() {
        // Each from a place of its own, or the brake would refuse them before anybody looks at them.
        let api = api.from_source(&format!("192.0.{}.{}", number / 256, number % 256));
        assert_eq!(use_key(&api, key).await, 401, "{key}");
    }
    assert_eq!(api.table.take_calls(), []);
    assert!(api.table.take_counted().is_empty());
    assert_eq!(use_key(&api, &good).await, 200);
}

#[tokio::test]
async fn a_well_formed_key_that_nobody_has_costs_one_read() {
    let api = conversations(&api().await);
    let unknown = ApiKeyText::random(api.app.config.stage).expect("random");
    assert_eq!(use_key(&api, unknown.expose()).await, 401);
    let calls = api.table.take_calls();
    let operations: Vec<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
    assert_eq!(operations, ["GetItem"]);
}

#[tokio::test]
async fn a_scope_is_asked_for_and_lacking_one_is_told() {
    let api = conversations(&api().await);
    let key = api.people.api_key("ada", &[Scope::ConversationsRead]).await;
    assert_eq!(use_key(&api, &key).await, 200);
    let body = Body::Json(json!({"title": "Oslo"}));
    let reply = api.send_as(&key, Method::POST, "/api/v1/conversations", body);
    let reply = reply.await;
    assert_eq!(reply.problem(), (403, "forbidden".to_owned()));
    assert!(reply.text.contains("scope"), "{}", reply.text);
}

/// Writes of the time of a key's last use since this was asked last.
fn noted(api: &TestApi) -> usize {
    let calls = api.table.take_calls();
    let updates = calls.iter().filter(|call| call.operation == "UpdateItem");
    updates.count()
}

async fn last_used(api: &TestApi, key: &Value) -> Value {
    api.get(ADA, &path(key)).await.body()["last_used_at"].clone()
}

#[tokio::test]
async fn the_last_use_is_noted_at_most_once_a_minute() {
    let api = api().await;
    let key = create(&api, ADA, new_key()).await;
    assert_eq!(last_used(&api, &key).await, json!(null));
    let here = conversations(&api);
    let there = api.elsewhere(conversations::router);
    noted(&api);
    for _ in 0..20 {
        assert_eq!(use_key(&here, &text(&key, "key")).await, 200);
    }
    assert_eq!(noted(&api), 1);
    api.app.clock.advance(Duration::from_secs(59));
    for _ in 0..20 {
        assert_eq!(use_key(&here, &text(&key, "key")).await, 200);
    }
    assert_eq!(noted(&api), 0);
    // Another process knows nothing of it; the row's own condition keeps the time.
    assert_eq!(use_key(&there, &text(&key, "key")).await, 200);
    assert_eq!(last_used(&api, &key).await, "2026-01-01T00:00:00.000000Z");
    noted(&api);
    api.app.clock.advance(Duration::from_secs(1));
    assert_eq!(use_key(&here, &text(&key, "key")).await, 200);
    assert_eq!(noted(&api), 1);
    assert_eq!(last_used(&api, &key).await, "2026-01-01T00:01:00.000000Z");
    assert_eq!(api.get(ADA, &path(&key)).await.header("etag"), "\"1\"");
}

#[tokio::test]
async fn a_use_that_could_not_be_noted_is_a_use_all_the_same() {
    let api = api().await;
    let key = create(&api, ADA, new_key()).await;
    // Requests are counted under another name; this is the call that notes the use.
    api.table.fail("UpdateItem", Fault::Denied, 1);
    assert_eq!(use_key(&conversations(&api), &text(&key, "key")).await, 200);
    assert_eq!(last_used(&api, &key).await, json!(null));
}

#[tokio::test]
async fn a_key_dies_with_the_membership_for_good() {
    let api = api().await;
    let other = conversations(&api);
    api.people.join("bob", "ada", MembershipRole::Member).await;
    let key = create(&api, Some("bob"), new_key()).await;
    assert_eq!(use_key(&other, &text(&key, "key")).await, 200);
    api.people.leave("bob").await;
    api.app.clock.advance(Duration::from_secs(30));
    assert_eq!(use_key(&other, &text(&key, "key")).await, 401);
    // Whoever comes back is a member again; the key is none.
    api.people.rejoin("bob", "ada", MembershipRole::Admin).await;
    api.app.clock.advance(Duration::from_secs(30));
    assert_eq!(use_key(&other, &text(&key, "key")).await, 401);
    let fresh = create(&api, Some("bob"), new_key()).await;
    assert_eq!(use_key(&other, &text(&fresh, "key")).await, 200);
}

#[tokio::test]
async fn a_lower_role_lowers_the_key() {
    let api = api().await;
    let other = conversations(&api);
    api.people.join("bob", "ada", MembershipRole::Member).await;
    let key = create(&api, Some("bob"), new_key()).await;
    let write = async || {
        let (key, body) = (text(&key, "key"), Body::Json(json!({"title": "Oslo"})));
        let path = "/api/v1/conversations";
        let reply = other.send_as(&key, Method::POST, path, body).await;
        reply.status.as_u16()
    };
    assert_eq!(write().await, 201);
    let bob = api.people.get("bob").await;
    let (from, to) = (MembershipRole::Member, MembershipRole::Viewer);
    api.people.change_role("ada", bob.user, (from, to)).await;
    api.app.clock.advance(Duration::from_secs(30));
    assert_eq!(write().await, 403);
    assert_eq!(use_key(&other, &text(&key, "key")).await, 200);
}
