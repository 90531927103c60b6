//! What a tenant says about models.

use axum::http::Method;
use serde_json::{Value, json};
use test_support::{Body, Reply, TestApi};

use crate::{ADA, api};

const PATH: &str = "/api/v1/registry";

async fn put(api: &TestApi, tag: &str, document: Value) -> Reply {
    let headers = [("if-match", tag)];
    let body = Body::Json(document);
    api.send_with(ADA, Method::PUT, PATH, body, &headers).await
}

/// What `POST` says is wrong, by field.
async fn refused(api: &TestApi, document: Value) -> Vec<String> {
    let reply = put(api, "*", document).await;
    assert_eq!(reply.status, 422, "{}", reply.text);
    reply.errors().into_iter().map(|(field, _)| field).collect()
}

fn own_provider() -> Value {
    json!({
        "name": "ours", "wire": "openai", "base_url": "https://llm.example.com/v1",
        "models": [{"id": "our-llama", "provider_model": "meta/llama", "context_window": 8192, "max_output_tokens": 1024,
                    "price": {"version": "1", "input": 100_000, "output": 200_000}}],
    })
}

/// What can be chatted with.
async fn names(api: &TestApi, who: &str) -> Vec<String> {
    let reply = api.get(Some(who), "/api/v1/models").await;
    let models = reply.body()["data"].as_array().cloned().expect("models");
    let name = |model: &Value| model["id"].as_str().expect("an id").to_owned();
    let chats = models.iter().filter(|model| model["type"] == "chat");
    chats.map(name).collect()
}

#[tokio::test]
async fn it_is_empty_until_somebody_writes_it_and_then_what_was_written() {
    let api = api().await;
    let before = api.get(ADA, PATH).await;
    assert_eq!(
        before.body(),
        json!({"providers": [], "routes": [], "allowed_models": null, "defaults": {"settings": {}}})
    );
    let document = json!({
        "providers": [own_provider()],
        "routes": [{"name": "fast", "targets": [{"model": "our-llama", "max_input_tokens": 500}, {"model": "large"}]}],
        "allowed_models": ["fast", "small", "our-llama"],
        "defaults": {"model": "fast", "settings": {"temperature": 0.25}},
    });
    let written = put(&api, before.header("etag"), document).await;
    assert_eq!(written.status, 200, "{}", written.text);
    let after = api.get(ADA, PATH).await;
    assert_eq!(after.text, written.text);
    assert_eq!(after.header("etag"), written.header("etag"));
    assert_ne!(after.header("etag"), before.header("etag"));
    let route = &after.body()["routes"][0];
    assert_eq!(
        route["targets"][0]["attempts"], 2,
        "what was left out is shown"
    );
    assert_eq!(route["switch_mid_answer"], false);
}

#[tokio::test]
async fn models_and_routes_are_listed_as_the_tenant_says_and_only_for_it() {
    let api = api().await;
    let document = json!({
        "providers": [own_provider()],
        "routes": [{"name": "fast", "targets": [{"model": "our-llama"}, {"model": "large"}]}],
        "allowed_models": ["fast", "small", "our-llama"],
        "defaults": {"model": "fast"},
    });
    put(&api, "*", document).await;
    assert_eq!(names(&api, "ada").await, ["small", "our-llama", "fast"]);
    assert_eq!(names(&api, "bob").await.len(), 5, "another tenant");
    let route = api.get(ADA, "/api/v1/models/fast").await.body();
    assert_eq!(
        route,
        json!({
            "id": "fast", "type": "chat", "provider": "ours", "default": true, "targets": ["our-llama", "large"],
            "context_window": 100_000, "max_output_tokens": 1000, "dimensions": null, "max_input_tokens": null,
            "capabilities": [], "price": null,
        })
    );
    let own = api.get(ADA, "/api/v1/models/our-llama").await.body();
    assert_eq!(
        (&own["default"], &own["price"]["output"]),
        (&json!(false), &json!(200_000))
    );
    let hidden = api.get(ADA, "/api/v1/models/large").await;
    assert_eq!(hidden.status, 404, "not allowed");
}

#[tokio::test]
async fn what_is_not_active_is_not_offered() {
    let api = api().await;
    let mut provider = own_provider();
    provider["embedding_models"] = json!([
        {"id": "our-vectors", "dimensions": 8, "max_input_tokens": 100},
        {"id": "resting-vectors", "active": false, "dimensions": 8, "max_input_tokens": 100}]);
    provider["rerank_models"] = json!([
        {"id": "our-sorter", "max_input_tokens": 100},
        {"id": "resting-sorter", "active": false, "max_input_tokens": 100}]);
    provider["moderation_models"] =
        json!([{"id": "our-judge"}, {"id": "resting-judge", "active": false}]);
    let more = json!({"id": "resting", "active": false, "context_window": 8192, "max_output_tokens": 1024});
    provider["models"]
        .as_array_mut()
        .expect("models")
        .push(more);
    let routes = json!([{"name": "r", "targets": [{"model": "resting"}, {"model": "our-llama"}]},
                        {"name": "gone", "targets": [{"model": "resting"}]}]);
    let document = json!({"providers": [provider], "routes": routes});
    put(&api, "*", document.clone()).await;
    assert_eq!(names(&api, "ada").await[5..], ["our-llama", "r"]);
    let route = api.get(ADA, "/api/v1/models/r").await.body();
    assert_eq!(route["targets"], json!(["our-llama"]));
    for (name, status) in [
        ("our-vectors", 200),
        ("resting-vectors", 404),
        ("our-sorter", 200),
        ("resting-sorter", 404),
        ("our-judge", 200),
        ("resting-judge", 404),
    ] {
        let reply = api.get(ADA, &format!("/api/v1/models/{name}")).await;
        assert_eq!(reply.status, status, "{name}: {}", reply.text);
    }
    let mut document = document;
    document["providers"][0]["active"] = false.into();
    put(&api, "*", document).await;
    assert_eq!(names(&api, "ada").await.len(), 5, "the platform's only");
}

#[tokio::test]
async fn of_two_who_write_at_once_one_is_told_to_look_again() {
    let api = api().await;
    let tag = api.get(ADA, PATH).await.header("etag").to_owned();
    let (one, other) = tokio::join!(put(&api, &tag, json!({})), put(&api, &tag, json!({})));
    let mut statuses = [one.status, other.status].map(|status| status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    let blind = api
        .send(ADA, Method::PUT, PATH, Body::Json(json!({})))
        .await;
    assert_eq!(blind.status, 428);
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once_and_nothing_is_written() {
    let api = api().await;
    let mut provider = own_provider();
    provider["name"] = "scripted".into();
    provider["base_url"] = "http://169.254.169.254/latest".into();
    provider["models"][0]["id"] = "small".into();
    provider["models"][0]["max_output_tokens"] = 9_000.into();
    let document = json!({
        "providers": [provider],
        "routes": [
            {"name": "large", "targets": [{"model": "nobody"}]},
            {"name": "r", "targets": []},
            {"name": "s", "targets": [{"model": "r", "min_input_tokens": 2, "max_input_tokens": 1,
                                       "first_token_timeout_ms": 99, "attempts": 4}]},
        ],
        "allowed_models": ["nothing", "large"],
        "defaults": {"model": "small", "settings": {"temperature": 3}},
    });
    assert_eq!(
        refused(&api, document).await,
        [
            "/providers/0/name",
            "/providers/0/base_url",
            "/providers/0/models/0/max_output_tokens",
            "/providers/0/models/0/id",
            "/routes/0/name",
            "/routes/0/targets/0/model",
            "/routes/1/targets",
            "/routes/2/targets/0/model",
            "/routes/2/targets/0/max_input_tokens",
            "/routes/2/targets/0/first_token_timeout_ms",
            "/routes/2/targets/0/attempts",
            "/allowed_models",
            "/defaults/model",
            "/defaults/settings/temperature",
        ]
    );
    assert_eq!(api.get(ADA, PATH).await.body()["routes"], json!([]));
}

#[tokio::test]
async fn models_for_orders_are_checked_like_others_and_only_one_wire_has_them() {
    let api = api().await;
    let mut provider = own_provider();
    // The name of a model of the platform's, and one of the provider's own.
    provider["rerank_models"] = json!([
        {"id": "words", "max_input_tokens": 100},
        {"id": "our-llama", "max_input_tokens": 63},
        {"id": "our-sorter", "max_input_tokens": 100}]);
    let sound = json!({"id": "ours", "max_input_tokens": 100});
    let mut other = json!({"name": "other", "wire": "gemini", "base_url": "https://llm.example.com/v1", "models": []});
    other["rerank_models"] = json!([sound]);
    let routes = json!([{"name": "our-sorter", "targets": [{"model": "our-sorter"}]}]);
    let document = json!({"providers": [provider, other], "routes": routes,
                          "defaults": {"rerank_model": "small"}});
    assert_eq!(
        refused(&api, document).await,
        [
            "/providers/0/rerank_models/0/id",
            "/providers/0/rerank_models/1/max_input_tokens",
            "/providers/0/rerank_models/1/id",
            "/providers/1/rerank_models",
            "/defaults/rerank_model",
            "/routes/0/targets/0/model",
        ]
    );
    let mut provider = own_provider();
    provider["rerank_models"] = json!([sound]);
    let document = json!({"providers": [provider], "defaults": {"rerank_model": "ours"}});
    put(&api, "*", document).await;
    let chosen = api.get(ADA, "/api/v1/models/ours").await.body();
    assert_eq!(chosen["default"], true, "{chosen}");
    let platform = api.get(ADA, "/api/v1/models/sorter").await.body();
    assert_eq!(platform["default"], false, "{platform}");
}

#[tokio::test]
async fn models_that_judge_are_checked_like_others_and_only_one_wire_has_them() {
    let api = api().await;
    let mut provider = own_provider();
    // The names of models of the platform's, and one of the provider's own.
    provider["moderation_models"] = json!([
        {"id": "judge"}, {"id": "sorter"}, {"id": "our-llama", "provider_model": "a b"}, {"id": "our-judge"}]);
    let mut other = json!({"name": "other", "wire": "bedrock", "base_url": "https://llm.example.com/v1", "models": []});
    other["moderation_models"] = json!([{"id": "ours"}]);
    let routes = json!([{"name": "r", "targets": [{"model": "our-judge"}]}]);
    let document = json!({"providers": [provider, other], "routes": routes,
                          "defaults": {"moderation_model": "small"}});
    assert_eq!(
        refused(&api, document).await,
        [
            "/providers/0/moderation_models/0/id",
            "/providers/0/moderation_models/1/id",
            "/providers/0/moderation_models/2/provider_model",
            "/providers/0/moderation_models/2/id",
            "/providers/1/moderation_models",
            "/defaults/moderation_model",
            "/routes/0/targets/0/model",
        ]
    );
    let mut provider = own_provider();
    provider["moderation_models"] = json!([{"id": "ours"}]);
    let document = json!({"providers": [provider], "defaults": {"moderation_model": "ours"}});
    put(&api, "*", document).await;
    let chosen = api.get(ADA, "/api/v1/models/ours").await.body();
    assert_eq!(chosen["default"], true, "{chosen}");
    let platform = api.get(ADA, "/api/v1/models/judge").await.body();
    assert_eq!(platform["default"], false, "{platform}");
}

#[tokio::test]
async fn an_address_must_be_public_and_a_name_a_name() {
    let api = api().await;
    for wrong in [
        "http://llm.example.com/v1",
        "https://10.0.0.1/v1",
        "https://llm.example.com:22/v1",
        "https://me:secret@llm.example.com/v1",
        "https://llm.example.com/v1/",
        "https://llm.example.com/v1?key=1",
        "ftp://llm.example.com",
        "",
    ] {
        let mut provider = own_provider();
        provider["base_url"] = wrong.into();
        let fields = refused(&api, json!({"providers": [provider]})).await;
        assert_eq!(fields, ["/providers/0/base_url"], "{wrong}");
    }
    for wrong in ["", "a/b", "-a", "a b"] {
        let mut provider = own_provider();
        provider["name"] = wrong.into();
        let fields = refused(&api, json!({"providers": [provider]})).await;
        assert_eq!(fields, ["/providers/0/name"], "{wrong}");
    }
    let twice = json!({"providers": [own_provider(), own_provider()]});
    assert_eq!(
        refused(&api, twice).await,
        ["/providers/1/name", "/providers/1/models/0/id"]
    );
    let mut provider = own_provider();
    provider["owner"] = "platform".into();
    let fields = refused(&api, json!({"providers": [provider]})).await;
    assert_eq!(
        fields,
        ["/providers/0/owner"],
        "nobody makes himself the platform"
    );
}

#[tokio::test]
async fn a_change_stands_in_the_trail() {
    let api = api().await;
    put(&api, "*", json!({"defaults": {"model": "large"}})).await;
    let audit = api.beside(audit::router);
    let trail = audit.get(ADA, "/api/v1/audit").await.body();
    // The newest record is that the trail was read.
    assert_eq!(trail["data"][1]["action"], "registry_changed", "{trail}");
}
