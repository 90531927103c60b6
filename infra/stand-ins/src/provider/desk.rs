//! What the scripted provider remembers between requests.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Script;

/// A request as the provider got it.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Value,
}

impl Received {
    /// The key in its headers.
    pub fn key(&self) -> Option<&str> {
        key(&self.headers)
    }
}

/// What the provider keeps: the requests it got, the keys it takes no more, and how often it was asked what.
#[derive(Debug, Clone, Default)]
pub(super) struct Desk {
    received: Arc<Mutex<Vec<Received>>>,
    refused: Arc<Mutex<HashSet<String>>>,
    asked: Arc<Mutex<HashMap<String, usize>>>,
    scripts: Arc<Mutex<Vec<(String, Script)>>>,
}

impl Desk {
    pub(super) fn note(&self, received: Received) {
        lock(&self.received).push(received);
    }

    /// How often the same was asked before.
    pub(super) fn asked_before(&self, what: String) -> usize {
        let mut asked = lock(&self.asked);
        let times = asked.entry(what).or_default();
        *times += 1;
        *times - 1
    }

    pub(super) fn was_asked(&self) -> bool {
        !lock(&self.received).is_empty()
    }

    pub(super) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut lock(&self.received))
    }

    pub(super) fn script_when(&self, text: &str, script: Script) {
        lock(&self.scripts).insert(0, (text.to_owned(), script));
    }

    /// What it does where the last message says that.
    pub(super) fn script(&self, said: &str) -> Script {
        let scripts = lock(&self.scripts);
        let found = scripts.iter().find(|(text, _)| said.contains(text));
        found.map_or_else(|| Script::of(said), |(_, script)| script.clone())
    }

    pub(super) fn refuse(&self, key: &str) {
        lock(&self.refused).insert(key.to_owned());
    }

    /// The answer to a request with a key that is refused.
    pub(super) fn refusal(&self, headers: &HeaderMap) -> Option<Response> {
        let key = key(headers)?;
        let error =
            json!({"error": {"type": "invalid_api_key", "message": "SECRET-OF-THE-PROVIDER"}});
        let refuse = || (StatusCode::UNAUTHORIZED, Json(error)).into_response();
        lock(&self.refused).contains(key).then(refuse)
    }
}

/// The key in a request, on any wire.
fn key(headers: &HeaderMap) -> Option<&str> {
    let value = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = value("authorization").and_then(|value| value.strip_prefix("Bearer "));
    bearer
        .or_else(|| value("x-api-key"))
        .or_else(|| value("x-goog-api-key"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
