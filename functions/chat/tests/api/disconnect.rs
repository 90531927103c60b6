//! A client that goes away does not lose the answer.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use test_support::{Body, TestApi};

use crate::helpers::{ADA, api, conversation, messages};

/// The messages, once there are two. The turn goes on by itself, so this waits for it.
async fn both_messages(api: &TestApi, path: &str) -> Vec<Value> {
    let both = async {
        loop {
            let stored = messages(api, path).await;
            if stored.len() == 2 {
                return stored;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), both)
        .await
        .expect("the answer is stored")
}

#[tokio::test]
async fn the_answer_is_finished_after_the_client_has_left_the_stream() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let content = json!({"say": vec!["word "; 200], "delay_ms": 1}).to_string();
    let body = Body::Json(json!({"content": content, "stream": true}));
    let request = api
        .request(ADA, axum::http::Method::POST, &path, body, &[])
        .await;
    let mut chunks = api.start(request).await.into_body().into_data_stream();
    chunks
        .next()
        .await
        .expect("a first chunk")
        .expect("no error");
    drop(chunks);
    let stored = both_messages(&api, &path).await;
    assert_eq!(stored[1]["content"], "word ".repeat(200));
    assert_eq!(api.provider.take_requests().len(), 1);
}

#[tokio::test]
async fn the_answer_is_finished_after_the_client_has_stopped_waiting_for_it() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let content = json!({"say": ["Hi"], "head_delay_ms": 500}).to_string();
    let body = Body::Json(json!({"content": content}));
    let request = api
        .request(ADA, axum::http::Method::POST, &path, body, &[])
        .await;
    let asked = async {
        while api.provider.take_requests().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        _ = api.start(request) => panic!("it answered before the client could leave"),
        () = asked => {}
    }
    assert_eq!(both_messages(&api, &path).await[1]["content"], "Hi");
}
