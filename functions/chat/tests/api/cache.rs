//! Answers that are given again to whoever asks the same and allows it.

mod backends;
mod valkey;

use std::time::Duration;

use serde_json::{Value, json};
use shared::App;
use shared::config::CacheBackend;
use shared::response_cache::ResponseCache;
use test_support::{Reply, TestApi};

use crate::budgets::{allow, amounts, seen};
use crate::helpers::{ADA, api, conversation, messages};
use crate::routes::run;

const HOUR: u32 = 3600;
/// A busy machine must not look like a cache that is away.
const PATIENCE: Duration = Duration::from_secs(30);

/// Says something in a new conversation, where an answer may be that old.
async fn ask(api: &TestApi, person: &str, content: &str, more: Value) -> Reply {
    let conversations = api.beside(conversations::router);
    let made = conversations
        .post(
            Some(person),
            "/api/v1/conversations",
            json!({"model": "large"}),
        )
        .await;
    let mut body = json!({"content": content, "settings": {"cache": {"max_age_seconds": HOUR}}});
    for (name, value) in more.as_object().expect("fields") {
        body[name] = value.clone();
    }
    let path = format!("{}/messages", made.location());
    let reply = api.post(Some(person), &path, body).await;
    assert!(reply.status.is_success(), "{}", reply.text);
    reply
}

fn asked(api: &TestApi) -> usize {
    api.provider.take_requests().len()
}

/// The same process with another cache.
fn with_cache(api: &TestApi, backend: &CacheBackend) -> TestApi {
    let App { vault, clock, .. } = api.app.clone();
    let app = App {
        response_cache: ResponseCache::new(backend, None, vault, clock).with_patience(PATIENCE),
        ..api.app.clone()
    };
    let build = |_| chat::router_with(app, engine::ProviderKeys::fixed([]));
    api.beside(build)
}

#[tokio::test]
async fn the_same_question_is_asked_once_and_the_second_answer_cost_nothing() {
    let api = api().await;
    let first = ask(&api, "ada", "Hello", json!({})).await;
    allow(&api, "tenant", json!({"day": {"tokens": 1_000_000}})).await;
    api.app.clock.advance(Duration::from_secs(60));
    let again = ask(&api, "ada", "Hello", json!({})).await;
    assert_eq!(asked(&api), 1);
    let (first, body) = (first.body(), again.body());
    assert_eq!(body["content"], first["content"]);
    assert_eq!(
        (&first["cached"], &first["usage"]["input_tokens"]),
        (&Value::Null, &json!(11))
    );
    let cached = json!({"run_id": first["run_id"], "created_at": first["created_at"]});
    assert_eq!(body["cached"], cached);
    assert_eq!(
        body["usage"],
        json!({"input_tokens": 0, "output_tokens": 0})
    );
    let run = run(&api, &again).await;
    assert_eq!(run["cost_micro_dollars"], 0);
    assert_eq!(run["attempts"].as_array().map(Vec::len), Some(1));
    assert_eq!(run["attempts"][0]["cached_from"], first["run_id"]);
    assert_eq!(run["settings"]["cache"], json!({"max_age_seconds": HOUR}));
    assert_eq!(
        amounts(&seen(&api, "tenant").await, "day", "tokens"),
        (0, 0)
    );
    let path = format!(
        "/api/v1/conversations/{}/messages",
        body["conversation_id"].as_str().expect("an id")
    );
    assert_eq!(messages(&api, &path).await[1]["cached"], cached);
}

#[tokio::test]
async fn a_model_without_a_price_costs_nothing_either() {
    let api = api().await;
    for model in ["small", "small"] {
        ask(&api, "ada", "Hello", json!({"model": model})).await;
    }
    allow(&api, "tenant", json!({"day": {"tokens": 1_000_000}})).await;
    let again = ask(&api, "ada", "Hello", json!({"model": "small"})).await;
    assert_eq!(asked(&api), 1);
    assert_eq!(run(&api, &again).await["cost_micro_dollars"], 0);
    assert_eq!(
        amounts(&seen(&api, "tenant").await, "day", "tokens"),
        (0, 0)
    );
}

#[tokio::test]
async fn streams_and_whole_answers_share_what_is_kept() {
    let api = api().await;
    let whole = ask(&api, "ada", "Hello", json!({})).await.body();
    let stream = ask(&api, "ada", "Hello", json!({"stream": true})).await;
    assert_eq!(asked(&api), 1);
    let events = stream.events();
    let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["start", "delta", "done"]);
    assert_eq!(events[1].data["content"], whole["content"]);
    assert_eq!(events[2].data["cached"]["run_id"], whole["run_id"]);
}

#[tokio::test]
async fn whatever_else_is_asked_is_asked_anew() {
    let api = api().await;
    let tool =
        |name: &str| json!([{"name": name, "parameters": {"type": "object", "properties": {}}}]);
    for more in [
        json!({}),
        json!({"model": "small"}),
        json!({"model": "claude"}),
        json!({"tools": tool("a")}),
        json!({"tools": tool("b")}),
        json!({"tools": tool("a"), "tool_choice": "none"}),
        json!({"settings": {"temperature": 0.5, "cache": {"max_age_seconds": HOUR}}}),
        json!({"settings": {"temperature": 0.6, "cache": {"max_age_seconds": HOUR}}}),
    ] {
        ask(&api, "ada", "Hello", more.clone()).await;
        assert_eq!(asked(&api), 1, "{more}");
        ask(&api, "ada", "Hello", more.clone()).await;
        assert_eq!(asked(&api), 0, "{more}");
    }
    ask(&api, "bob", "Hello", json!({})).await;
    assert_eq!(asked(&api), 1, "another tenant");
    let cache = json!({"cache": {"max_age_seconds": HOUR}});
    let path = conversation(
        &api,
        json!({"model": "large", "system_prompt": "Be brief."}),
    )
    .await;
    for content in ["Hello", "Hello"] {
        let body = json!({"content": content, "settings": cache});
        api.post(ADA, &path, body).await;
    }
    assert_eq!(asked(&api), 2, "a system prompt, and a history");
}

#[tokio::test]
async fn the_order_of_members_is_no_difference() {
    let api = api().await;
    for parameters in [
        r#"{"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}"#,
        r#"{"properties": {"b": {"type": "string"}, "a": {"type": "string"}}, "type": "object"}"#,
    ] {
        let parameters: Value = serde_json::from_str(parameters).expect("JSON");
        let tools = json!([{"name": "a", "parameters": parameters}]);
        ask(&api, "ada", "Hello", json!({"tools": tools})).await;
    }
    assert_eq!(asked(&api), 1);
}

#[tokio::test]
async fn an_answer_may_be_as_old_as_the_request_says_and_no_older() {
    let api = api().await;
    ask(&api, "ada", "Hello", json!({})).await;
    api.app.clock.advance(Duration::from_secs(HOUR.into()));
    ask(&api, "ada", "Hello", json!({})).await;
    assert_eq!(asked(&api), 1);
    api.app.clock.advance(Duration::from_secs(1));
    ask(&api, "ada", "Hello", json!({})).await;
    assert_eq!(asked(&api), 1, "too old");
    ask(&api, "ada", "Hello", json!({})).await;
    assert_eq!(asked(&api), 0, "the new one has taken its place");
}

#[tokio::test]
async fn who_does_not_ask_for_it_neither_gets_nor_leaves_an_answer() {
    let api = api().await;
    for settings in [json!({}), json!({"cache": {"max_age_seconds": 0}})] {
        ask(&api, "ada", "Hello", json!({"settings": settings})).await;
    }
    assert!(!api.table.dump().await.contains("#CACHE#"));
    ask(&api, "ada", "Hello", json!({})).await;
    ask(&api, "ada", "Hello", json!({"settings": {}})).await;
    assert_eq!(asked(&api), 4);
}

#[tokio::test]
async fn what_is_kept_does_not_show_what_was_asked_or_answered() {
    let api = api().await;
    ask(&api, "ada", "canary", json!({})).await;
    let dump: Value = serde_json::from_str(&api.table.dump().await).expect("JSON");
    let items = dump["Items"].as_array().expect("items").iter();
    let kept: Vec<String> = items
        .filter(|item| {
            item["pk"]["S"]
                .as_str()
                .is_some_and(|pk| pk.contains("#CACHE#"))
        })
        .map(Value::to_string)
        .collect();
    assert_eq!(kept.len(), 1);
    assert!(
        kept[0].contains("v1.") && !kept[0].contains("canary"),
        "{kept:?}"
    );
}

#[tokio::test]
async fn only_whole_answers_are_kept() {
    let api = api().await;
    for script in [
        json!({"say": ["Once"], "finish": "length"}),
        json!({"say": ["No"], "finish": "content_filter"}),
    ] {
        ask(&api, "ada", &script.to_string(), json!({})).await;
    }
    let path = conversation(&api, json!({"model": "large"})).await;
    let cut = json!({"say": ["Once", " upon"], "cut_after": 1}).to_string();
    let body = json!({"content": cut, "settings": {"cache": {"max_age_seconds": HOUR}}});
    assert_eq!(api.post(ADA, &path, body).await.status, 502);
    assert!(!api.table.dump().await.contains("#CACHE#"));
}

#[tokio::test]
async fn thoughts_and_calls_are_given_again_as_they_were() {
    let api = api().await;
    let script = json!({"think": ["Hm"], "signature": "sig", "say": ["Let me see"],
        "calls": [{"name": "a", "arguments": ["{}"]}, {"name": "a", "arguments": ["{}"]}]});
    let tools = json!([{"name": "a", "parameters": {"type": "object"}}]);
    let more = json!({"tools": tools});
    let first = ask(&api, "ada", &script.to_string(), more.clone())
        .await
        .body();
    let again = ask(&api, "ada", &script.to_string(), more).await.body();
    assert_eq!(asked(&api), 1);
    assert_eq!(first["parts"].as_array().map(Vec::len), Some(4), "{first}");
    assert_eq!(again["parts"], first["parts"]);
    assert_eq!(again["finish_reason"], "tool_calls");
}

#[tokio::test]
async fn a_cache_that_is_away_keeps_no_turn_waiting() {
    let api = api().await;
    // A port that nobody listens at any more.
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("redis://{}", socket.local_addr().expect("an address"));
    drop(socket);
    let away = with_cache(&api, &CacheBackend::Redis(address));
    for _ in 0..2 {
        let reply = ask(&away, "ada", "Hello", json!({})).await;
        assert_eq!(reply.body()["cached"], Value::Null);
    }
    assert_eq!(asked(&api), 2);
}

#[tokio::test]
async fn a_deployment_without_a_cache_says_so() {
    let api = with_cache(&api().await, &CacheBackend::Off);
    let settings = json!({"cache": {"max_age_seconds": HOUR}});
    let path = conversation(&api, json!({"settings": settings})).await;
    let reply = api.post(ADA, &path, json!({"content": "Hi", "settings": settings}));
    assert_eq!(reply.await.errors()[0].0, "/settings/cache");
    let reply = api.post(ADA, &path, json!({"content": "Hi"})).await;
    assert_eq!(
        reply.status, 201,
        "what the conversation says does not count"
    );
    assert_eq!(run(&api, &reply).await["settings"]["cache"], Value::Null);
}

#[tokio::test]
async fn an_age_that_breaks_the_rule_is_refused() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    for (cache, field) in [
        (
            json!({"max_age_seconds": 604_801}),
            "/settings/cache/max_age_seconds",
        ),
        (
            json!({"max_age_seconds": -1}),
            "/settings/cache/max_age_seconds",
        ),
        (
            json!({"max_age_seconds": 1, "shared": true}),
            "/settings/cache/shared",
        ),
    ] {
        let body = json!({"content": "Hi", "settings": {"cache": cache}});
        assert_eq!(api.post(ADA, &path, body).await.errors()[0].0, field);
    }
}
