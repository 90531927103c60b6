//! What turns make of the keys that a tenant brought.

use std::time::Duration;

use serde_json::json;
use test_support::{Reply, TestApi};

use crate::helpers::{ADA, FIRST, PLATFORM, SCRIPTED, SECOND, api, put, rotate};

/// Says something in a new conversation. The reply, and the keys with which the provider was asked.
async fn turn(api: &TestApi, chat: &TestApi, who: &str) -> (Reply, Vec<String>) {
    let conversations = api.beside(conversations::router);
    let made = conversations
        .post(Some(who), "/api/v1/conversations", json!({}))
        .await;
    let path = format!("{}/messages", made.location());
    api.provider.take_requests();
    let reply = chat.post(Some(who), &path, json!({"content": "Hi"})).await;
    let requests = api.provider.take_requests();
    let keys = requests.iter().filter_map(|request| request.key());
    (reply, keys.map(str::to_owned).collect())
}

/// A process that runs turns, with the platform's key.
fn chat(api: &TestApi) -> TestApi {
    let keys = [("scripted".to_owned(), PLATFORM.into())];
    api.beside(|app| chat::router_with(app, engine::ProviderKeys::fixed(keys)))
}

/// Lets pass for how long a process believes what it read.
fn later(api: &TestApi) {
    api.app.clock.advance(Duration::from_secs(30));
}

#[tokio::test]
async fn a_turn_uses_the_key_that_the_tenant_brought_and_others_the_platforms() {
    let api = api().await;
    let chat = chat(&api);
    let (_, keys) = turn(&api, &chat, "ada").await;
    assert_eq!(keys, [PLATFORM]);
    put(&api, ADA, SCRIPTED, FIRST).await;
    later(&api);
    let (reply, keys) = turn(&api, &chat, "ada").await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    assert_eq!(keys, [FIRST]);
    let (_, keys) = turn(&api, &chat, "bob").await;
    assert_eq!(keys, [PLATFORM], "another tenant");
    api.delete(ADA, SCRIPTED).await;
    later(&api);
    let (_, keys) = turn(&api, &chat, "ada").await;
    assert_eq!(keys, [PLATFORM], "after it was deleted");
}

#[tokio::test]
async fn a_new_process_uses_the_key_at_once() {
    let api = api().await;
    put(&api, ADA, SCRIPTED, FIRST).await;
    let (_, keys) = turn(&api, &chat(&api), "ada").await;
    assert_eq!(keys, [FIRST]);
}

#[tokio::test]
async fn where_the_provider_refuses_the_tenants_key_the_platforms_is_not_used() {
    let api = api().await;
    put(&api, ADA, SCRIPTED, FIRST).await;
    api.provider.refuse_key(FIRST);
    let (reply, keys) = turn(&api, &chat(&api), "ada").await;
    assert_eq!(
        reply.problem(),
        (502, "provider-credential-refused".to_owned())
    );
    assert_eq!(keys, [FIRST], "asked once");
    assert!(!reply.text.contains("canary"), "{}", reply.text);
}

#[tokio::test]
async fn in_the_overlap_the_previous_key_is_used_where_the_current_one_is_refused() {
    let api = api().await;
    let chat = chat(&api);
    put(&api, ADA, SCRIPTED, FIRST).await;
    rotate(&api, json!({"key": SECOND, "overlap_seconds": 60})).await;
    let (_, keys) = turn(&api, &chat, "ada").await;
    assert_eq!(keys, [SECOND]);
    api.provider.refuse_key(SECOND);
    let (reply, keys) = turn(&api, &chat, "ada").await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    assert_eq!(keys, [SECOND, FIRST]);
    api.app.clock.advance(Duration::from_secs(60));
    let (reply, keys) = turn(&api, &chat, "ada").await;
    assert_eq!(reply.status, 502, "{}", reply.text);
    assert_eq!(keys, [SECOND], "the overlap is over");
}

#[tokio::test]
async fn a_key_that_was_replaced_meanwhile_is_read_again_when_the_old_one_is_refused() {
    let api = api().await;
    let chat = chat(&api);
    put(&api, ADA, SCRIPTED, FIRST).await;
    turn(&api, &chat, "ada").await;
    put(&api, ADA, SCRIPTED, SECOND).await;
    api.provider.refuse_key(FIRST);
    let (reply, keys) = turn(&api, &chat, "ada").await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    assert_eq!(keys, [FIRST, SECOND]);
}
