//! A collector of spans, which takes OTLP over HTTP in JSON. It keeps what it took, and fails on command.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};

/// How it takes what it is sent from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Manner {
    /// All of it.
    #[default]
    Takes,
    /// All but that many spans, and says so.
    Rejects(u64),
    /// It answers 503.
    IsAway,
    /// It never answers.
    Hangs,
}

/// A collector on a port of this machine.
#[derive(Debug, Clone)]
pub struct Collector {
    /// Where it is, without `/v1/traces`.
    pub url: String,
    noted: Arc<Mutex<Noted>>,
}

#[derive(Debug, Default)]
struct Noted {
    taken: Vec<Value>,
    calls: usize,
    manner: Manner,
}

impl Collector {
    /// On a free port.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> Result<Self, String> {
        let noted = Arc::<Mutex<Noted>>::default();
        let router = Router::new()
            .route("/v1/traces", post(take))
            .with_state(noted.clone());
        Ok(Self {
            url: crate::serve(router).await?,
            noted,
        })
    }

    /// The documents that were taken since this was asked last.
    pub fn take(&self) -> Vec<Value> {
        std::mem::take(&mut lock(&self.noted).taken)
    }

    /// How many calls there were since this was asked last, taken or not.
    pub fn take_calls(&self) -> usize {
        std::mem::take(&mut lock(&self.noted).calls)
    }

    /// How it takes what comes next.
    pub fn behave(&self, manner: Manner) {
        lock(&self.noted).manner = manner;
    }
}

fn lock(noted: &Mutex<Noted>) -> MutexGuard<'_, Noted> {
    noted.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn take(State(noted): State<Arc<Mutex<Noted>>>, body: Bytes) -> Response {
    let Ok(document) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let manner = {
        let mut noted = lock(&noted);
        noted.calls += 1;
        if matches!(noted.manner, Manner::Takes | Manner::Rejects(_)) {
            noted.taken.push(document);
        }
        noted.manner
    };
    match manner {
        Manner::Takes => axum::Json(json!({})).into_response(),
        Manner::Rejects(spans) => {
            let partial = json!({"rejectedSpans": spans.to_string(), "errorMessage": "on command"});
            axum::Json(json!({"partialSuccess": partial})).into_response()
        }
        Manner::IsAway => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Manner::Hangs => std::future::pending().await,
    }
}
