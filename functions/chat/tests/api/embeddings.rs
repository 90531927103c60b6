//! `POST /v1/embeddings`: texts as vectors, as OpenAI's clients ask for them.

use serde_json::{Value, json};
use shared::model::Scope;
use test_support::{Body, Reply, TestApi};

use crate::budgets::{allow, amounts, seen};
use crate::helpers::{ADA, api};

const PATH: &str = "/v1/embeddings";

async fn embed(api: &TestApi, body: Value) -> Reply {
    api.post(ADA, PATH, body).await
}

/// Code and parameter of a refusal.
async fn refused(api: &TestApi, body: Value) -> (u16, String, String) {
    let reply = embed(api, body).await;
    reply.problem();
    let (_, code, param) = reply.openai();
    (reply.status.as_u16(), code, param.unwrap_or_default())
}

#[tokio::test]
async fn a_text_becomes_a_vector_and_several_become_as_many_in_their_order() {
    let api = api().await;
    let one = embed(&api, json!({"model": "words", "input": "fjords of Norway"})).await;
    assert_eq!(one.status, 200, "{}", one.text);
    let one = one.body();
    assert_eq!(one["object"], "list");
    assert_eq!(one["model"], "words");
    assert_eq!(one["usage"], json!({"prompt_tokens": 5, "total_tokens": 5}));
    assert_eq!(one["data"][0]["object"], "embedding");
    let vector = one["data"][0]["embedding"].as_array().expect("numbers");
    assert_eq!(vector.len(), 256);

    let texts: Vec<String> = (0..200).map(|number| format!("text {number}")).collect();
    let input = [&["fjords of Norway".to_owned()], texts.as_slice()].concat();
    let many = embed(&api, json!({"model": "scripted/words", "input": input})).await;
    assert_eq!(many.status, 200, "{}", many.text);
    let many = many.body();
    assert_eq!(many["model"], "scripted/words");
    let data = many["data"].as_array().expect("vectors");
    assert_eq!(data.len(), 201);
    assert_eq!(data[0]["embedding"], one["data"][0]["embedding"]);
    let indexes = data.iter().map(|entry| entry["index"].as_u64());
    assert!(indexes.eq((0..201).map(Some)));
}

#[tokio::test]
async fn base64_has_the_same_numbers() {
    use base64::Engine as _;
    let api = api().await;
    let asked = |format: &str| json!({"model": "few-words", "input": ["a fjord"], "encoding_format": format, "dimensions": 96});
    let numbers = embed(&api, asked("float")).await.body();
    let text = embed(&api, asked("base64")).await.body();
    let text = text["data"][0]["embedding"].as_str().expect("a text");
    let bytes = base64::engine::general_purpose::STANDARD.decode(text);
    let bytes = bytes.expect("base64");
    let decoded = bytes.as_chunks::<4>().0.iter();
    let decoded: Vec<f32> = decoded.map(|four| f32::from_le_bytes(*four)).collect();
    let expected: Vec<f32> =
        serde_json::from_value(numbers["data"][0]["embedding"].clone()).expect("numbers");
    assert_eq!(decoded, expected);
    assert_eq!(decoded.len(), 96);
}

#[tokio::test]
async fn what_can_t_be_asked_is_named() {
    let api = api().await;
    let words = |more: Value| {
        let mut body = json!({"model": "words", "input": "a"});
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        body
    };
    let (value, unsupported) = ("invalid_value", "unsupported_parameter");
    for (more, code, param) in [
        (json!({"input": ""}), value, "input"),
        (json!({"input": " "}), value, "input"),
        (json!({"input": []}), value, "input"),
        (json!({"input": 1}), value, "input"),
        (json!({"input": vec!["a"; 2049]}), value, "input"),
        (json!({"input": ["a", " "]}), value, "input[1]"),
        (json!({"input": ["a", null]}), value, "input[1]"),
        (json!({"input": "a ".repeat(1000)}), value, "input"),
        (
            json!({"input": ["a", "a ".repeat(1000)]}),
            value,
            "input[1]",
        ),
        (json!({"input": [1, 2]}), unsupported, "input"),
        (json!({"input": [[1], [2]]}), unsupported, "input"),
        (json!({"user": "u"}), unsupported, "user"),
        (json!({"dimensions": 255}), value, "dimensions"),
        (json!({"dimensions": 0}), value, "dimensions"),
        (json!({"encoding_format": "hex"}), value, "encoding_format"),
        (json!({"stream": true}), "unknown_parameter", "stream"),
    ] {
        let expected = (400, code.to_owned(), param.to_owned());
        let label = more.to_string();
        assert_eq!(refused(&api, words(more)).await, expected, "{label}");
    }
    let missing = refused(&api, json!({"model": "words"})).await;
    assert_eq!(missing.1, "missing_required_parameter");
    for unknown in ["nothing", "small", "scripted/nothing", "other/words"] {
        let expected = (404, "model_not_found".to_owned(), "model".to_owned());
        let body = json!({"model": unknown, "input": "a"});
        assert_eq!(refused(&api, body).await, expected, "{unknown}");
    }
    assert_eq!(api.provider.take_requests().len(), 0, "nobody was asked");
    let nulls = words(json!({"user": null, "dimensions": null, "encoding_format": null}));
    assert_eq!(embed(&api, nulls).await.status, 200);
}

#[tokio::test]
async fn what_it_costs_is_charged_to_budgets() {
    let api = api().await;
    allow(&api, "tenant", json!({"month": {"tokens": 20}})).await;
    let body = json!({"model": "words", "input": "a fjord"});
    assert_eq!(embed(&api, body.clone()).await.status, 200);
    let spent = amounts(&seen(&api, "tenant").await, "month", "tokens");
    assert_eq!(spent, (5, 0));
    let long = json!({"model": "words", "input": "a fjord of Norway ".repeat(20)});
    let refused = embed(&api, long).await;
    assert_eq!(refused.problem(), (429, "budget-exceeded".to_owned()));
    let (kind, code, _) = refused.openai();
    assert_eq!(
        (kind.as_str(), code.as_str()),
        ("insufficient_quota", "insufficient_quota")
    );
    assert_eq!(refused.header("x-should-retry"), "false");
    assert_eq!(
        amounts(&seen(&api, "tenant").await, "month", "tokens"),
        (5, 0)
    );
}

#[tokio::test]
async fn an_api_key_needs_the_scope_of_chats() {
    let api = api().await;
    let body = Body::Json(json!({"model": "words", "input": "a"}));
    let post = axum::http::Method::POST;
    let key = api.people.api_key("ada", &[Scope::ModelsRead]).await;
    let refused = api.send_as(&key, post.clone(), PATH, body.clone()).await;
    assert_eq!(refused.problem(), (403, "forbidden".to_owned()));
    let key = api.people.api_key("ada", &[Scope::Chat]).await;
    let done = api.send_as(&key, post, PATH, body).await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert_eq!(done.header("x-ratelimit-limit-requests"), "1000000");
}
