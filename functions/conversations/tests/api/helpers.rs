//! What the tests of this group say often.

use serde_json::{Value, json};
use shared::model::ConversationId;
use test_support::{TestApi, nth_message, put_message};

pub(crate) const PATH: &str = "/api/v1/conversations";

/// Ada, who owns what these tests make.
pub(crate) const ADA: Option<&str> = Some("ada");

/// The function on a new table.
pub(crate) async fn api() -> TestApi {
    TestApi::new(|app, _| conversations::router(app)).await
}

/// A conversation of a person's, with its path.
pub(crate) async fn create(api: &TestApi, person: Option<&str>, title: &str) -> String {
    let reply = api.post(person, PATH, json!({"title": title})).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    reply.location().to_owned()
}

/// The titles in a list.
pub(crate) fn titles(list: &Value) -> Vec<String> {
    let entries = list["data"].as_array().expect("a list").iter();
    entries
        .map(|entry| entry["title"].as_str().unwrap_or("-").to_owned())
        .collect()
}

/// The id at the end of a conversation's path.
pub(crate) fn id(path: &str) -> ConversationId {
    path.rsplit('/')
        .next()
        .and_then(|id| id.parse().ok())
        .expect("an id")
}

/// Puts messages into Ada's conversation: questions, each with an answer.
pub(crate) async fn fill(api: &TestApi, path: &str, messages: u64) {
    let caller = api.people.caller("ada").await;
    let store = api.app.store.of(&caller);
    for sequence in 1..=messages {
        let message = nth_message(sequence, format!("message {sequence}"));
        put_message(&store, id(path), message).await;
    }
}
