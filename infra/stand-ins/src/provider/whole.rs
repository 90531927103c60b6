//! Answers of the scripted provider in one piece: vectors, orders and verdicts.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::desk::{Desk, Received};
use super::{Script, Wire, embed, moderate, page, pause, refuse, rerank};

pub(super) async fn openai_vectors(
    State(desk): State<Desk>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let said = body["input"][0].as_str().unwrap_or_default().to_owned();
    whole(&desk, headers, body, &said, |body, _| embed::openai(body)).await
}

pub(super) async fn openai_order(
    State(desk): State<Desk>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let said = body["query"].as_str().unwrap_or_default().to_owned();
    whole(&desk, headers, body, &said, rerank::openai).await
}

pub(super) async fn openai_verdicts(
    State(desk): State<Desk>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let said = moderate::said(&body);
    whole(&desk, headers, body, &said, moderate::openai).await
}

/// An answer in one piece, on the wire of OpenAI.
async fn whole(
    desk: &Desk,
    headers: HeaderMap,
    body: Value,
    said: &str,
    answer: impl Fn(&Value, &Script) -> Value,
) -> Response {
    let model = body["model"].as_str().unwrap_or_default();
    let before = desk.asked_before(format!("{model} {said}"));
    let script = desk.script(said).when(model, before);
    let answer = answer(&body, &script);
    desk.note(Received {
        headers: headers.clone(),
        body,
    });
    pause(script.head_delay_ms).await;
    match script.status {
        Some(status) => refuse(Wire::OpenAi, &script, status),
        None if script.html => page(),
        None => vectors(desk, &headers, answer),
    }
}

/// An answer, unless the key is refused.
pub(super) fn vectors(desk: &Desk, headers: &HeaderMap, answer: Value) -> Response {
    let refusal = desk.refusal(headers);
    refusal.unwrap_or_else(|| Json(answer).into_response())
}
