//! What else happens in a turn happens to those with documents too: repeats, the cache, budgets, streams.

use axum::http::Method;
use serde_json::{Value, json};
use test_support::Body;

use super::{QUESTION, asked, asked_about, conversation, rag, text};
use crate::budgets::{allow, amounts, seen};
use crate::helpers::{ADA, stream};
use crate::runs::run_of;

#[tokio::test]
async fn the_same_request_again_searches_no_second_time() {
    let (api, base, _) = asked_about().await;
    let path = conversation(&api, ADA, rag(&base)).await;
    let body = json!({"content": QUESTION});
    let mut replies = Vec::new();
    for _ in 0..2 {
        let headers = [("idempotency-key", "once")];
        let reply = api.send_with(ADA, Method::POST, &path, Body::Json(body.clone()), &headers);
        replies.push(reply.await.body());
    }
    assert_eq!(replies[0], replies[1]);
    assert_eq!(asked(&api).1, 1);
}

#[tokio::test]
async fn a_cached_answer_has_its_citations_and_is_for_the_same_passages() {
    let (api, base, _) = asked_about().await;
    let mut settings = rag(&base);
    settings["cache"] = json!({"max_age_seconds": 3600});
    let ask = async || {
        let path = conversation(&api, ADA, settings.clone()).await;
        super::ask(&api, &path, QUESTION).await.body()
    };
    let first = ask().await;
    let again = ask().await;
    assert!(again["cached"].is_object(), "{again}");
    assert_eq!(first["citations"], again["citations"]);
    assert_eq!(again["support"], "full");
    text(&api, &base, "More", "The notice period is longer for some.").await;
    let other = ask().await;
    assert!(other.get("cached").is_none(), "{other}");
}

#[tokio::test]
async fn the_vector_of_the_question_is_charged() {
    let (api, base, _) = asked_about().await;
    allow(&api, "tenant", json!({"day": {"tokens": 100_000}})).await;
    let path = conversation(&api, ADA, rag(&base)).await;
    let reply = super::ask(&api, &path, QUESTION).await;
    let usage = &reply.body()["usage"];
    let of_answer = usage["input_tokens"].as_u64().expect("a count")
        + usage["output_tokens"].as_u64().expect("a count");
    let budget = seen(&api, "tenant").await;
    // The scripted provider counts five tokens for whatever is made a vector.
    assert_eq!(amounts(&budget, "day", "tokens"), (of_answer + 5, 0));
}

#[tokio::test]
async fn a_stream_tells_what_was_found_before_the_text_and_so_does_its_repetition() {
    let (api, base, _) = asked_about().await;
    let path = conversation(&api, ADA, rag(&base)).await;
    let whole = stream(&api, &path, QUESTION).await;
    let names: Vec<&str> = whole
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("event: "))
        .collect();
    assert_eq!(names[..3], ["start", "retrieval", "delta"]);
    assert_eq!(names.last(), Some(&"done"));
    let data = |name: &str| -> Value {
        let (_, after) = whole
            .text
            .split_once(&format!("event: {name}\n"))
            .expect("the event");
        let line = after.lines().find_map(|line| line.strip_prefix("data: "));
        serde_json::from_str(line.expect("data")).expect("JSON")
    };
    let found = &data("retrieval")["passages"][0];
    assert_eq!(found["document_name"], "Rules");
    assert!(found.get("text").is_none());
    assert_eq!(data("done")["support"], "full");
    let events = format!("{}/events", run_of(&whole));
    let again = api.send_with(ADA, Method::GET, &events, Body::Empty, &[]);
    assert_eq!(again.await.text, whole.text);
}
