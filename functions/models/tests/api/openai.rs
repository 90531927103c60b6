//! `GET /v1/models` and `GET /v1/models/{model}`: models as OpenAI's clients list them.

use axum::http::Method;
use serde_json::{Value, json};
use shared::model::Scope;
use test_support::{Body, TestApi};

use crate::{ADA, api};

fn ids(body: &Value) -> Vec<&str> {
    let data = body["data"].as_array().expect("models").iter();
    data.map(|model| model["id"].as_str().expect("an id"))
        .collect()
}

#[tokio::test]
async fn everything_that_can_be_chosen_is_listed_under_all_its_names() {
    let reply = api().await.get(ADA, "/v1/models").await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let body = reply.body();
    assert_eq!(body["object"], "list");
    let known = json!({"id": "small", "object": "model", "created": 0, "owned_by": "scripted"});
    assert_eq!(body["data"][0], known);
    assert_eq!(
        ids(&body),
        [
            "small",
            "large",
            "claude",
            "gemini",
            "nova:0",
            "words",
            "few-words",
            "judge",
            "other-judge",
            "scripted/small",
            "scripted/large",
            "scripted-claude/claude",
            "scripted-gemini/gemini",
            "scripted-bedrock/nova:0",
            "scripted/words",
            "scripted/few-words",
            "scripted/judge",
            "scripted/other-judge",
        ]
    );
    assert!(!reply.text.contains("127.0.0.1"), "{}", reply.text);
}

#[tokio::test]
async fn whatever_is_listed_is_found_with_its_slashes_as_they_are_or_encoded() {
    let api = api().await;
    let listed = api.get(ADA, "/v1/models").await.body();
    for model in listed["data"].as_array().expect("models") {
        let id = model["id"].as_str().expect("an id");
        for id in [id.to_owned(), id.replace('/', "%2F")] {
            let found = api.get(ADA, &format!("/v1/models/{id}")).await;
            assert_eq!(found.status, 200, "{id}: {}", found.text);
            assert_eq!(found.body(), *model, "{id}");
        }
    }
    for unknown in [
        "nothing",
        "scripted/nothing",
        "a/b/c/d",
        "SMALL",
        "..%2Fsmall",
    ] {
        let reply = api.get(ADA, &format!("/v1/models/{unknown}")).await;
        assert_eq!(
            reply.problem(),
            (404, "model-not-found".to_owned()),
            "{unknown}"
        );
        assert_eq!(reply.openai().2.as_deref(), Some("model"), "{unknown}");
    }
    let gone = api.send(ADA, Method::DELETE, "/v1/models/a/b", Body::Empty);
    assert_eq!(gone.await.problem(), (405, "method-not-allowed".to_owned()));
}

#[tokio::test]
async fn without_a_key_that_holds_it_is_401_in_openai_s_form() {
    let api = api().await;
    for (token, status) in [("chatter_live_nothing", 401), ("", 401)] {
        let reply = api
            .send_as(token, Method::GET, "/v1/models", Body::Empty)
            .await;
        assert_eq!(reply.status, status);
        assert_eq!(reply.problem(), (401, "unauthenticated".to_owned()));
        assert_eq!(reply.openai().1, "invalid_api_key");
        assert_eq!(
            reply.header("www-authenticate"),
            r#"Bearer error="invalid_token""#
        );
    }
    let key = api.people.api_key("ada", &[Scope::Chat]).await;
    let reply = api
        .send_as(&key, Method::GET, "/v1/models", Body::Empty)
        .await;
    assert_eq!(reply.problem(), (403, "forbidden".to_owned()));
    assert_eq!(reply.openai().1, "permission_denied");
    let key = api.people.api_key("ada", &[Scope::ModelsRead]).await;
    let reply = api
        .send_as(&key, Method::GET, "/v1/models", Body::Empty)
        .await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn the_tightest_limit_is_told_as_openai_does() {
    let policy = |name: &str, per: &str, quota: u32, window: u32| json!({"name": name, "class": "read", "per": per, "quota": quota, "window": window});
    let mut limits = vec![
        policy("one", "caller", 2, 60),
        policy("all", "tenant", 50, 3600),
    ];
    for class in ["open", "auth", "mail"] {
        limits.push(json!({"name": class, "class": class, "per": "source", "quota": 1_000_000, "window": 60}));
    }
    for class in ["write", "turn", "sensitive"] {
        limits.push(json!({"name": class, "class": class, "per": "caller", "quota": 1_000_000, "window": 60}));
    }
    let api = TestApi::with_limits(&json!(limits), |app, _| models::router(app)).await;
    for (status, remaining) in [(200, "1"), (200, "0"), (429, "0")] {
        let reply = api.get(ADA, "/v1/models").await;
        assert_eq!(reply.status, status, "{}", reply.text);
        assert_eq!(reply.header("x-ratelimit-limit-requests"), "2");
        assert_eq!(reply.header("x-ratelimit-remaining-requests"), remaining);
        assert_eq!(reply.header("x-ratelimit-reset-requests"), "1m0s");
        if status == 429 {
            assert_eq!(reply.problem(), (429, "quota-exceeded".to_owned()));
            let (kind, code, _) = reply.openai();
            assert_eq!(
                (kind.as_str(), code.as_str()),
                ("requests", "rate_limit_exceeded")
            );
            assert_eq!(reply.header("retry-after"), "60");
        }
    }
    let native = api.get(Some("bob"), "/api/v1/models").await;
    assert!(!native.headers.contains_key("x-ratelimit-limit-requests"));
}
