//! A model provider that answers many at the same time, and none before all are there.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Barrier;

/// How many pieces an answer has.
const PIECES: usize = 12;

/// What a singer is called. Nobody's name is a part of another's.
pub(crate) fn name(number: usize) -> String {
    format!("singer-{number:02}-of-many")
}

/// What a singer asks, as the message's text.
pub(crate) fn question(number: usize) -> String {
    format!("Please sing for {}", name(number))
}

/// The whole answer to it.
pub(crate) fn song(number: usize) -> String {
    (0..PIECES).map(|piece| verse(number, piece)).collect()
}

/// What the provider says was used, which is another number for each.
pub(crate) fn usage(number: usize) -> Value {
    json!({"input_tokens": 100 + number, "output_tokens": 200 + number})
}

fn verse(number: usize, piece: usize) -> String {
    format!("{} sings {piece}. ", name(number))
}

/// A request as the provider got it.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    /// Whose question it is.
    pub(crate) number: usize,
    /// The trace in its `traceparent`.
    pub(crate) trace: String,
    /// Its body.
    pub(crate) body: String,
}

/// The provider.
#[derive(Debug, Clone)]
pub(crate) struct Choir {
    pub(crate) url: String,
    stage: Arc<Stage>,
}

#[derive(Debug)]
struct Stage {
    /// Each piece of each answer waits here until so many answers have come as far.
    beat: Barrier,
    singing: AtomicUsize,
    most: AtomicUsize,
    heard: Mutex<Vec<Heard>>,
}

impl Choir {
    /// One that sings in so many voices, and says nothing to fewer.
    pub(crate) async fn of(voices: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let stage = Arc::new(Stage {
            beat: Barrier::new(voices),
            singing: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            heard: Mutex::default(),
        });
        let router = Router::new().route("/v1/chat/completions", post(sing));
        let router = router.with_state(stage.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let url = format!("http://{address}");
        Self { url, stage }
    }

    /// The most answers that were going on at the same time.
    pub(crate) fn most_at_once(&self) -> usize {
        self.stage.most.load(Ordering::SeqCst)
    }

    /// What it was asked.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.stage.heard().clone()
    }
}

impl Stage {
    fn heard(&self) -> std::sync::MutexGuard<'_, Vec<Heard>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn sing(State(stage): State<Arc<Stage>>, headers: HeaderMap, body: String) -> Response {
    let asked: Value = serde_json::from_str(&body).expect("JSON");
    let said = asked["messages"].as_array().and_then(|all| all.last());
    let said = said.map(|last| last["content"].to_string());
    let said = said.unwrap_or_default();
    let number = (0..100).find(|number| said.contains(&name(*number)));
    let number = number.expect("one of the singers asks");
    let parent = headers.get("traceparent").and_then(|it| it.to_str().ok());
    let trace = parent.and_then(|parent| parent.split('-').nth(1));
    stage.heard().push(Heard {
        number,
        trace: trace.unwrap_or_default().to_owned(),
        body,
    });
    let singing = stage.singing.fetch_add(1, Ordering::SeqCst) + 1;
    stage.most.fetch_max(singing, Ordering::SeqCst);
    let pieces = stream::iter(0..=PIECES).then(move |piece| {
        let stage = stage.clone();
        async move {
            stage.beat.wait().await;
            if piece < PIECES {
                return Ok::<_, std::io::Error>(chunk(&verse(number, piece)));
            }
            stage.singing.fetch_sub(1, Ordering::SeqCst);
            Ok(end(number))
        }
    });
    let content_type = [("content-type", "text/event-stream")];
    (content_type, Body::from_stream(pieces)).into_response()
}

fn chunk(text: &str) -> Bytes {
    let choice = json!({"index": 0, "delta": {"content": text}, "finish_reason": null});
    line(&json!({"object": "chat.completion.chunk", "choices": [choice]}))
}

fn end(number: usize) -> Bytes {
    let choice = json!({"index": 0, "delta": {}, "finish_reason": "stop"});
    let used = usage(number);
    let used =
        json!({"prompt_tokens": used["input_tokens"], "completion_tokens": used["output_tokens"]});
    let lines = [
        line(&json!({"object": "chat.completion.chunk", "choices": [choice]})),
        line(&json!({"choices": [], "usage": used})),
        Bytes::from_static(b"data: [DONE]\n\n"),
    ];
    Bytes::from(lines.concat())
}

fn line(chunk: &Value) -> Bytes {
    Bytes::from(format!("data: {chunk}\n\n"))
}
