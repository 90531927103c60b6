//! What turns cost: calls and capacity units of the table, which hold for every machine; and how long they take through
//! the router, with the embedded table and the scripted provider in the same process, which is more than Chatter's own
//! time.
//!
//! `cargo bench --bench turns`; with `--profile dev` the units are the same and the times are not.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and one that can't go on has failed"
)]

use std::time::{Duration, Instant};

use axum::http::Method;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use shared::model::ConversationId;
use test_support::{Body, TestApi, nth_message, put_message};

const ADA: Option<&str> = Some("ada");
/// An answer of twenty pieces.
const PIECES: usize = 20;
const TURNS: usize = 640;

#[tokio::main]
async fn main() {
    println!(
        "{:<52}{:>7}{:>12}{:>12}",
        "turn", "calls", "read units", "write units"
    );
    let api = TestApi::new(chat::router_with).await;
    for overflow in ["truncate", "summarize"] {
        for length in [10, 10_000] {
            in_a_conversation(&api, overflow, length).await;
        }
    }
    with_a_key(&api).await;
    in_the_background(&api).await;
    with_a_title(&api).await;
    half_a_minute(&api).await;
    println!();
    for concurrent in [1, 64] {
        times(&api, concurrent).await;
    }
}

/// A conversation with these settings, and its messages' path.
async fn conversation(api: &TestApi, settings: Value) -> String {
    // With a title it causes no job.
    let fields = json!({"title": "A title", "settings": settings});
    let conversations = api.beside(conversations::router);
    let made = conversations.post(ADA, "/api/v1/conversations", fields);
    format!("{}/messages", made.await.location())
}

/// Puts messages of 300 letters into a conversation.
async fn fill(api: &TestApi, path: &str, length: u64) {
    let caller = api.people.caller("ada").await;
    let store = api.app.store.of(&caller);
    let id: ConversationId = path
        .split('/')
        .nth(4)
        .and_then(|id| id.parse().ok())
        .expect("an id");
    let message = |sequence| nth_message(sequence, format!("{sequence:0300}"));
    let stored = (1..=length).map(|sequence| put_message(&store, id, message(sequence)));
    futures_util::stream::iter(stored)
        .buffer_unordered(64)
        .collect::<Vec<()>>()
        .await;
}

async fn say(api: &TestApi, path: &str, headers: &[(&'static str, &str)]) {
    let script = json!({"say": vec!["word "; PIECES]}).to_string();
    let body = Body::Json(json!({"content": script}));
    let reply = api.send_with(ADA, Method::POST, path, body, headers).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
}

async fn in_a_conversation(api: &TestApi, overflow: &str, length: u64) {
    let path = conversation(api, json!({"context_overflow": overflow})).await;
    fill(api, &path, length).await;
    for when in ["the first", "the next"] {
        api.table.take_calls();
        say(api, &path, &[]).await;
        row(api, &format!("{overflow}, {length} messages, {when}"));
    }
}

async fn with_a_key(api: &TestApi) {
    let path = conversation(api, json!({})).await;
    api.table.take_calls();
    say(api, &path, &[("idempotency-key", "a-key")]).await;
    row(api, "with an Idempotency-Key");
    say(api, &path, &[("idempotency-key", "a-key")]).await;
    row(api, "the same again");
}

async fn in_the_background(api: &TestApi) {
    use shared::lambda::EventHandler as _;
    let path = conversation(api, json!({})).await;
    api.table.take_calls();
    let script = json!({"say": vec!["word "; PIECES]}).to_string();
    let body = json!({"content": script, "background": true});
    assert_eq!(api.post(ADA, &path, body).await.status, 202);
    row(api, "in the background: queued");
    let worker = run_worker::RunWorker::with(&api.app, engine::ProviderKeys::fixed([]));
    let told = api.app.run_queue.take();
    let body = serde_json::to_string(&told[0]).expect("JSON");
    let event = json!({"Records": [{"messageId": "m", "body": body}]});
    let deadline = shared::http::Deadline::none();
    worker.handle(event, deadline).await.expect("an answer");
    row(api, "in the background: worked on");
}

/// The first turn of a conversation without a title, and the job that it causes.
async fn with_a_title(api: &TestApi) {
    use shared::lambda::EventHandler as _;
    let conversations = api.beside(conversations::router);
    let made = conversations.post(ADA, "/api/v1/conversations", json!({}));
    let path = format!("{}/messages", made.await.location());
    api.table.take_calls();
    say(api, &path, &[]).await;
    row(api, "the first of a conversation without a title");
    let worker = job_worker::JobWorker::with(&api.app, engine::ProviderKeys::fixed([]));
    let told = api.app.job_queue.take();
    let body = serde_json::to_string(&told[0]).expect("JSON");
    let event = json!({"Records": [{"messageId": "m", "body": body}]});
    let deadline = shared::http::Deadline::none();
    worker.handle(event, deadline).await.expect("an answer");
    row(api, "the job of its title");
}

/// An answer of 30 seconds, twenty pieces a second.
async fn half_a_minute(api: &TestApi) {
    let path = conversation(api, json!({})).await;
    let script = json!({"say": vec!["word "; 600], "delay_ms": 50}).to_string();
    api.table.take_calls();
    let reply = api.post(ADA, &path, json!({"content": script, "model": "large"}));
    assert_eq!(reply.await.status, 201);
    let calls = api.table.take_calls();
    let of = |operation: &str| {
        let made = calls.iter().filter(|call| call.operation == operation);
        made.fold((0, 0.0), |(count, units), call| {
            (count + 1, units + call.units)
        })
    };
    let ((events, event_units), (pulses, pulse_units)) = (of("PutItem"), of("UpdateItem"));
    println!(
        "\nAn answer of 30 seconds in 600 pieces: {events} writes of events ({event_units} units), {pulses} of the lease ({pulse_units} units)"
    );
}

/// One line, of what the table was asked since it was asked last.
fn row(api: &TestApi, what: &str) {
    let calls = api.table.take_calls();
    let is_read = |operation: &str| ["GetItem", "Query", "BatchGetItem"].contains(&operation);
    let units = |reads: bool| -> f64 {
        let wanted = calls
            .iter()
            .filter(|call| is_read(&call.operation) == reads);
        wanted
            .map(|call| call.units)
            .fold(0.0, |sum, units| sum + units)
    };
    println!(
        "{what:<52}{:>7}{:>12.1}{:>12.1}",
        calls.len(),
        units(true),
        units(false)
    );
}

async fn times(api: &TestApi, concurrent: usize) {
    let mut paths = Vec::new();
    for _ in 0..concurrent {
        paths.push(conversation(api, json!({})).await);
    }
    let workers = paths.iter().map(async |path| {
        let mut taken = Vec::new();
        for _ in 0..TURNS / concurrent {
            taken.push(timed(api, path).await);
        }
        taken
    });
    let taken: Vec<Times> = join_all(workers).await.concat();
    let line = |what: &str, first: &[Duration], whole: &[Duration]| {
        println!(
            "{concurrent:>2} at a time, {what:<22} first token p50 {:>7.2} ms, p99 {:>7.2} ms; whole p50 {:>7.2} ms, p99 {:>7.2} ms",
            percentile(first, 50),
            percentile(first, 99),
            percentile(whole, 50),
            percentile(whole, 99),
        );
    };
    let all = |of: fn(&Times) -> Duration| taken.iter().map(of).collect::<Vec<_>>();
    line(
        "all of it:",
        &all(|times| times.first),
        &all(|times| times.whole),
    );
    // Side by side, nobody can say for whom the table is busy.
    if concurrent == 1 {
        let first = all(|times| times.first.saturating_sub(times.busy_first));
        let whole = all(|times| times.whole.saturating_sub(times.busy_whole));
        line("without the table:", &first, &whole);
    }
}

/// How long a stream took until its first token and until its end, and for how much of that the table was busy.
#[derive(Clone, Copy)]
struct Times {
    first: Duration,
    whole: Duration,
    busy_first: Duration,
    busy_whole: Duration,
}

async fn timed(api: &TestApi, path: &str) -> Times {
    let script = json!({"say": vec!["word "; PIECES]}).to_string();
    let body = Body::Json(json!({"content": script, "stream": true}));
    let request = api.request(ADA, Method::POST, path, body, &[]).await;
    api.table.forget_busy();
    let start = Instant::now();
    let response = api.start(request).await;
    assert_eq!(response.status(), 200);
    let mut body = response.into_body();
    let (mut text, mut first) = (String::new(), None);
    while let Some(frame) = body.frame().await {
        let frame = frame.expect("no error");
        let Some(data) = frame.data_ref() else {
            continue;
        };
        text.push_str(&String::from_utf8_lossy(data));
        if first.is_none() && text.contains("event: delta") {
            first = Some(Instant::now());
        }
    }
    assert!(text.contains("event: done"), "{text}");
    let (first, end) = (first.expect("a token"), Instant::now());
    Times {
        first: first - start,
        whole: end - start,
        busy_first: api.table.busy(start, first),
        busy_whole: api.table.busy(start, end),
    }
}

/// In milliseconds.
fn percentile(times: &[Duration], percent: usize) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let place = (sorted.len() * percent / 100).min(sorted.len() - 1);
    sorted[place].as_secs_f64() * 1000.0
}
