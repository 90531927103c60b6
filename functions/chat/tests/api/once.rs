//! `Idempotency-Key` of turns: the same request, sent again, is the same run.

use std::time::Duration;

use axum::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use test_support::{Body, Reply, TestApi};

use crate::helpers::{ADA, api, conversation, messages, say};
use crate::runs::{newest, run_of};

async fn send(api: &TestApi, person: Option<&str>, path: &str, key: &str, body: Value) -> Reply {
    let headers = [("idempotency-key", key)];
    api.send_with(person, Method::POST, path, Body::Json(body), &headers)
        .await
}

fn saying(script: &Value) -> Value {
    json!({"content": script.to_string()})
}

#[tokio::test]
async fn the_same_request_again_gets_the_same_answer_and_asks_nobody() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let body = saying(&json!({"say": ["Hello"]}));
    let first = send(&api, ADA, &path, "key-1", body.clone()).await;
    assert_eq!(first.status, 201);
    assert_eq!(first.header("idempotency-replayed"), "");
    for key in ["key-1", "\"key-1\""] {
        let again = send(&api, ADA, &path, key, body.clone()).await;
        assert_eq!((again.status, &again.text), (first.status, &first.text));
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(run_of(&again), run_of(&first));
    }
    assert_eq!(api.provider.take_requests().len(), 1);
    assert_eq!(messages(&api, &path).await.len(), 2);
    // How the body is written does not matter.
    let spaced = format!("{{ \"stream\": false, \"content\": {} }}", body["content"]);
    let body = Body::Raw(Some("application/json"), spaced.into_bytes());
    let headers = [("idempotency-key", "key-1")];
    let again = api
        .send_with(ADA, Method::POST, &path, body, &headers)
        .await;
    assert_eq!(again.text, first.text);
}

#[tokio::test]
async fn a_stream_is_sent_again_byte_for_byte() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let body = json!({"content": json!({"say": ["a", "b"]}).to_string(), "stream": true});
    let first = send(&api, ADA, &path, "key", body.clone()).await;
    let again = send(&api, ADA, &path, "key", body).await;
    assert_eq!(again.text, first.text);
    assert_eq!(again.header("idempotency-replayed"), "true");
}

#[tokio::test]
async fn of_fifty_same_requests_at_once_one_asks_the_provider_and_all_get_its_answer() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let body = saying(&json!({"say": ["Hello"], "head_delay_ms": 300}));
    let requests = (0..50).map(|_| send(&api, ADA, &path, "key", body.clone()));
    let replies = join_all(requests).await;
    for reply in &replies {
        assert_eq!(
            (reply.status.as_u16(), &reply.text),
            (201, &replies[0].text)
        );
    }
    let replayed = replies
        .iter()
        .filter(|reply| reply.header("idempotency-replayed") == "true");
    assert_eq!(replayed.count(), 49);
    assert_eq!(api.provider.take_requests().len(), 1);
    assert_eq!(messages(&api, &path).await.len(), 2);
}

#[tokio::test]
async fn a_key_with_another_request_is_refused_and_asks_nobody() {
    let api = api().await;
    let (path, other) = (
        conversation(&api, json!({})).await,
        conversation(&api, json!({})).await,
    );
    let body = saying(&json!({"say": ["Hello"]}));
    send(&api, ADA, &path, "key", body.clone()).await;
    api.provider.take_requests();
    let mut streamed = body.clone();
    streamed["stream"] = json!(true);
    for (path, body) in [
        (&path, saying(&json!({"say": ["Bye"]}))),
        (&path, streamed),
        (&other, body.clone()),
    ] {
        let reply = send(&api, ADA, path, "key", body).await;
        assert_eq!(reply.problem(), (422, "idempotency-key-reused".to_owned()));
    }
    assert_eq!(api.provider.take_requests().len(), 0);
    // Somebody else's key is another one.
    let reply = send(&api, Some("bob"), &path, "key", body).await;
    assert_eq!(reply.problem(), (404, "not-found".to_owned()));
}

#[tokio::test]
async fn a_failure_is_told_again_and_a_request_that_began_nothing_is_not_remembered() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let failing = saying(&json!({"status": 500}));
    let first = send(&api, ADA, &path, "key", failing.clone()).await;
    assert_eq!(first.problem(), (502, "provider-unavailable".to_owned()));
    let again = send(&api, ADA, &path, "key", failing).await;
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    assert_eq!(again.header("content-type"), "application/problem+json");
    let asked = api.provider.take_requests();
    assert_eq!(
        asked.len(),
        2,
        "the turn tried twice, the second request not at all"
    );

    let empty = json!({"content": " "});
    assert_eq!(send(&api, ADA, &path, "new", empty).await.status, 422);
    let reply = send(&api, ADA, &path, "new", saying(&json!({"say": ["Hi"]}))).await;
    assert_eq!(reply.status, 201);
    // A turn that met another one began nothing either.
    let before = newest(&api).await;
    let slow = say(&api, &path, json!({"say": ["Hi"], "head_delay_ms": 300}));
    let busy = async {
        while newest(&api).await == before {
            tokio::task::yield_now().await;
        }
        send(&api, ADA, &path, "busy", saying(&json!({"say": ["Ho"]}))).await
    };
    let (_, refused) = tokio::join!(slow, busy);
    assert_eq!(refused.problem(), (409, "conversation-busy".to_owned()));
    let reply = send(&api, ADA, &path, "busy", saying(&json!({"say": ["Ho"]}))).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("idempotency-replayed")),
        (201, "")
    );
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let body = saying(&json!({"say": ["Hello"]}));
    let first = send(&api, ADA, &path, "key", body.clone()).await;
    for (seconds, replayed) in [(24 * 3600 - 1, "true"), (1, "")] {
        api.app.clock.advance(Duration::from_secs(seconds));
        api.people.log_in_again("ada").await;
        let again = send(&api, ADA, &path, "key", body.clone()).await;
        assert_eq!(again.header("idempotency-replayed"), replayed);
        assert_eq!(again.text == first.text, replayed == "true");
    }
}

#[tokio::test]
async fn what_is_no_key_is_refused_before_anything_is_done() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let long = "x".repeat(256);
    for wrong in ["", "a b", "\"\"", long.as_str()] {
        let reply = send(&api, ADA, &path, wrong, saying(&json!({"say": ["Hi"]}))).await;
        assert_eq!(reply.problem(), (400, "malformed-request".to_owned()));
    }
    assert_eq!(api.provider.take_requests().len(), 0);
}
