//! How a model shall answer: what the message, the conversation and the tenant say together.

use axum::http::Method;
use serde_json::{Value, json};
use test_support::{Body, TestApi};

use crate::helpers::{ADA, api, conversation, say};
use crate::routes::{registry, run};

/// What the provider was sent beside the messages, and what the run says of it.
async fn settings(api: &TestApi, path: &str, message: Value) -> (Value, Value) {
    api.provider.take_requests();
    let reply = api.post(ADA, path, message).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let mut sent = api.provider.take_requests().remove(0).body;
    let sent = sent.as_object_mut().expect("an object");
    sent.retain(|name, _| {
        ["temperature", "top_p", "max_tokens", "stop", "model"].contains(&name.as_str())
    });
    let run = run(api, &reply).await;
    (Value::Object(sent.clone()), run["settings"].clone())
}

#[tokio::test]
async fn the_message_comes_before_the_conversation_and_that_before_the_tenant() {
    let api = api().await;
    registry(
        &api,
        json!({"defaults": {"model": "large", "settings": {"temperature": 0.1, "top_p": 0.2, "max_output_tokens": 300}}}),
    )
    .await;
    let path = conversation(
        &api,
        json!({"settings": {"temperature": 0.5, "stop": ["END"]}}),
    )
    .await;
    let (sent, told) = settings(&api, &path, json!({"content": "Hi"})).await;
    assert_eq!(
        sent,
        json!({"model": "large", "temperature": 0.5, "top_p": 0.2, "max_tokens": 300, "stop": ["END"]})
    );
    assert_eq!(
        told,
        json!({"temperature": 0.5, "top_p": 0.2, "max_output_tokens": 300, "stop": ["END"], "context_overflow": "summarize"})
    );
    let message =
        json!({"content": "Hi", "model": "small", "settings": {"temperature": 0.0, "stop": []}});
    let (sent, told) = settings(&api, &path, message).await;
    assert_eq!(
        sent,
        json!({"model": "small", "temperature": 0.0, "top_p": 0.2, "max_tokens": 300})
    );
    assert_eq!(told["temperature"], 0.0);
}

#[tokio::test]
async fn a_conversation_s_settings_can_be_changed_and_taken_away() {
    let api = api().await;
    let path = conversation(&api, json!({"settings": {"top_p": 0.5}})).await;
    let conversations = api.beside(conversations::router);
    let own = path.trim_end_matches("/messages");
    let changed = conversations
        .patch(ADA, own, json!({"settings": {"temperature": 1.5}}))
        .await;
    assert_eq!(changed.body()["settings"], json!({"temperature": 1.5}));
    let (sent, _) = settings(&api, &path, json!({"content": "Hi"})).await;
    assert_eq!(
        (&sent["temperature"], &sent["top_p"]),
        (&json!(1.5), &Value::Null)
    );
    let changed = conversations
        .patch(ADA, own, json!({"settings": null}))
        .await;
    assert_eq!(changed.body()["settings"], json!({}));
    let (sent, _) = settings(&api, &path, json!({"content": "Hi"})).await;
    assert_eq!(sent["temperature"], Value::Null);
}

#[tokio::test]
async fn an_answer_is_never_asked_to_be_longer_than_the_model_allows() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let message = json!({"content": "Hi", "settings": {"max_output_tokens": 100_000}});
    let (sent, told) = settings(&api, &path, message).await;
    assert_eq!(sent["max_tokens"], 512);
    assert_eq!(told["max_output_tokens"], 512, "and says so");
}

#[tokio::test]
async fn what_a_shorter_answer_does_not_take_is_there_for_the_question() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    // About 1,700 tokens: with 512 for the answer the window of 2,048 is too small.
    let long = "x".repeat(5_100);
    assert_eq!(say(&api, &path, &long).await.errors()[0].0, "/content");
    let message = json!({"content": long, "settings": {"max_output_tokens": 100}});
    settings(&api, &path, message).await;
}

#[tokio::test]
async fn settings_that_break_a_rule_are_refused_wherever_they_stand() {
    let api = api().await;
    let conversations = api.beside(conversations::router);
    let path = conversation(&api, json!({})).await;
    let own = path.trim_end_matches("/messages").to_owned();
    for (wrong, field) in [
        (json!({"temperature": 2.1}), "/settings/temperature"),
        (json!({"temperature": -0.1}), "/settings/temperature"),
        (json!({"top_p": 1.01}), "/settings/top_p"),
        (
            json!({"max_output_tokens": 0}),
            "/settings/max_output_tokens",
        ),
        (json!({"stop": [""]}), "/settings/stop"),
        (
            json!({"stop": ["a", "b", "c", "d", "e", "f", "g", "h", "i"]}),
            "/settings/stop",
        ),
        (
            json!({"max_output_tokens": 1.5}),
            "/settings/max_output_tokens",
        ),
        (json!({"loudness": 11}), "/settings/loudness"),
    ] {
        let body = json!({"settings": wrong});
        let made = conversations.post(ADA, "/api/v1/conversations", body.clone());
        assert_eq!(made.await.errors()[0].0, field, "{wrong}");
        let changed = conversations.patch(ADA, &own, body).await;
        assert_eq!(changed.errors()[0].0, field, "{wrong}");
        let message = json!({"content": "Hi", "settings": wrong});
        let sent = api.post(ADA, &path, message).await;
        assert_eq!(sent.errors()[0].0, field, "{wrong}");
    }
    assert!(api.provider.take_requests().is_empty());
}

#[tokio::test]
async fn only_a_message_insists_on_reasoning() {
    let api = api().await;
    let path = conversation(&api, json!({"settings": {"reasoning_effort": "high"}})).await;
    let (_, told) = settings(&api, &path, json!({"content": "Hi"})).await;
    assert_eq!(told["reasoning_effort"], Value::Null, "the model can't");
    let message = json!({"content": "Hi", "settings": {"reasoning_effort": "low"}});
    let reply = api.post(ADA, &path, message).await;
    assert_eq!(reply.errors()[0].0, "/settings/reasoning_effort");
}

#[tokio::test]
async fn the_same_message_with_other_settings_is_another_request() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let send = async |body: Value| {
        let headers = [("idempotency-key", "k")];
        let sent = api.send_with(ADA, Method::POST, &path, Body::Json(body), &headers);
        sent.await
    };
    let first = send(json!({"content": "Hi", "settings": {"temperature": 0.5}})).await;
    assert_eq!(first.status, 201);
    let same = send(json!({"settings": {"temperature": 0.5}, "content": "Hi"})).await;
    assert_eq!((same.status, same.text), (first.status, first.text));
    let other = send(json!({"content": "Hi", "settings": {"temperature": 0.6}})).await;
    assert_eq!(other.problem().0, 422);
}
