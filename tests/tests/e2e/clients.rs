//! What other people's programs do with it: OpenAI's libraries and what is built on them, as they are.

use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::stack::{Stack, repository};
use crate::team::json_of;
use crate::turns::SCRIPTED;

/// The longest that all suites may take, in seconds.
const LIMIT: &str = "480";

/// The answer is what must stand in no log.
pub(crate) async fn openais_libraries_work_as_they_are(stack: &Stack) -> Vec<String> {
    // Somebody of their own, whose lists nobody else changes meanwhile.
    let mut grace = Client::new(&stack.api);
    grace.register_and_log_in("grace").await;
    let all = [
        "conversations:read",
        "conversations:write",
        "chat",
        "models:read",
        "knowledge:read",
        "knowledge:write",
    ];
    let key = new_key(&grace, &all).await;
    let reader = new_key(&grace, &["models:read"]).await;
    let spent = new_key(&grace, &["chat"]).await;
    spend(&grace, &spent).await;
    let mut clients = Command::new(repository().join("infra/clients"));
    clients
        .args(["--url", &stack.api, "--seconds", LIMIT])
        .args(["--scripted-model", SCRIPTED])
        .env("CHATTER_API_KEY", &key.1)
        .env("CHATTER_READER_KEY", &reader.1)
        .env("CHATTER_SPENT_KEY", &spent.1);
    // Not on a thread of the runtime, which serves the scripted provider meanwhile.
    let status = tokio::task::spawn_blocking(move || clients.status());
    let status = status.await.expect("a thread");
    let status = status.expect("infra/clients can be started");
    assert!(status.success(), "{status}; what they said stands above");
    let mut secrets = vec![key.1, reader.1, spent.1];
    secrets.extend(grace.secrets());
    secrets
}

/// The id of a new key, and the key.
async fn new_key(of: &Client, scopes: &[&str]) -> (String, String) {
    let body = json!({"name": "clients", "scopes": scopes});
    let made = json_of(of.post("/api/v1/api-keys", &body).await, 201).await;
    let text = |field: &str| made[field].as_str().expect("a text").to_owned();
    (text("id"), text("key"))
}

/// Leaves a key a budget in which no question has room.
async fn spend(of: &Client, key: &(String, String)) {
    let me: Value = json_of(of.get("/api/v1/auth/me").await, 200).await;
    let tenant = me["tenant_id"].as_str().expect("a tenant");
    let path = format!("/api/v1/tenants/{tenant}/budgets/api-key:{}", key.0);
    let body = json!({"day": {"tokens": 0}});
    let put = of.request(Method::PUT, &path).json(&body);
    let put = put.send().await.expect("an answer");
    assert!(put.status().is_success(), "{put:?}");
}
