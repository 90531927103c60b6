//! The platform's keys of the providers, rotated while turns run.

use std::time::Duration;

use engine::ProviderKeys;
use serde_json::json;
use shared::secrets::Secrets;
use stand_ins::secrets::LocalSecrets;

use crate::helpers::{api, conversation, say};

const SECRET: &str = "provider-keys";
const OLD: &str = "sk-platform-canary-old";
const NEW: &str = "sk-platform-canary-new";

fn value(key: &str) -> String {
    json!({"scripted": key}).to_string()
}

fn keys(api: &test_support::TestApi) -> Vec<String> {
    let requests = api.provider.take_requests();
    let keys = requests.iter().filter_map(|request| request.key());
    keys.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_key_that_the_provider_refuses_is_read_again_once_and_at_most_once_a_minute() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let manager = LocalSecrets::start().await.expect("a port");
    let token = |digit: char| digit.to_string().repeat(32);
    let create =
        json!({"Name": SECRET, "SecretString": value(OLD), "ClientRequestToken": token('1')});
    manager.call("CreateSecret", &create).expect("a secret");
    let sdk = api.app.sdk.clone().into_builder();
    let secrets = Secrets::new(&sdk.endpoint_url(&manager.url).build());
    let clock = api.app.clock.clone();
    let platform = ProviderKeys::secret(secrets, SECRET.to_owned(), clock.clone());
    let chat = api.beside(|app| chat::router_with(app, platform));
    assert_eq!(say(&chat, &path, "Hi").await.status, 201);
    assert_eq!(keys(&api), [OLD]);

    api.provider.refuse_key(OLD);
    let refused = say(&chat, &path, "Hi").await;
    assert_eq!(refused.problem(), (502, "provider-unauthorized".to_owned()));
    assert_eq!(keys(&api), [OLD], "it was read less than a minute ago");

    let put =
        json!({"SecretId": SECRET, "SecretString": value(NEW), "ClientRequestToken": token('2')});
    manager.call("PutSecretValue", &put).expect("a version");
    clock.advance(Duration::from_secs(61));
    assert_eq!(say(&chat, &path, "Hi").await.status, 201);
    assert_eq!(keys(&api), [OLD, NEW]);
    assert_eq!(say(&chat, &path, "Hi").await.status, 201);
    assert_eq!(keys(&api), [NEW]);
}
