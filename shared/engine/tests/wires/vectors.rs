//! Texts as vectors, on the wires that have them.

use std::time::{Duration, Instant};

use engine::{Embed, Embedded, ProviderKeys, Purpose};
use secrecy::SecretString;
use shared::error::ProviderFault;
use shared::http::TraceContext;
use shared::model::RequestId;
use shared::{Error, Result};

use crate::helpers::World;

async fn embed(
    world: &World,
    wire: &str,
    model: &str,
    texts: &[&str],
    purpose: Purpose,
) -> Result<Embedded> {
    let spec = world.spec(wire);
    let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
    let embed = Embed {
        provider: &spec,
        model,
        trace: &TraceContext::begin(RequestId::new()),
        texts: &texts,
        purpose,
        dimensions: None,
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    world.providers.embed(&embed, None, deadline).await
}

const MODELS: [(&str, &str); 4] = [
    ("openai", "text-embedding-3-small"),
    ("gemini", "gemini-embedding-001"),
    ("bedrock", "amazon.titan-embed-text-v2:0"),
    ("bedrock", "cohere.embed-v4:0"),
];

#[tokio::test]
async fn each_text_gets_its_vector_in_order() {
    let world = World::start().await;
    for (wire, model) in MODELS {
        let texts = ["A", "BC"];
        let embedded = embed(&world, wire, model, &texts, Purpose::Document).await;
        let embedded = embedded.expect(model);
        let expected = [vec![1.0, 65.0, 0.0], vec![2.0, 66.0, 0.0]];
        assert_eq!(embedded.vectors, expected, "{model}");
        let tokens = match model {
            "text-embedding-3-small" => Some(5),
            "amazon.titan-embed-text-v2:0" => Some(10),
            _ => None,
        };
        assert_eq!(embedded.input_tokens, tokens, "{model}");
    }
}

#[tokio::test]
async fn what_vectors_are_for_is_told_where_it_makes_a_difference() {
    let world = World::start().await;
    for (wire, model) in [MODELS[1], MODELS[3]] {
        let embedded = embed(&world, wire, model, &["A"], Purpose::Query).await;
        assert_eq!(
            embedded.expect(model).vectors,
            [vec![1.0, 65.0, 1.0]],
            "{model}"
        );
    }
}

#[tokio::test]
async fn what_makes_no_vectors_and_blank_texts_are_refused() {
    let world = World::start().await;
    let many = vec!["x"; 97];
    for (wire, model, texts, field) in [
        ("anthropic", "claude", &["A"][..], "/model"),
        ("bedrock", "anthropic.claude", &["A"], "/model"),
        ("openai", "m", &[], "/input"),
        ("openai", "m", &many, "/input"),
        ("openai", "m", &["A", " "], "/input/1"),
    ] {
        let refused = embed(&world, wire, model, texts, Purpose::Query).await;
        let error = refused.expect_err(field);
        assert!(
            matches!(&error, Error::Invalid(errors) if errors[0].field == field),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_refused_key_is_told() {
    let key = "sk-test-0123456789";
    let keys =
        ["openai", "gemini", "bedrock"].map(|name| (name.to_owned(), SecretString::from(key)));
    let world = World::with(ProviderKeys::fixed(keys), None).await;
    world.scripted.refuse_key(key);
    for (wire, model) in MODELS {
        let refused = embed(&world, wire, model, &["A"], Purpose::Query).await;
        let error = refused.expect_err(model);
        let fault = ProviderFault::Unauthorized;
        assert!(
            matches!(&error, Error::Provider { fault: told, .. } if *told == fault),
            "{error:?}"
        );
    }
}
