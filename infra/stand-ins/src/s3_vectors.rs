//! Amazon S3 Vectors over its wire, in memory, as far as an index needs it: vector indexes of one bucket, vectors with
//! metadata, filters and queries, with the service's limits. It takes any signature, and compares everything with everything.

mod filter;
mod store;

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::fault::{Faults, IndexFault};
use store::Bucket;

/// How large a request may be: what the service takes.
const MOST_BYTES: usize = 20 << 20;

/// The name of an exception, and what it says.
type Refusal = (&'static str, String);
type Answer = Result<Value, Refusal>;

/// S3 Vectors on a port of this machine.
#[derive(Debug, Clone)]
pub struct LocalS3Vectors {
    /// Where it is.
    pub url: String,
    shared: Shared,
}

#[derive(Debug, Clone)]
struct Shared {
    bucket: Arc<Mutex<Bucket>>,
    faults: Faults,
}

impl LocalS3Vectors {
    /// With one vector bucket, on a free port.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(bucket: &str) -> Result<Self, String> {
        let shared = Shared {
            bucket: Arc::new(Mutex::new(Bucket::new(bucket))),
            faults: Faults::default(),
        };
        let router = Router::new()
            .fallback(answer)
            .with_state(shared.clone())
            .layer(DefaultBodyLimit::max(MOST_BYTES));
        Ok(Self {
            url: crate::serve(router).await?,
            shared,
        })
    }

    /// What the next `times` calls meet.
    pub fn fail(&self, fault: IndexFault, times: usize) {
        self.shared.faults.add(fault, times);
    }

    /// Ends all faults that are still to come.
    pub fn heal(&self) {
        self.shared.faults.heal();
    }

    /// The operations since this was asked last.
    pub fn take_calls(&self) -> Vec<String> {
        self.shared.faults.take_calls()
    }

    /// How many vectors all indexes have.
    pub fn vectors(&self) -> usize {
        let bucket = self.shared.bucket.lock();
        bucket.unwrap_or_else(PoisonError::into_inner).len()
    }
}

async fn answer(
    State(shared): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let operation = uri.path().trim_start_matches('/').to_owned();
    let faults = shared.faults.clone();
    let call = operation.clone();
    let perform = move || {
        if method != Method::POST || !headers.contains_key("authorization") {
            return refused("AccessDeniedException", "POST it, with a signature");
        }
        let Ok(request) = serde_json::from_slice::<Value>(&body) else {
            return refused("ValidationException", "the body is not JSON");
        };
        let bucket = shared.bucket.lock();
        let mut bucket = bucket.unwrap_or_else(PoisonError::into_inner);
        match bucket.perform(&operation, &request) {
            Ok(answer) => (StatusCode::OK, axum::Json(answer)).into_response(),
            Err((code, message)) => refused(code, &message),
        }
    };
    faults.meet(call, perform).await
}

fn refused(code: &str, message: &str) -> Response {
    let status = match code {
        "AccessDeniedException" => StatusCode::FORBIDDEN,
        "NotFoundException" => StatusCode::NOT_FOUND,
        "ConflictException" => StatusCode::CONFLICT,
        _ => StatusCode::BAD_REQUEST,
    };
    let headers = [("x-amzn-errortype", code.to_owned())];
    (status, headers, axum::Json(json!({"message": message}))).into_response()
}
