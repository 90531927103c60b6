//! Who asks: keys in the header of each wire, and signatures for Amazon Bedrock.

use engine::ProviderKeys;
use secrecy::SecretString;
use serde_json::json;
use shared::Error;
use shared::error::ProviderFault;
use shared::model::ProviderKey;

use crate::helpers::{WIRES, World, credentials};

const KEY: &str = "sk-test-0123456789";

fn keys() -> ProviderKeys {
    ProviderKeys::fixed(WIRES.map(|wire| (wire.to_owned(), SecretString::from(KEY))))
}

fn is_unauthorized(error: &Error) -> bool {
    let fault = ProviderFault::Unauthorized;
    matches!(error, Error::Provider { fault: told, .. } if *told == fault)
}

#[tokio::test]
async fn a_key_stands_in_the_header_of_its_wire() {
    let world = World::with(keys(), None).await;
    for (wire, header, value) in [
        ("openai", "authorization", format!("Bearer {KEY}")),
        ("anthropic", "x-api-key", KEY.to_owned()),
        ("gemini", "x-goog-api-key", KEY.to_owned()),
        ("bedrock", "authorization", format!("Bearer {KEY}")),
    ] {
        world.play(wire, &json!({"say": ["x"]})).await.expect(wire);
        let received = world.scripted.take_requests().remove(0);
        assert_eq!(received.headers[header], value, "{wire}");
        world.providers.check(&world.spec(wire)).await.expect(wire);
    }
}

#[tokio::test]
async fn without_a_key_requests_to_bedrock_are_signed() {
    let world = World::start().await;
    world
        .play("bedrock", &json!({"say": ["x"]}))
        .await
        .expect("an answer");
    let headers = world.scripted.take_requests().remove(0).headers;
    let authorization = headers["authorization"].to_str().expect("text");
    let begins = "AWS4-HMAC-SHA256 Credential=AKIDTEST/20270115/us-east-1/bedrock/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=";
    assert!(authorization.starts_with(begins), "{authorization}");
    assert_eq!(headers["x-amz-date"], "20270115T080000Z");
    let bedrock = world.spec("bedrock");
    world
        .providers
        .check(&bedrock)
        .await
        .expect("a list of models");
}

#[tokio::test]
async fn without_a_key_and_without_credentials_nothing_is_sent() {
    let world = World::with(ProviderKeys::fixed([]), None).await;
    let error = world.fails("bedrock", &json!({"say": ["x"]})).await;
    assert!(is_unauthorized(&error), "{error:?}");
    assert!(world.scripted.take_requests().is_empty());
}

#[tokio::test]
async fn a_key_is_tried_on_every_wire() {
    let world = World::with(ProviderKeys::fixed([]), Some(credentials())).await;
    let key = ProviderKey::parse("/key", SecretString::from(KEY)).expect("a key");
    for wire in WIRES {
        let spec = world.spec(wire);
        world.providers.try_key(&spec, &key).await.expect(wire);
    }
    world.scripted.refuse_key(KEY);
    for wire in WIRES {
        let refused = world.providers.try_key(&world.spec(wire), &key).await;
        assert!(is_unauthorized(&refused.expect_err(wire)), "{wire}");
    }
}
