//! Messages that are not sent on.

use axum::http::Method;
use serde_json::json;
use shared::model::ConversationId;
use test_support::Body;

use crate::helpers::{ADA, api, conversation, messages, say};

#[tokio::test]
async fn what_breaks_a_rule_is_refused_by_name() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    for (body, field) in [
        (json!({}), "/content"),
        (json!({"content": ""}), "/content"),
        (json!({"content": " \n\t"}), "/content"),
        (json!({"content": 17}), "/content"),
        (json!({"content": null}), "/content"),
        (json!({"content": ["a"]}), "/content/0"),
        (json!({"content": "a\u{0}b"}), "/content"),
        (json!({"content": "x".repeat(200_001)}), "/content"),
        (json!({"content": "x".repeat(20_000)}), "/content"),
        (json!({"content": "Hi", "stream": "yes"}), "/stream"),
        (json!({"content": "Hi", "model": "nobody"}), "/model"),
        (json!({"content": "Hi", "settings": "warm"}), "/settings"),
        (json!({"content": "Hi", "tenant_id": "x"}), "/tenant_id"),
    ] {
        let reply = api.post(ADA, &path, body.clone()).await;
        let shown = body.to_string().chars().take(60).collect::<String>();
        assert_eq!(
            reply.problem(),
            (422, "invalid-request".to_owned()),
            "{shown}"
        );
        assert_eq!(reply.errors()[0].0, field, "{shown}");
    }
    assert_eq!(messages(&api, &path).await.len(), 0);
    assert_eq!(api.provider.take_requests().len(), 0);
}

#[tokio::test]
async fn a_message_that_no_window_holds_is_told_the_figures() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let reply = say(&api, &path, "x".repeat(6_000)).await;
    let (_, detail) = reply.errors().remove(0);
    assert_eq!(
        detail,
        "is too long for the model small: it has about 2008 tokens, and at most 1536 fit"
    );
    assert_eq!(say(&api, &path, "x".repeat(4_500)).await.status, 201);
}

#[tokio::test]
async fn an_unknown_and_a_foreign_conversation_are_the_same_404() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    for (person, path) in [
        (Some("bob"), path),
        (
            ADA,
            format!("/api/v1/conversations/{}/messages", ConversationId::new()),
        ),
        (ADA, "/api/v1/conversations/conv_1/messages".to_owned()),
    ] {
        for stream in [false, true] {
            let reply = api
                .post(person, &path, json!({"content": "Hi", "stream": stream}))
                .await;
            assert_eq!(reply.problem(), (404, "not-found".to_owned()));
        }
    }
    assert_eq!(api.provider.take_requests().len(), 0);
    assert!(
        !api.table.dump().await.contains("MSG#"),
        "no message was written anywhere"
    );
}

#[tokio::test]
async fn nobody_gets_a_401() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    for body in [
        Body::Empty,
        Body::Json(json!({"content": "Hi"})),
        Body::Raw(None, b"{".to_vec()),
    ] {
        let reply = api.send(None, Method::POST, &path, body).await;
        assert_eq!(reply.problem(), (401, "unauthenticated".to_owned()));
    }
}

#[tokio::test]
async fn a_client_that_can_not_read_the_answer_is_told_before_it_costs_anything() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    for (accept, stream, status) in [
        ("application/json", true, 406),
        ("text/event-stream", false, 406),
        ("text/html", false, 406),
        ("text/event-stream", true, 200),
        ("application/json, text/event-stream", true, 200),
    ] {
        let body = Body::Json(json!({"content": "Hi", "stream": stream}));
        let reply = api
            .send_with(ADA, Method::POST, &path, body, &[("accept", accept)])
            .await;
        assert_eq!(reply.status, status, "{accept} {stream}: {}", reply.text);
    }
    assert_eq!(api.provider.take_requests().len(), 2);
}

#[tokio::test]
async fn a_model_that_is_gone_is_named() {
    let api = api().await;
    let path = conversation(&api, json!({"model": "large"})).await;
    let mut config = shared::config::Config::clone(&api.app.config);
    config.providers[0]
        .models
        .retain(|model| model.id != "large");
    let app = shared::App {
        config: std::sync::Arc::new(config),
        ..api.app.clone()
    };
    let api = api.beside(|_| chat::router_with(app, engine::ProviderKeys::fixed([])));
    let reply = say(&api, &path, "Hi").await;
    assert_eq!(reply.problem(), (422, "invalid-request".to_owned()));
    assert_eq!(reply.errors()[0].0, "/model");
}

#[tokio::test]
async fn a_model_that_makes_vectors_does_not_chat() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let conversations = api.beside(conversations::router);
    let wanted = json!({"model": "words"});
    let begun = conversations
        .post(ADA, "/api/v1/conversations", wanted)
        .await;
    let turn = json!({"content": "Hi", "model": "words"});
    for reply in [begun, api.post(ADA, &path, turn).await] {
        assert_eq!(reply.problem(), (422, "invalid-request".to_owned()));
        let (field, detail) = reply.errors().remove(0);
        assert_eq!(field, "/model");
        assert!(
            detail.contains("makes vectors and can't chat"),
            "{}",
            reply.text
        );
    }
    assert_eq!(api.provider.take_requests().len(), 0);
}
