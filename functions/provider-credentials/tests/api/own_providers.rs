//! Keys for providers that a tenant names itself: where they go, and where they never go.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use stand_ins::provider::ScriptedProvider;
use test_support::{Body, Reply, TestApi};

use crate::helpers::{ADA, FIRST, PLATFORM, SECOND, api, put};

const OURS: &str = "/api/v1/provider-credentials/ours";

/// Makes `base_url` the address of the provider `ours` with the model `mine`.
async fn provider_at(api: &TestApi, wire: &str, base_url: &str) {
    let model = json!({"id": "mine", "provider_model": "theirs", "context_window": 4096, "max_output_tokens": 512});
    let provider = json!({"name": "ours", "wire": wire, "base_url": base_url, "models": [model]});
    let models = api.beside(models::router);
    let body = Body::Json(json!({"providers": [provider], "defaults": {"model": "mine"}}));
    let headers = [("if-match", "*")];
    let put = models.send_with(ADA, Method::PUT, "/api/v1/registry", body, &headers);
    let reply = put.await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    api.app.clock.advance(Duration::from_secs(30));
}

/// Says something to the default model.
async fn turn(api: &TestApi, chat: &TestApi) -> Reply {
    let conversations = api.beside(conversations::router);
    let made = conversations.post(ADA, "/api/v1/conversations", json!({}));
    let path = format!("{}/messages", made.await.location());
    chat.post(ADA, &path, json!({"content": "Hi"})).await
}

/// A process that has platform keys for everybody.
fn chat(api: &TestApi) -> TestApi {
    let keys = ["scripted", "ours"].map(|name| (name.to_owned(), PLATFORM.into()));
    api.beside(|app| chat::router_with(app, engine::ProviderKeys::fixed(keys)))
}

fn keys(provider: &ScriptedProvider) -> Vec<Option<String>> {
    let requests = provider.take_requests();
    let keys = requests.iter().map(|request| request.key());
    keys.map(|key| key.map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_provider_of_the_tenants_own_answers_with_the_tenants_key() {
    let api = api().await;
    let theirs = ScriptedProvider::start().await.expect("a provider");
    let chat = chat(&api);
    provider_at(&api, "openai", &format!("{}/v1", theirs.url)).await;
    let reply = turn(&api, &chat).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    assert_eq!(reply.body()["provider"], "ours");
    assert_eq!(keys(&theirs), [None], "the platform's key is not for it");
    let stored = put(&api, ADA, OURS, FIRST).await;
    assert_eq!(stored.status, 200, "{}", stored.text);
    api.app.clock.advance(Duration::from_secs(30));
    turn(&api, &chat).await;
    let asked = theirs.take_requests();
    assert_eq!(asked[0].key(), Some(FIRST));
    assert_eq!(asked[0].body["model"], "theirs", "its name there");
    assert!(api.provider.take_requests().is_empty());
}

#[tokio::test]
async fn a_key_does_not_go_with_the_provider_to_another_address() {
    let api = api().await;
    let honest = ScriptedProvider::start().await.expect("a provider");
    let thief = ScriptedProvider::start().await.expect("a provider");
    let chat = chat(&api);
    provider_at(&api, "openai", &format!("{}/v1", honest.url)).await;
    put(&api, ADA, OURS, FIRST).await;
    provider_at(&api, "openai", &format!("{}/v1", thief.url)).await;
    let reply = turn(&api, &chat).await;
    assert_eq!(
        reply.problem(),
        (502, "provider-credential-refused".to_owned())
    );
    assert!(keys(&thief).is_empty() && keys(&honest).is_empty());
    // A key that is stored now is for the new address, and the old one does not come along.
    let rotated = api
        .post(ADA, &format!("{OURS}/rotate"), json!({"key": SECOND}))
        .await;
    assert_eq!(rotated.body()["previous"], Value::Null, "{}", rotated.text);
    thief.refuse_key(SECOND);
    turn(&api, &chat).await;
    assert_eq!(keys(&thief), [Some(SECOND.to_owned())]);
}

#[tokio::test]
async fn nothing_is_signed_for_a_bedrock_of_the_tenants_own() {
    let api = api().await;
    let theirs = ScriptedProvider::start().await.expect("a provider");
    provider_at(&api, "bedrock", &theirs.url).await;
    let reply = turn(&api, &chat(&api)).await;
    assert_eq!(
        reply.problem(),
        (502, "provider-credential-refused".to_owned())
    );
    assert!(theirs.take_requests().is_empty());
}

#[tokio::test]
async fn a_provider_that_wants_a_key_and_got_none_is_the_tenants_matter() {
    let api = api().await;
    let theirs = ScriptedProvider::start().await.expect("a provider");
    provider_at(&api, "openai", &format!("{}/v1", theirs.url)).await;
    let script = json!({"content": json!({"status": 401}).to_string()});
    let conversations = api.beside(conversations::router);
    let made = conversations.post(ADA, "/api/v1/conversations", json!({}));
    let path = format!("{}/messages", made.await.location());
    let reply = chat(&api).post(ADA, &path, script).await;
    assert_eq!(
        reply.problem(),
        (502, "provider-credential-refused".to_owned())
    );
    assert_eq!(keys(&theirs), [None]);
}
