//! A provider that is down, slow, or talks nonsense.

use std::time::Duration;

use axum::http::Method;
use serde_json::json;
use test_support::{Body, Fault, Reply, TestApi};

use crate::helpers::{
    ADA, api, conversation, impatient, messages, pair, provider_asked, say, sent,
};

#[tokio::test]
async fn each_fault_is_a_problem_that_says_so_and_keeps_the_question() {
    let api = api().await;
    for model in ["small", "claude", "gemini", "nova:0"] {
        for (script, status, slug) in [
            (json!({"status": 500}), 502, "provider-unavailable"),
            (json!({"status": 503}), 502, "provider-unavailable"),
            (json!({"status": 401}), 502, "provider-unauthorized"),
            (json!({"status": 403}), 502, "provider-unauthorized"),
            (json!({"status": 400}), 502, "provider-refused"),
            (json!({"status": 404}), 502, "provider-refused"),
            (json!({"status": 429}), 503, "provider-overloaded"),
            (json!({"status": 402}), 502, "provider-quota-exhausted"),
            (json!({"status": 529}), 503, "provider-overloaded"),
            (json!({"status": 302}), 502, "provider-nonsense"),
            (json!({"html": true}), 502, "provider-nonsense"),
            (
                json!({"say": ["a"], "garbage_after": 0}),
                502,
                "provider-nonsense",
            ),
            (
                json!({"say": ["a"], "cut_after": 1}),
                502,
                "provider-unavailable",
            ),
            (
                json!({"say": ["a"], "error_after": 1}),
                502,
                "provider-unavailable",
            ),
        ] {
            let path = conversation(&api, json!({"model": model})).await;
            let reply = say(&api, &path, &script).await;
            assert_eq!(
                reply.problem(),
                (status, slug.to_owned()),
                "{model} {script}"
            );
            assert!(
                !reply.text.contains("SECRET-OF-THE-PROVIDER"),
                "{}",
                reply.text
            );
            let stored = messages(&api, &path).await;
            assert_eq!(stored.len(), 1, "{script}");
            assert_eq!(stored[0]["content"], script.to_string());
            assert_eq!(stored[0]["failure"], format!("urn:chatter:problem:{slug}"));
        }
    }
}

#[tokio::test]
async fn an_overloaded_provider_says_when_to_come_back() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let reply = say(&api, &path, json!({"status": 429, "retry_after": 17})).await;
    assert_eq!(reply.header("retry-after"), "17");
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_unavailable() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    // Nobody listens, and somebody who does not speak TLS.
    let plain = api.provider.url.replace("http://", "https://");
    for address in ["http://127.0.0.1:1/v1".to_owned(), plain] {
        let mut config = shared::config::Config::clone(&api.app.config);
        config.providers[0].base_url = address;
        let app = shared::App {
            config: std::sync::Arc::new(config),
            ..api.app.clone()
        };
        let api = api.beside(|_| chat::router_with(app, engine::ProviderKeys::fixed([])));
        let reply = say(&api, &path, "Hi").await;
        assert_eq!(reply.problem(), (502, "provider-unavailable".to_owned()));
        assert!(!reply.text.contains("127.0.0.1"), "{}", reply.text);
    }
    assert_eq!(api.provider.take_requests().len(), 0);
}

#[tokio::test]
async fn a_provider_that_is_silent_times_out() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let api = impatient(&api, 300);
    for script in [json!({"head_delay_ms": 60_000}), json!({"stall_after": 0})] {
        let reply = say(&api, &path, script).await;
        assert_eq!(reply.problem(), (504, "provider-timed-out".to_owned()));
    }
}

#[tokio::test]
async fn after_a_failure_the_conversation_goes_on() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let failed = json!({"status": 500}).to_string();
    say(&api, &path, &failed).await;
    let reply = say(&api, &path, "Again").await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    assert_eq!(sent(&api), [pair("user", &failed), pair("user", "Again")]);
}

/// A turn whose answer the table takes only after so many faults.
async fn stored_with(api: &TestApi, path: &str, fault: Fault, times: usize) -> Reply {
    let turn = say(api, path, json!({"say": ["Hi"], "head_delay_ms": 200}));
    let faults = async {
        provider_asked(api).await;
        api.table.fail("TransactWriteItems", fault, times);
    };
    tokio::join!(turn, faults).0
}

#[tokio::test]
async fn an_answer_is_stored_even_if_the_table_is_throttled_for_a_while() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let reply = stored_with(&api, &path, Fault::Throttled, 5).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    assert_eq!(messages(&api, &path).await.len(), 2);
}

#[tokio::test]
async fn a_write_whose_reply_is_lost_is_made_once() {
    let api = api().await;
    for operation in ["PutItem", "TransactWriteItems"] {
        let path = conversation(&api, json!({})).await;
        api.table.fail(operation, Fault::ReplyLost, 1);
        let reply = say(&api, &path, "Hi").await;
        assert_eq!(reply.status, 201, "{operation}: {}", reply.text);
        assert_eq!(messages(&api, &path).await.len(), 2, "{operation}");
    }
}

#[tokio::test]
async fn an_answer_whose_storing_was_never_confirmed_is_found_stored() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    // More than the client's own retries: the whole transaction is made anew.
    let reply = stored_with(&api, &path, Fault::ReplyLost, 4).await;
    let stored = messages(&api, &path).await;
    assert_eq!(stored.len(), 2, "{stored:?}");
    assert_eq!(reply.status, 201, "{}", reply.text);
    assert_eq!(stored[0].get("failure"), None);
}

#[tokio::test]
async fn a_turn_that_may_have_begun_is_not_begun_twice() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let headers = [("idempotency-key", "key")];
    let say = async || {
        let body = Body::Json(json!({"content": "Hi"}));
        api.send_with(ADA, Method::POST, &path, body, &headers)
            .await
    };
    api.table.fail("TransactWriteItems", Fault::ReplyLost, 10);
    assert_eq!(say().await.problem().0, 503);
    api.table.heal();
    assert_eq!(api.provider.take_requests().len(), 0);
    // Nobody works on it, which shows as soon as its lease is over.
    api.app.clock.advance(Duration::from_secs(11));
    assert_eq!(say().await.status, 503);
    assert_eq!(api.provider.take_requests().len(), 0);
    assert_eq!(messages(&api, &path).await.len(), 1);
}

#[tokio::test]
async fn what_the_provider_refused_is_not_sent_again() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    say(&api, &path, json!({"status": 400})).await;
    assert_eq!(say(&api, &path, "Hi").await.status, 201);
    assert_eq!(sent(&api), [pair("user", "Hi")]);
}

#[tokio::test]
async fn an_empty_answer_is_none() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let reply = say(&api, &path, json!({"say": [" "]})).await;
    assert_eq!(reply.problem(), (502, "provider-nonsense".to_owned()));
    assert_eq!(messages(&api, &path).await.len(), 1);
}

#[tokio::test]
async fn nothing_is_spent_if_the_question_can_not_be_stored() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    api.table.fail("TransactWriteItems", Fault::Denied, 1);
    assert_eq!(
        say(&api, &path, "Hi").await.problem(),
        (500, "internal".to_owned())
    );
    assert_eq!(api.provider.take_requests().len(), 0);
}
