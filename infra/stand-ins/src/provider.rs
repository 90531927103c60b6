//! A scripted model provider: it speaks the wires of OpenAI and Anthropic, and does what the last message of
//! the user tells it to. A message that is a JSON object is a [`Script`]; any other text is echoed.

#![expect(
    clippy::disallowed_types,
    reason = "this stands for another service, with errors of its own"
)]

mod desk;

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use desk::Desk;
pub use desk::Received;

/// What the provider does with a request. Times are in milliseconds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Script {
    /// The pieces of the answer.
    pub say: Vec<String>,
    /// The pause before the response's head.
    pub head_delay_ms: u64,
    /// The pause before each piece.
    pub delay_ms: u64,
    /// Closes the connection after that many pieces.
    pub cut_after: Option<usize>,
    /// Says nothing more after that many pieces, and keeps the connection open.
    pub stall_after: Option<usize>,
    /// Sends an error event after that many pieces.
    pub error_after: Option<usize>,
    /// Sends something that is not the protocol after that many pieces.
    pub garbage_after: Option<usize>,
    /// Answers with this status and an error document.
    pub status: Option<u16>,
    /// `Retry-After` with that status, in seconds.
    pub retry_after: Option<u64>,
    /// Answers 200 with a page of HTML.
    pub html: bool,
    /// Why it stops, in the words of OpenAI.
    pub finish: String,
    /// Whether it says what was used.
    pub usage: bool,
    /// Cuts the bytes into pieces of that size.
    pub split: Option<usize>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            say: Vec::new(),
            head_delay_ms: 0,
            delay_ms: 0,
            cut_after: None,
            stall_after: None,
            error_after: None,
            garbage_after: None,
            status: None,
            retry_after: None,
            html: false,
            finish: "stop".to_owned(),
            usage: true,
            split: None,
        }
    }
}

/// A provider that runs.
#[derive(Debug, Clone)]
pub struct ScriptedProvider {
    /// Where it is.
    pub url: String,
    desk: Desk,
}

#[derive(Clone, Copy)]
enum Wire {
    OpenAi,
    Anthropic,
}

impl ScriptedProvider {
    /// On a free port of this machine.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> Result<Self, String> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let desk = Desk::default();
        let router = router(desk.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            url: format!("http://{address}"),
            desk,
        })
    }

    /// From now on answers 401 to requests with that key.
    pub fn refuse_key(&self, key: &str) {
        self.desk.refuse(key);
    }

    /// The requests for answers since this was asked last.
    pub fn take_requests(&self) -> Vec<Received> {
        self.desk.take()
    }
}

/// Serves on that listener until `stop` resolves.
///
/// # Errors
/// When the server fails.
pub async fn serve(
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), String> {
    let server = axum::serve(listener, router(Desk::default()));
    server
        .with_graceful_shutdown(stop)
        .await
        .map_err(|error| error.to_string())
}

fn router(desk: Desk) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(openai))
        .route("/v1/messages", post(anthropic))
        .route("/v1/models", get(models))
        .with_state(desk)
}

async fn models(State(desk): State<Desk>, headers: HeaderMap) -> Response {
    if let Some(refusal) = desk.refusal(&headers) {
        return refusal;
    }
    let model = json!({"id": "scripted", "object": "model", "owned_by": "stand-ins"});
    Json(json!({"object": "list", "data": [model]})).into_response()
}

async fn openai(State(desk): State<Desk>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    answer(Wire::OpenAi, &desk, headers, body).await
}

async fn anthropic(
    State(desk): State<Desk>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    answer(Wire::Anthropic, &desk, headers, body).await
}

async fn answer(wire: Wire, desk: &Desk, headers: HeaderMap, body: Value) -> Response {
    let refusal = desk.refusal(&headers);
    let script = script(&body);
    desk.note(Received { headers, body });
    if let Some(refusal) = refusal {
        return refusal;
    }
    tokio::time::sleep(Duration::from_millis(script.head_delay_ms)).await;
    if let Some(status) = script.status {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = json!({"error": {"type": "scripted_error", "message": "SECRET-OF-THE-PROVIDER", "code": null}});
        let mut response = (status, Json(body)).into_response();
        if let Some(seconds) = script.retry_after {
            response.headers_mut().insert("retry-after", seconds.into());
        }
        return response;
    }
    if script.html {
        return (
            [("content-type", "text/html")],
            "<html>SECRET-OF-THE-PROVIDER</html>",
        )
            .into_response();
    }
    let (sender, chunks) = mpsc::channel(1);
    tokio::spawn(play(wire, script, sender));
    let body = Body::from_stream(ReceiverStream::new(chunks));
    ([("content-type", "text/event-stream")], body).into_response()
}

fn script(body: &Value) -> Script {
    let messages = body["messages"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let said = messages
        .last()
        .and_then(|message| message["content"].as_str())
        .unwrap_or_default();
    serde_json::from_str(said).unwrap_or_else(|_| Script {
        say: vec!["You said: ".to_owned(), said.to_owned()],
        ..Script::default()
    })
}

type Chunks = mpsc::Sender<Result<Bytes, std::io::Error>>;

/// Sends the events. It ends early where the script says so, or where the client is gone.
async fn play(wire: Wire, script: Script, chunks: Chunks) {
    let words = wire.words(&script);
    if send(&chunks, &script, &words.before).await.is_err() {
        return;
    }
    for (index, piece) in words.pieces.iter().enumerate() {
        if interrupted(wire, &script, index, &chunks).await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(script.delay_ms)).await;
        if send(&chunks, &script, piece).await.is_err() {
            return;
        }
    }
    if !interrupted(wire, &script, words.pieces.len(), &chunks).await {
        // Whoever is gone by now has heard enough.
        send(&chunks, &script, &words.after)
            .await
            .unwrap_or_default();
    }
}

/// Whether the answer ends here, after `index` pieces.
async fn interrupted(wire: Wire, script: &Script, index: usize, chunks: &Chunks) -> bool {
    let here = Some(index);
    let last_words = if script.cut_after == here {
        Err(std::io::Error::other("cut on command"))
    } else if script.error_after == here {
        Ok(Bytes::from(wire.error()))
    } else if script.garbage_after == here {
        Ok(Bytes::from_static(b"data: <garbage>\n\n"))
    } else if script.stall_after == here {
        chunks.closed().await;
        return true;
    } else {
        return false;
    };
    // Whoever is gone by now has heard enough.
    chunks.send(last_words).await.unwrap_or_default();
    true
}

async fn send(chunks: &Chunks, script: &Script, text: &str) -> Result<(), ()> {
    let size = script.split.unwrap_or(usize::MAX).max(1);
    for piece in text.as_bytes().chunks(size) {
        chunks
            .send(Ok(Bytes::copy_from_slice(piece)))
            .await
            .map_err(|_| ())?;
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// The events of an answer.
struct Words {
    before: String,
    pieces: Vec<String>,
    after: String,
}

impl Wire {
    fn words(self, script: &Script) -> Words {
        match self {
            Self::OpenAi => openai_words(script),
            Self::Anthropic => anthropic_words(script),
        }
    }

    fn error(self) -> String {
        let error = json!({"type": "api_error", "message": "SECRET-OF-THE-PROVIDER"});
        match self {
            Self::OpenAi => format!("data: {}\n\n", json!({"error": error})),
            Self::Anthropic => format!(
                "event: error\ndata: {}\n\n",
                json!({"type": "error", "error": error})
            ),
        }
    }
}

fn openai_words(script: &Script) -> Words {
    let chunk = |delta: Value, finish: Value| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
        format!(
            "data: {}\n\n",
            json!({"object": "chat.completion.chunk", "choices": [choice]})
        )
    };
    let pieces = script
        .say
        .iter()
        .map(|piece| chunk(json!({"content": piece}), Value::Null));
    let mut after = chunk(json!({}), json!(script.finish));
    if script.usage {
        let usage = json!({"prompt_tokens": 11, "completion_tokens": script.say.len()});
        after.push_str(&format!(
            "data: {}\n\n",
            json!({"choices": [], "usage": usage})
        ));
    }
    after.push_str("data: [DONE]\n\n");
    Words {
        before: chunk(json!({"role": "assistant", "content": ""}), Value::Null),
        pieces: pieces.collect(),
        after,
    }
}

fn anthropic_words(script: &Script) -> Words {
    let event = |data: Value| {
        format!(
            "event: {}\ndata: {data}\n\n",
            data["type"].as_str().unwrap_or_default()
        )
    };
    let pieces = script.say.iter().map(|piece| {
        event(json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}))
    });
    let stop_reason = if script.finish == "length" {
        "max_tokens"
    } else {
        "end_turn"
    };
    let usage = if script.usage {
        json!({"output_tokens": script.say.len()})
    } else {
        json!({})
    };
    let ends = [
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": stop_reason}, "usage": usage}),
        json!({"type": "message_stop"}),
    ];
    let starts = [
        json!({"type": "message_start", "message": {"role": "assistant", "usage": {"input_tokens": 11}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "ping"}),
    ];
    Words {
        before: starts.map(event).concat(),
        pieces: pieces.collect(),
        after: ends.map(event).concat(),
    }
}
