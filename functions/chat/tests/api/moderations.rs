//! `POST /v1/moderations`: whether something is harmful, as OpenAI's clients ask for it.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use shared::model::Scope;
use test_support::{Body, Reply, TestApi};

use crate::budgets::{allow, amounts, seen};
use crate::helpers::{ADA, api};

const PATH: &str = "/v1/moderations";

async fn judge(api: &TestApi, body: Value) -> Reply {
    api.post(ADA, PATH, body).await
}

/// Status, code and parameter of a refusal.
async fn refused(api: &TestApi, body: Value) -> (u16, String, String) {
    let reply = judge(api, body).await;
    reply.problem();
    let (_, code, param) = reply.openai();
    (reply.status.as_u16(), code, param.unwrap_or_default())
}

/// From now on the provider says that of "tea".
fn script(api: &TestApi, script: Value) {
    let script = serde_json::from_value(script).expect("a script");
    api.provider.script_when("tea", script);
}

#[tokio::test]
async fn what_the_model_says_is_passed_on_and_the_default_is_asked_where_none_is_named() {
    let api = api().await;
    let reply = judge(&api, json!({"input": "a massacre"})).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let body = reply.body();
    let id = body["id"].as_str().expect("an id");
    assert!(id.starts_with("modr-") && id != "modr-scripted", "{id}");
    assert_eq!(body["model"], "judge");
    let [verdict] = body["results"].as_array().expect("verdicts").as_slice() else {
        panic!("{body}");
    };
    assert_eq!(verdict["flagged"], true);
    assert_eq!(verdict["categories"]["violence"], true);
    assert_eq!(verdict["categories"]["self-harm/intent"], false);
    assert_eq!(verdict["category_scores"]["violence"], 0.9375);
    let types = &verdict["category_applied_input_types"];
    assert_eq!(types["violence"], json!(["text"]));
    let sent = api.provider.take_requests().remove(0).body;
    assert_eq!(sent, json!({"model": "judge-1", "input": "a massacre"}));
    for name in ["other-judge", "scripted/other-judge"] {
        let body = judge(&api, json!({"input": "tea", "model": name})).await;
        assert_eq!(body.body()["model"], name);
        let sent = api.provider.take_requests().remove(0).body;
        assert_eq!(sent["model"], "other-judge");
    }
}

#[tokio::test]
async fn each_text_gets_a_verdict_and_all_parts_together_get_one() {
    let api = api().await;
    let mut texts = vec!["tea"; 31];
    texts.push("a massacre");
    let body = judge(&api, json!({"input": texts})).await.body();
    let verdicts = body["results"].as_array().expect("verdicts").iter();
    let flagged: Vec<bool> = verdicts.map(|one| one["flagged"] == true).collect();
    assert_eq!(flagged.len(), 32);
    assert!(flagged[31] && !flagged[..31].contains(&true));
    api.provider.take_requests();
    let image = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
    let parts = json!([{"type": "text", "text": "a massacre"}, image("https://a.test/a.png"),
                       image("data:image/png;base64,AAAA")]);
    let reply = judge(&api, json!({"input": parts})).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let body = reply.body();
    let verdicts = body["results"].as_array().expect("verdicts");
    assert_eq!(verdicts.len(), 1);
    assert_eq!(verdicts[0]["flagged"], true);
    let types = &verdicts[0]["category_applied_input_types"]["violence"];
    assert_eq!(*types, json!(["text", "image"]));
    let sent = api.provider.take_requests().remove(0).body;
    assert_eq!(sent["input"], parts, "as it came");
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of requests")]
async fn what_can_t_be_asked_is_named() {
    let api = api().await;
    let image = |url: &str| json!([{"type": "image_url", "image_url": {"url": url}}]);
    let value = "invalid_value";
    for (input, code, param) in [
        (json!(""), value, "input"),
        (json!(" "), value, "input"),
        (json!([]), value, "input"),
        (json!(1), value, "input"),
        (json!({"type": "text", "text": "tea"}), value, "input"),
        (json!(vec!["tea"; 33]), value, "input"),
        (json!(["tea", " "]), value, "input[1]"),
        (json!(["tea", 1]), value, "input[1]"),
        (
            json!(["tea", {"type": "text", "text": "tea"}]),
            value,
            "input[1]",
        ),
        (
            json!([{"type": "text", "text": " "}]),
            value,
            "input[0].text",
        ),
        (
            json!([{"type": "text", "text": "tea", "size": 1}]),
            "unknown_parameter",
            "input[0]",
        ),
        (
            image("http://a.test/a.png"),
            value,
            "input[0].image_url.url",
        ),
        (
            image("https://ada:secret@a.test/a.png"),
            value,
            "input[0].image_url.url",
        ),
        (
            image("data:image/svg+xml;base64,AAAA"),
            value,
            "input[0].image_url.url",
        ),
    ] {
        let label = input.to_string();
        let expected = (400, code.to_owned(), param.to_owned());
        assert_eq!(
            refused(&api, json!({"input": input})).await,
            expected,
            "{label}"
        );
    }
    for input in [
        json!([{"type": "video"}]),
        json!([{"type": "text", "text": "tea"}, "tea"]),
    ] {
        let (status, _, param) = refused(&api, json!({"input": input})).await;
        assert!(status == 400 && param.starts_with("input["), "{param}");
    }
    let missing = refused(&api, json!({"model": "judge"})).await;
    assert_eq!(missing.1, "missing_required_parameter");
    let unknown = refused(&api, json!({"input": "tea", "stream": true})).await;
    assert_eq!(unknown.1, "unknown_parameter");
    for name in [
        "nothing",
        "small",
        "words",
        "retired-judge",
        "scripted/nothing",
    ] {
        let expected = (404, "model_not_found".to_owned(), "model".to_owned());
        let body = json!({"input": "tea", "model": name});
        assert_eq!(refused(&api, body).await, expected, "{name}");
    }
    assert_eq!(api.provider.take_requests().len(), 0, "nobody was asked");
    let null = judge(&api, json!({"input": "tea", "model": null})).await;
    assert_eq!(null.status, 200, "{}", null.text);
}

#[tokio::test]
async fn where_no_provider_has_such_a_model_it_is_said_what_to_add() {
    let api = api().await;
    let mut config = shared::config::Config::clone(&api.app.config);
    for provider in &mut config.providers {
        provider.moderation_models.clear();
    }
    let app = shared::App {
        config: std::sync::Arc::new(config),
        ..api.app.clone()
    };
    let without = api.beside(|_| chat::router_with(app, engine::ProviderKeys::fixed([])));
    let reply = judge(&without, json!({"input": "tea"})).await;
    assert_eq!(reply.problem(), (404, "model-not-found".to_owned()));
    let (_, code, param) = reply.openai();
    assert_eq!(
        (code.as_str(), param.as_deref()),
        ("model_not_found", Some("model"))
    );
    assert!(reply.text.contains("moderation_models"), "{}", reply.text);
}

#[tokio::test]
async fn what_judges_can_t_chat() {
    let api = api().await;
    let body = json!({"model": "judge", "messages": [{"role": "user", "content": "tea"}]});
    let reply = api.post(ADA, "/v1/chat/completions", body).await;
    assert_eq!(reply.problem(), (404, "model-not-found".to_owned()));
    assert!(reply.text.contains("can't chat"), "{}", reply.text);
}

#[tokio::test]
async fn nonsense_is_asked_for_again_and_then_refused() {
    let api = api().await;
    let nonsense = json!([{"flagged": false, "categories": {"a": false}, "category_scores": {}}]);
    script(
        &api,
        json!({"attempts": [{"status": 503}, {"results": nonsense}]}),
    );
    let third = judge(&api, json!({"input": "tea"})).await;
    assert_eq!(third.status, 200, "{}", third.text);
    assert_eq!(api.provider.take_requests().len(), 3);
    script(&api, json!({"results": nonsense}));
    let refused = judge(&api, json!({"input": "tea"})).await;
    assert_eq!(refused.problem().0, 502, "{}", refused.text);
    assert_eq!(refused.openai().0, "server_error");
    assert_eq!(api.provider.take_requests().len(), 3);
    script(&api, json!({"status": 400}));
    let refused = judge(&api, json!({"input": "tea"})).await;
    assert_eq!(refused.problem(), (502, "provider-refused".to_owned()));
    assert_eq!(api.provider.take_requests().len(), 1, "that does not pass");
}

#[tokio::test]
async fn it_costs_nothing_and_needs_no_room_in_a_budget() {
    let api = api().await;
    allow(
        &api,
        "tenant",
        json!({"month": {"tokens": 0, "micro_dollars": 0}}),
    )
    .await;
    let reply = judge(&api, json!({"input": "tea"})).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let spent = amounts(&seen(&api, "tenant").await, "month", "tokens");
    assert_eq!(spent, (0, 0));
}

#[tokio::test]
async fn a_tenant_s_own_key_is_taken_and_never_the_platform_s() {
    let api = api().await;
    let key = "sk-tenant-canary-0001";
    let credentials = api.beside(provider_credentials::router);
    let path = "/api/v1/provider-credentials/scripted";
    let body = Body::Json(json!({"key": key}));
    let stored = credentials.send(ADA, Method::PUT, path, body).await;
    assert!(stored.status.is_success(), "{}", stored.text);
    api.app.clock.advance(Duration::from_secs(31));
    api.provider.take_requests();
    assert_eq!(judge(&api, json!({"input": "tea"})).await.status, 200);
    let sent = api.provider.take_requests().remove(0);
    assert_eq!(sent.key(), Some(key));
    api.provider.refuse_key(key);
    let refused = judge(&api, json!({"input": "tea"})).await;
    assert_eq!(refused.problem().1, "provider-credential-refused");
    let sent = api.provider.take_requests();
    assert!(!sent.is_empty() && sent.iter().all(|sent| sent.key() == Some(key)));
}

#[tokio::test]
async fn an_api_key_needs_the_scope_of_chats() {
    let api = api().await;
    let body = Body::Json(json!({"input": "tea"}));
    let key = api.people.api_key("ada", &[Scope::ModelsRead]).await;
    let refused = api.send_as(&key, Method::POST, PATH, body.clone()).await;
    assert_eq!(refused.problem(), (403, "forbidden".to_owned()));
    let key = api.people.api_key("ada", &[Scope::Chat]).await;
    let done = api.send_as(&key, Method::POST, PATH, body).await;
    assert_eq!(done.status, 200, "{}", done.text);
}
