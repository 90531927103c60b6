//! Images that are somewhere else, which providers fetch: a provider inside a network must not be sent there.

use serde_json::json;
use test_support::TestApi;

use crate::addresses::rows;
use crate::{ADA, Listener};

#[tokio::test]
async fn no_address_inside_is_given_to_a_provider_as_an_image() {
    let api = TestApi::new(chat::router_with).await;
    let made = api
        .beside(conversations::router)
        .post(ADA, "/api/v1/conversations", json!({}))
        .await;
    let listener = Listener::start().await;
    for row in rows() {
        let (url, name) = (row.url(listener.port), &row.name);
        let image = json!({"type": "image_url", "image_url": {"url": url}});
        let said = json!([{"type": "text", "text": "What is it?"}, image]);
        let asked = json!([{"role": "user", "content": said}]);
        let item = json!([{"type": "input_text", "text": "What is it?"}, {"type": "input_image", "image_url": url}]);
        let messages = format!("{}/messages", made.location());
        for (path, body) in [
            (messages.as_str(), json!({"content": said})),
            (
                "/v1/chat/completions",
                json!({"model": "small", "messages": asked}),
            ),
            (
                "/v1/responses",
                json!({"model": "small", "input": [{"role": "user", "content": item}]}),
            ),
            ("/v1/moderations", json!({"input": [image]})),
        ] {
            let reply = api.post(ADA, path, body).await;
            let refused = [400, 422].contains(&reply.status.as_u16());
            assert!(refused, "{name} at {path}: {} {}", reply.status, reply.text);
            assert!(
                reply.text.contains("image_url"),
                "{name} at {path}: {}",
                reply.text
            );
        }
    }
    assert!(api.provider.take_requests().is_empty());
    assert_eq!(listener.came(), 0);
}
