//! A scripted model provider: it speaks the wires of OpenAI (`/v1`), Anthropic (at the root), Google (`/v1beta`) and
//! Amazon Bedrock (at the root), and does what the last message tells it to. A message that is a JSON object is a
//! [`Script`]; any other text is echoed.

#![expect(
    clippy::disallowed_types,
    reason = "this stands for another service, with errors of its own"
)]

mod anthropic;
mod bedrock;
mod desk;
mod embed;
mod gemini;
mod moderate;
mod openai;
mod rerank;
mod script;
mod signature;
mod whole;

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use desk::Desk;
pub use desk::Received;
pub use script::{Counts, RetryAfter, Script, ScriptedCall};
use whole::vectors;

/// What stands in all messages of the provider, and must stand nowhere else.
const SECRET: &str = "SECRET-OF-THE-PROVIDER";

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
    Gemini,
    Bedrock,
}

impl ScriptedProvider {
    /// On a free port of this machine.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> Result<Self, String> {
        let desk = Desk::default();
        let router = router(desk.clone());
        Ok(Self {
            url: crate::serve(router).await?,
            desk,
        })
    }

    /// From now on answers 401 to requests with that key.
    pub fn refuse_key(&self, key: &str) {
        self.desk.refuse(key);
    }

    /// From now on does that where the last message has that text in it.
    pub fn script_when(&self, text: &str, script: Script) {
        self.desk.script_when(text, script);
    }

    /// Whether there were requests for answers since they were taken last.
    pub fn was_asked(&self) -> bool {
        self.desk.was_asked()
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
    let server = axum::serve(crate::at_once(listener), router(Desk::default()));
    server
        .with_graceful_shutdown(stop)
        .await
        .map_err(|error| error.to_string())
}

fn router(desk: Desk) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(openai))
        .route("/v1/messages", post(anthropic))
        .route("/v1/embeddings", post(whole::openai_vectors))
        .route("/v1/rerank", post(whole::openai_order))
        .route("/v1/moderations", post(whole::openai_verdicts))
        .route("/v1/models", get(models))
        .route("/v1beta/models/{call}", post(gemini))
        .route("/v1beta/models", get(models))
        .route("/model/{id}/converse-stream", post(bedrock))
        .route("/model/{id}/invoke", post(bedrock_vectors))
        .route("/foundation-models", get(foundation_models))
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

async fn gemini(
    State(desk): State<Desk>,
    Path(call): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    match call.rsplit_once(':').map(|(_, method)| method) {
        Some("streamGenerateContent") => answer(Wire::Gemini, &desk, headers, body).await,
        Some("batchEmbedContents") => vectors(&desk, &headers, embed::gemini(&body)),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn bedrock_vectors(
    State(desk): State<Desk>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    match signature::fault(&headers) {
        Some(fault) => unsigned(fault),
        None => vectors(&desk, &headers, embed::bedrock(&body)),
    }
}

async fn bedrock(
    State(desk): State<Desk>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    match signature::fault(&headers) {
        Some(fault) => unsigned(fault),
        None => answer(Wire::Bedrock, &desk, headers, body).await,
    }
}

async fn foundation_models(State(desk): State<Desk>, headers: HeaderMap) -> Response {
    match signature::fault(&headers) {
        Some(fault) => unsigned(fault),
        None => models(State(desk), headers).await,
    }
}

fn unsigned(fault: &'static str) -> Response {
    let headers = [("x-amzn-errortype", fault)];
    (StatusCode::FORBIDDEN, headers, Json(bedrock::error())).into_response()
}

async fn answer(wire: Wire, desk: &Desk, headers: HeaderMap, body: Value) -> Response {
    let refusal = desk.refusal(&headers);
    let (said, model) = (wire.said(&body), body["model"].as_str().unwrap_or_default());
    let before = desk.asked_before(format!("{model} {said}"));
    let mut script = desk.script(&said).when(model, before);
    if script.recite {
        script.say = vec![body.to_string()];
    }
    desk.note(Received { headers, body });
    if let Some(refusal) = refusal {
        return refusal;
    }
    pause(script.head_delay_ms).await;
    if let Some(status) = script.status {
        return refuse(wire, &script, status);
    }
    if script.html {
        return page();
    }
    let (sender, chunks) = mpsc::channel(1);
    tokio::spawn(play(wire, script, sender));
    let body = Body::from_stream(ReceiverStream::new(chunks));
    ([("content-type", wire.content_type())], body).into_response()
}

/// A success that is not the protocol.
fn page() -> Response {
    let page = format!("<html>{SECRET}</html>");
    ([("content-type", "text/html")], page).into_response()
}

/// Nothing for 0: a sleep of no time still takes a millisecond, for each piece.
async fn pause(milliseconds: u64) {
    if milliseconds > 0 {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}

fn refuse(wire: Wire, script: &Script, status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(wire.error(script))).into_response();
    let pause = script.retry_after.as_ref().map(|pause| match pause {
        RetryAfter::Seconds(seconds) => seconds.to_string(),
        RetryAfter::Text(text) => text.clone(),
    });
    let code = script
        .code
        .clone()
        .filter(|_| matches!(wire, Wire::Bedrock));
    for (name, value) in [("retry-after", pause), ("x-amzn-errortype", code)] {
        let value = value.and_then(|value| HeaderValue::try_from(value).ok());
        if let Some(value) = value {
            response.headers_mut().insert(name, value);
        }
    }
    response
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
        pause(script.delay_ms).await;
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
        Ok(Bytes::from(wire.error_event(script)))
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

async fn send(chunks: &Chunks, script: &Script, bytes: &[u8]) -> Result<(), ()> {
    let size = script.split.unwrap_or(usize::MAX).max(1);
    for piece in bytes.chunks(size) {
        chunks
            .send(Ok(Bytes::copy_from_slice(piece)))
            .await
            .map_err(|_| ())?;
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// The bytes of an answer.
struct Words {
    before: Vec<u8>,
    pieces: Vec<Vec<u8>>,
    after: Vec<u8>,
}

impl Wire {
    /// What the last message says.
    fn said(self, body: &Value) -> String {
        match self {
            Self::OpenAi => openai::said(body),
            Self::Anthropic => anthropic::said(body),
            Self::Gemini => gemini::said(body),
            Self::Bedrock => bedrock::said(body),
        }
    }

    fn words(self, script: &Script) -> Words {
        match self {
            Self::OpenAi => openai::words(script),
            Self::Anthropic => anthropic::words(script),
            Self::Gemini => gemini::words(script),
            Self::Bedrock => bedrock::words(script),
        }
    }

    fn error(self, script: &Script) -> Value {
        match self {
            Self::OpenAi => openai::error(script),
            Self::Anthropic => anthropic::error(script),
            Self::Gemini => gemini::error(script),
            Self::Bedrock => bedrock::error(),
        }
    }

    fn error_event(self, script: &Script) -> Vec<u8> {
        match self {
            Self::OpenAi | Self::Gemini => sse(None, &self.error(script)),
            Self::Anthropic => sse(Some("error"), &self.error(script)),
            Self::Bedrock => bedrock::exception(script),
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::OpenAi | Self::Anthropic | Self::Gemini => "text/event-stream",
            Self::Bedrock => "application/vnd.amazon.eventstream",
        }
    }
}

/// An event as a server sends it.
fn sse(name: Option<&str>, data: &Value) -> Vec<u8> {
    let name = name.map(|name| format!("event: {name}\n"));
    format!("{}data: {data}\n\n", name.unwrap_or_default()).into_bytes()
}

/// The last text of a content, which is text or a list of parts.
fn texts(content: &Value, text: impl Fn(&Value) -> Option<&str>) -> String {
    let parts = content.as_array().map_or(&[][..], Vec::as_slice);
    let last = parts.iter().rev().find_map(text);
    content.as_str().or(last).unwrap_or_default().to_owned()
}
