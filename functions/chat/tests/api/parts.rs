//! Messages of more than text.

use serde_json::{Value, json};

use crate::helpers::{ADA, api, conversation, messages};

const PNG: &str = "data:image/png;base64,AAAA";

fn image() -> Value {
    json!({"type": "image_url", "image_url": {"url": PNG}})
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

#[tokio::test]
async fn an_image_reaches_the_model_now_and_with_later_messages() {
    let api = api().await;
    let path = conversation(&api, json!({"model": "large"})).await;
    let content = json!([text("What is"), image(), text("this?")]);
    let reply = api.post(ADA, &path, json!({"content": content})).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let sent = api.provider.take_requests().remove(0).body;
    assert_eq!(sent["messages"][0]["content"], content);
    let stored = messages(&api, &path).await;
    assert_eq!(stored[0]["parts"], content);
    assert_eq!(stored[0]["content"], "What is\n\nthis?", "the text of it");
    assert_eq!(stored[1]["parts"], Value::Null, "text alone has no parts");
    api.post(ADA, &path, json!({"content": "And now?"})).await;
    let sent = api.provider.take_requests().remove(0).body;
    assert_eq!(sent["messages"][0]["content"], content);
}

#[tokio::test]
async fn one_part_of_text_is_text() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let reply = api.post(ADA, &path, json!({"content": [text("Hi")]})).await;
    assert_eq!(reply.body()["content"], "You said: Hi");
    let stored = messages(&api, &path).await;
    assert_eq!(
        (&stored[0]["content"], &stored[0]["parts"]),
        (&json!("Hi"), &Value::Null)
    );
}

#[tokio::test]
async fn a_model_that_sees_no_images_is_not_asked_about_one_but_goes_on_after_one() {
    let api = api().await;
    let path = conversation(&api, json!({"model": "large"})).await;
    let body = json!({"content": [text("Look"), image()], "model": "small"});
    let reply = api.post(ADA, &path, body.clone()).await;
    assert_eq!(reply.errors()[0].0, "/content/1", "{}", reply.text);
    assert!(messages(&api, &path).await.is_empty());
    let body = json!({"content": [text("Look"), image()]});
    assert_eq!(api.post(ADA, &path, body).await.status, 201);
    api.provider.take_requests();
    let body = json!({"content": "And you?", "model": "small"});
    assert_eq!(api.post(ADA, &path, body).await.status, 201);
    let sent = api.provider.take_requests().remove(0).body["messages"][0].to_string();
    assert!(
        sent.contains("which you can't see") && !sent.contains("base64"),
        "{sent}"
    );
}

#[tokio::test]
async fn parts_that_break_a_rule_are_refused_with_their_place() {
    let api = api().await;
    let path = conversation(&api, json!({"model": "large"})).await;
    for (content, field) in [
        (json!([]), "/content"),
        (json!([text(" ")]), "/content"),
        (json!([{"type": "sound"}]), "/content/0"),
        (
            json!([{"type": "text", "text": "Hi", "more": 1}]),
            "/content/0",
        ),
        (
            json!([{"type": "image_url", "image_url": {"url": "https://a.test/a.png", "detail": "high"}}]),
            "/content/0",
        ),
        (
            json!([text("a"), {"type": "image_url", "image_url": {"url": "http://a.test/a.png"}}]),
            "/content/1/image_url/url",
        ),
        (
            json!([{"type": "tool_call", "id": "c", "name": "f", "arguments": "{}"}]),
            "/content/0",
        ),
        (
            json!([text(&"x".repeat(180_000)), text(&"x".repeat(180_000))]),
            "/content",
        ),
        (json!({"type": "text", "text": "Hi"}), "/content"),
    ] {
        let reply = api.post(ADA, &path, json!({"content": content})).await;
        assert_eq!(reply.problem(), (422, "invalid-request".to_owned()));
        let found = reply.errors().remove(0).0;
        assert!(found.starts_with(field), "{found} instead of {field}");
    }
    assert!(api.provider.take_requests().is_empty());
}
