//! What the tests of this group say often.

use serde_json::{Value, json};
use shared::model::ConversationId;
use shared::store::TenantStore;
use test_support::{Reply, TestApi, nth_message, put_message};

/// Ada, who owns what these tests make.
pub(crate) const ADA: Option<&str> = Some("ada");

/// The function on a new table.
pub(crate) async fn api() -> TestApi {
    TestApi::new(chat::router_with).await
}

/// The function with that many milliseconds for a turn.
pub(crate) fn impatient(api: &TestApi, milliseconds: u64) -> TestApi {
    let mut config = shared::config::Config::clone(&api.app.config);
    config.turn_timeout = std::time::Duration::from_millis(milliseconds);
    let app = shared::App {
        config: std::sync::Arc::new(config),
        ..api.app.clone()
    };
    api.beside(|_| chat::router_with(app, engine::ProviderKeys::fixed([])))
}

/// The table as Ada sees it.
pub(crate) async fn store(api: &TestApi) -> TenantStore {
    let caller = api.people.caller("ada").await;
    api.app.store.of(&caller)
}

/// A conversation of Ada's with these fields; its messages' path.
pub(crate) async fn conversation(api: &TestApi, fields: Value) -> String {
    let conversations = api.beside(conversations::router);
    let reply = conversations
        .post(ADA, "/api/v1/conversations", fields)
        .await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    format!("{}/messages", reply.location())
}

/// The id in a path of [`conversation`].
pub(crate) fn id(path: &str) -> ConversationId {
    path.split('/')
        .nth(4)
        .and_then(|id| id.parse().ok())
        .expect("an id")
}

/// Sends a message and waits for the whole answer.
pub(crate) async fn say(api: &TestApi, path: &str, content: impl ToString) -> Reply {
    api.post(ADA, path, json!({"content": content.to_string()}))
        .await
}

/// Sends a message and reads the stream to its end.
pub(crate) async fn stream(api: &TestApi, path: &str, content: impl ToString) -> Reply {
    api.post(
        ADA,
        path,
        json!({"content": content.to_string(), "stream": true}),
    )
    .await
}

/// What GET says about the messages.
pub(crate) async fn messages(api: &TestApi, path: &str) -> Vec<Value> {
    let reply = api
        .beside(conversations::router)
        .get(ADA, &format!("{path}?limit=100"))
        .await;
    reply.body()["data"].as_array().cloned().expect("a list")
}

/// Roles and contents of messages.
pub(crate) fn transcript(messages: &[Value]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    messages
        .iter()
        .map(|message| (text(&message["role"]), text(&message["content"])))
        .collect()
}

/// The messages that the provider was sent last.
pub(crate) fn sent(api: &TestApi) -> Vec<(String, String)> {
    let requests = api.provider.take_requests();
    let last = requests.last().expect("the provider was asked");
    transcript(last.body["messages"].as_array().expect("messages"))
}

/// Puts messages into a conversation: questions, each with its answer.
pub(crate) async fn fill(
    api: &TestApi,
    path: &str,
    messages: u64,
    content: impl Fn(u64) -> String,
) {
    let store = store(api).await;
    let message = |sequence| nth_message(sequence, content(sequence));
    let sequences: Vec<u64> = (1..=messages).collect();
    for some in sequences.chunks(64) {
        let messages = some.iter().copied().map(message);
        let stored = messages.map(|message| put_message(&store, id(path), message));
        futures_util::future::join_all(stored).await;
    }
}

/// A pair as [`transcript`] has it.
pub(crate) fn pair(role: &str, content: &str) -> (String, String) {
    (role.to_owned(), content.to_owned())
}

/// Waits until the provider has been asked.
pub(crate) async fn provider_asked(api: &TestApi) {
    let asked = async {
        while api.provider.take_requests().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), asked)
        .await
        .expect("the provider is asked");
}
