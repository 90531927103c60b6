//! Lambda's Invoke, for one function that answers as it is told.
//!
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>

#![expect(
    clippy::disallowed_types,
    reason = "this is no function of ours: it answers as Lambda does"
)]

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};

/// What a call comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comes {
    /// To what the function answers.
    Answer(Value),
    /// To its failure, with that message.
    Failure(&'static str),
    /// To a refusal: too many call at the same time.
    Throttled,
    /// To nothing.
    Silence,
}

/// Where functions are called.
#[derive(Debug, Clone)]
pub struct LambdaApi {
    /// Its address.
    pub url: String,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    comes: Comes,
    calls: Vec<(String, Value)>,
}

impl LambdaApi {
    /// On a free port. Every call comes to that.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(comes: Comes) -> Result<Self, String> {
        let calls = Vec::new();
        let shared = Arc::new(Mutex::new(Shared { comes, calls }));
        let router = Router::new()
            .route("/2015-03-31/functions/{name}/invocations", post(invoke))
            .with_state(shared.clone());
        Ok(Self {
            url: crate::serve(router).await?,
            shared,
        })
    }

    /// The calls since this was asked last: the function's name, and what it was asked.
    pub fn take_calls(&self) -> Vec<(String, Value)> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut shared.calls)
    }
}

async fn invoke(
    State(shared): State<Arc<Mutex<Shared>>>,
    Path(name): Path<String>,
    body: axum::body::Bytes,
) -> Response {
    let comes = {
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let event = serde_json::from_slice(&body).unwrap_or_default();
        shared.calls.push((name, event));
        shared.comes.clone()
    };
    match comes {
        Comes::Answer(answer) => axum::Json(answer).into_response(),
        Comes::Failure(message) => {
            let mut headers = HeaderMap::new();
            headers.insert(
                "x-amz-function-error",
                HeaderValue::from_static("Unhandled"),
            );
            let failed = json!({"errorType": "Error", "errorMessage": message});
            (headers, axum::Json(failed)).into_response()
        }
        Comes::Throttled => {
            let mut headers = HeaderMap::new();
            headers.insert(
                "x-amzn-errortype",
                HeaderValue::from_static("TooManyRequestsException"),
            );
            let refused = json!({"Type": "User", "message": "Rate Exceeded.", "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded"});
            (StatusCode::TOO_MANY_REQUESTS, headers, axum::Json(refused)).into_response()
        }
        Comes::Silence => std::future::pending().await,
    }
}
