//! `POST …/messages` with `stream: true`

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use test_support::Body;

use crate::helpers::{ADA, api, conversation, impatient, messages, stream};

#[tokio::test]
async fn a_stream_begins_with_all_ids_and_ends_with_the_stored_message() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let reply = stream(
        &api,
        &path,
        json!({"say": ["Hel", "lo\n", "\u{2028}there"]}),
    )
    .await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        (reply.header("content-type"), reply.header("cache-control")),
        ("text/event-stream; charset=utf-8", "no-store")
    );
    let events = reply.events();
    let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["start", "delta", "delta", "delta", "done"]);
    let ids: Vec<String> = events.iter().map(|event| event.id.clone()).collect();
    assert_eq!(ids, ["0", "1", "2", "3", "4"]);
    let text: String = events[1..4]
        .iter()
        .map(|event| event.data["content"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(text, "Hello\n\u{2028}there");

    let stored = messages(&api, &path).await;
    let (start, done) = (&events[0].data, &events[4].data);
    assert_eq!(&stored[1], done);
    assert_eq!(done["content"], text);
    assert_eq!(
        done["usage"],
        json!({"input_tokens": 11, "output_tokens": 3})
    );
    assert_eq!(
        (&start["message_id"], &start["user_message_id"]),
        (&stored[1]["id"], &stored[0]["id"])
    );
    assert_eq!(start["conversation_id"], stored[0]["conversation_id"]);
    assert_eq!(start["request_id"], reply.header("x-request-id"));
    assert_eq!(
        (&start["model"], &start["provider"]),
        (&json!("small"), &json!("scripted"))
    );
}

#[tokio::test]
async fn text_arrives_while_the_model_still_writes() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    // The provider says one word and then nothing for ever: only a real stream shows it.
    let content = json!({"say": ["Hello"], "stall_after": 1}).to_string();
    let body = Body::Json(json!({"content": content, "stream": true}));
    let request = api
        .request(ADA, axum::http::Method::POST, &path, body, &[])
        .await;
    let mut chunks = api.start(request).await.into_body().into_data_stream();
    let mut seen = String::new();
    while !seen.contains("Hello") {
        let chunk = chunks
            .next()
            .await
            .expect("the stream goes on")
            .expect("no error");
        seen.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
    }
    assert!(
        seen.contains("event: start") && !seen.contains("event: done"),
        "{seen}"
    );
}

#[tokio::test]
async fn a_failure_after_some_text_is_the_last_event_and_stores_no_half_answer() {
    let api = api().await;
    for (key, status, slug) in [
        ("cut_after", 502, "provider-unavailable"),
        ("error_after", 502, "provider-unavailable"),
        ("garbage_after", 502, "provider-nonsense"),
        ("stall_after", 504, "provider-timed-out"),
    ] {
        let path = conversation(&api, json!({})).await;
        let patience = if key == "stall_after" { 1_000 } else { 60_000 };
        let api = impatient(&api, patience);
        let reply = stream(&api, &path, json!({"say": ["a", "b", "c", "d"], key: 3})).await;
        assert_eq!(reply.status, 200);
        let events = reply.events();
        let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
        assert_eq!(
            names,
            ["start", "delta", "delta", "delta", "error"],
            "{key}"
        );
        let problem = &events[4].data;
        assert_eq!(
            problem["type"],
            format!("urn:chatter:problem:{slug}"),
            "{key}"
        );
        assert_eq!(problem["status"], status);
        assert_eq!(problem["request_id"], reply.header("x-request-id"));
        assert!(
            !reply.text.contains("SECRET-OF-THE-PROVIDER"),
            "{}",
            reply.text
        );
        let stored = messages(&api, &path).await;
        assert_eq!(
            stored.len(),
            1,
            "{key}: the question is kept, and nothing else: {stored:?}"
        );
        assert_eq!(stored[0]["failure"], problem["type"]);
    }
}

#[tokio::test]
async fn what_is_wrong_before_the_turn_begins_is_a_problem_and_no_stream() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    assert_eq!(
        stream(&api, &path, " ").await.problem(),
        (422, "invalid-request".to_owned())
    );
    assert_eq!(api.provider.take_requests().len(), 0);
    assert_eq!(messages(&api, &path).await, Vec::<Value>::new());
}
