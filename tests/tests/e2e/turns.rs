//! What people do with it.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, Event};

const REAL: &str = "smollm2-135m-instruct";
pub(crate) const SCRIPTED: &str = "scripted";

pub(crate) async fn everything_is_ready(client: &Client) {
    let reply = client.get("/readyz").await;
    assert_eq!(reply.status(), 200);
    let body: Value = reply.json().await.expect("JSON");
    let names: Vec<&str> = body["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .filter_map(|check| check["name"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            "table",
            "signing_keys",
            "data_keys",
            "provider_keys",
            "bucket",
            "queue",
            "mail_queue",
            "run_queue",
            "provider:scripted",
            "provider:local",
            "provider:local-embeddings"
        ]
    );
    let models: Value = client
        .get("/api/v1/models")
        .await
        .json()
        .await
        .expect("JSON");
    let ids: Vec<&Value> = models["data"]
        .as_array()
        .expect("models")
        .iter()
        .map(|model| &model["id"])
        .collect();
    let models = [SCRIPTED, REAL, "all-minilm-l6-v2", "scripted-moderation"];
    assert_eq!(ids, models);
    let document: Value = client
        .get("/openapi.json")
        .await
        .json()
        .await
        .expect("JSON");
    assert_eq!(document["openapi"], "3.1.0");
    let page = client.get("/docs/").await.text().await.expect("a page");
    assert!(page.contains("swagger-ui"), "{page}");
}

const JSON: &str = "application/json";
const LIST: &str = "/api/v1/conversations";
/// Stands for the messages of a conversation.
const MESSAGES: &str = "{messages}";

/// Method, path, content type and body of a request; status and problem of its answer.
const WRONG: [(&str, &str, &str, &str, u16, &str); 8] = [
    ("GET", "/nothing", JSON, "", 404, "no-such-route"),
    (
        "GET",
        "/api/v1/conversations/conv_1",
        JSON,
        "",
        404,
        "not-found",
    ),
    ("PUT", LIST, JSON, "{}", 405, "method-not-allowed"),
    ("DELETE", MESSAGES, JSON, "", 405, "method-not-allowed"),
    (
        "POST",
        LIST,
        "text/plain",
        "{}",
        415,
        "unsupported-media-type",
    ),
    ("POST", LIST, JSON, "{", 400, "malformed-request"),
    ("POST", LIST, JSON, r#"{"title":7}"#, 422, "invalid-request"),
    (
        "POST",
        MESSAGES,
        JSON,
        r#"{"content":""}"#,
        422,
        "invalid-request",
    ),
];

pub(crate) async fn wrong_requests_get_their_problems(client: &Client) {
    let path = client.conversation(SCRIPTED).await;
    let large = "x".repeat(1_100_000);
    let too_large = ("POST", LIST, JSON, large.as_str(), 413, "body-too-large");
    for (method, wrong, content_type, body, status, slug) in WRONG.into_iter().chain([too_large]) {
        let method: Method = method.parse().expect("a method");
        let request = client.request(method.clone(), &wrong.replace(MESSAGES, &path));
        let request = request.header("content-type", content_type);
        let reply = request
            .body(body.to_owned())
            .send()
            .await
            .expect("an answer");
        let id = reply.headers()["x-request-id"]
            .to_str()
            .expect("an id")
            .to_owned();
        let content_type = reply.headers()["content-type"].clone();
        assert_eq!(content_type, "application/problem+json", "{method} {wrong}");
        let problem: Value = reply.json().await.expect("a problem");
        let kind = format!("urn:chatter:problem:{slug}");
        assert_eq!(problem["type"], kind, "{method} {wrong}");
        assert_eq!(
            (&problem["status"], &problem["request_id"]),
            (&json!(status), &json!(id))
        );
    }
    let url = client
        .request(Method::POST, &path)
        .build()
        .expect("a request")
        .url()
        .clone();
    let unsigned = reqwest::Client::new()
        .post(url)
        .send()
        .await
        .expect("an answer");
    assert_eq!(unsigned.status(), 401);
}

pub(crate) async fn text_streams_while_the_model_writes(client: &Client) {
    let path = client.conversation(SCRIPTED).await;
    let script = json!({"say": ["a", "b", "c", "d"], "delay_ms": 300}).to_string();
    let started = Instant::now();
    let mut events = client.stream(&path, &script).await;
    let start = events.next().await.expect("a first event");
    assert_eq!(start.name, "start");
    assert_eq!(
        events
            .next()
            .await
            .map(|event| event.data["content"].clone()),
        Some(json!("a"))
    );
    let first = started.elapsed();
    let rest = events.rest().await;
    let whole = started.elapsed();
    assert!(
        whole - first > Duration::from_millis(700),
        "the first text after {first:?}, the last after {whole:?}"
    );
    let done = rest.last().expect("a last event");
    assert_eq!(
        (done.name.as_str(), &done.data["content"]),
        ("done", &json!("abcd"))
    );
    let stored = client.messages(&path).await;
    assert_eq!(
        (&stored[0]["id"], &stored[1]),
        (&start.data["user_message_id"], &done.data)
    );
}

pub(crate) async fn a_broken_provider_is_told(client: &Client) {
    let path = client.conversation(SCRIPTED).await;
    let script = json!({"say": ["a", "b"], "cut_after": 1}).to_string();
    let events = client.stream(&path, &script).await.rest().await;
    let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["start", "delta", "error"]);
    assert_eq!(
        events[2].data["type"],
        "urn:chatter:problem:provider-unavailable"
    );
    let refused = client
        .post(
            &path,
            &json!({"content": json!({"status": 429, "retry_after": 3}).to_string()}),
        )
        .await;
    assert_eq!(
        (
            refused.status().as_u16(),
            refused.headers()["retry-after"].to_str().ok()
        ),
        (503, Some("3"))
    );
    let stored = client.messages(&path).await;
    assert_eq!(stored.len(), 2, "two questions, no answer: {stored:?}");
}

/// Several leave at once: what one of them does to the function must not end it for the others.
pub(crate) async fn clients_that_leave_lose_nothing(client: &Client) {
    let script = json!({"say": vec!["word "; 20], "delay_ms": 50}).to_string();
    let mut paths = Vec::new();
    for _ in 0..6 {
        let path = client.conversation(SCRIPTED).await;
        let mut events = client.stream(&path, &script).await;
        events.next().await.expect("a first event");
        drop(events);
        paths.push(path);
    }
    let end = Instant::now() + Duration::from_secs(30);
    for path in &paths {
        loop {
            let stored = client.messages(path).await;
            if let Some(answer) = stored.get(1) {
                assert_eq!(answer["content"], "word ".repeat(20));
                break;
            }
            assert!(Instant::now() < end, "the answer is lost: {stored:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// A conversation with the real model; the path of its messages.
pub(crate) async fn the_real_model_answers(client: &Client) -> String {
    let path = client.conversation(REAL).await;
    let events = client
        .stream(&path, "CONTENT-CANARY Tell me about the sea.")
        .await
        .rest()
        .await;
    let deltas = events.iter().filter(|event| event.name == "delta").count();
    assert!(deltas >= 3, "token by token: {deltas} deltas");
    let done = events.last().expect("a last event");
    assert_eq!(done.name, "done", "{done:?}");
    let text: String = events
        .iter()
        .filter_map(|event| {
            event.data["content"]
                .as_str()
                .filter(|_| event.name == "delta")
        })
        .collect();
    assert_eq!(done.data["content"], text);
    assert_eq!(
        (&done.data["provider"], &done.data["model"]),
        (&json!("local"), &json!(REAL))
    );
    let used = done.data["usage"]["output_tokens"]
        .as_u64()
        .expect("the provider counts");
    assert!(
        used >= 3 && done.data["usage"]["input_tokens"].as_u64() > Some(5),
        "{done:?}"
    );
    path
}

pub(crate) async fn the_conversation_is_found_again(client: &mut Client, path: &str) {
    client.refresh().await;
    let list: Value = client
        .get("/api/v1/conversations")
        .await
        .json()
        .await
        .expect("a list");
    let id = path.split('/').nth(4).expect("an id");
    let found = list["data"]
        .as_array()
        .expect("a list")
        .iter()
        .any(|found| found["id"] == id);
    assert!(found, "{list}");
    let before = client.messages(path).await;
    assert_eq!(before.len(), 2);
    let reply = client.post(path, &json!({"content": "And the sky?"})).await;
    assert_eq!(reply.status(), 201);
    let answer: Value = reply.json().await.expect("an answer");
    assert_eq!(client.messages(path).await.last(), Some(&answer));
    assert!(
        answer["content"]
            .as_str()
            .is_some_and(|text| !text.is_empty()),
        "{answer}"
    );
}

/// Through the gateway: a stream that was read to some event goes on after it, and a run that has ended stays so.
pub(crate) async fn a_run_is_read_on_after_a_break(client: &Client) {
    let path = client.conversation(SCRIPTED).await;
    let script = json!({"say": ["Once", " upon", " a time"]}).to_string();
    let whole = client.stream(&path, &script).await.rest().await;
    let run = whole[0].data["run_id"].as_str().expect("a run").to_owned();
    let rest = client.events_after(&run, 1).await.rest().await;
    let told = |events: &[Event]| -> Vec<(String, Value)> {
        let told = events.iter();
        told.map(|event| (event.name.clone(), event.data.clone()))
            .collect()
    };
    assert_eq!(told(&rest), told(&whole[2..]));
    let cancelled = client
        .post(&format!("/api/v1/runs/{run}/cancel"), &json!({}))
        .await;
    assert_eq!(cancelled.status(), 200);
    let run: Value = cancelled.json().await.expect("JSON");
    assert_eq!(run["status"], "completed");
}

/// Queued by one function, told of by the real protocol of SQS, run by another, and read by the first.
pub(crate) async fn a_turn_in_the_background_is_answered(client: &Client) {
    let path = client.conversation(SCRIPTED).await;
    let script = json!({"say": ["In", " the", " background"]}).to_string();
    let queued = client
        .post(&path, &json!({"content": script, "background": true}))
        .await;
    assert_eq!(queued.status(), 202);
    let queued: Value = queued.json().await.expect("JSON");
    assert_eq!(queued["status"], "queued");
    let run = queued["id"].as_str().expect("a run");
    // It waits for the run, and reads along from its first event on.
    let events = client.request(Method::GET, &format!("/api/v1/runs/{run}/events"));
    let events = events.send().await.expect("an answer");
    let text = events.text().await.expect("events");
    assert!(
        text.contains("event: start") && text.contains("event: done"),
        "{text}"
    );
    let stored = client.messages(&path).await;
    assert_eq!(stored[1]["content"], "In the background");
}

/// Caused by one function, told of by the real protocol of SQS, done by another, and shown by two more.
pub(crate) async fn a_conversation_gets_its_title_from_a_job(client: &Client) {
    let new = json!({"model": SCRIPTED});
    let made = client.post("/api/v1/conversations", &new).await;
    let made: Value = made.json().await.expect("JSON");
    let conversation = format!(
        "/api/v1/conversations/{}",
        made["id"].as_str().expect("an id")
    );
    let path = format!("{conversation}/messages");
    let answered = client.post(&path, &json!({"content": "Hello"})).await;
    assert_eq!(answered.status(), 201);
    let get = async |path: &str| -> Value {
        let reply = client.request(Method::GET, path).send().await;
        reply.expect("an answer").json().await.expect("JSON")
    };
    let started = Instant::now();
    let job = loop {
        let jobs = get("/api/v1/jobs?type=conversation_title&limit=1").await;
        let job = jobs["data"][0].clone();
        assert_eq!(job["conversation_id"], made["id"], "{job}");
        if job["status"] == "completed" {
            break job;
        }
        assert!(started.elapsed() < Duration::from_secs(150), "{job}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_eq!(job["result"]["changed"], true, "{job}");
    let title = get(&conversation).await["title"].clone();
    assert_eq!(title, job["result"]["title"]);
    assert!(
        title.as_str().is_some_and(|title| !title.is_empty()),
        "{title}"
    );
}
