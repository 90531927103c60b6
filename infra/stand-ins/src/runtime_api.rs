//! Lambda's Runtime API, as far as one process of a function needs it: whoever polls gets the next event, and what is
//! answered is kept for whoever sent it.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

#![expect(
    clippy::disallowed_types,
    reason = "this stands for another service, with errors of its own"
)]

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};

/// The longest answer.
const LONGEST_ANSWER: usize = 20 << 20;
/// Between the head and the body of a streamed answer.
const HEAD_END: [u8; 8] = [0; 8];

/// One call of the function.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Lambda's id of it.
    pub id: String,
    /// What the function is called with.
    pub event: Value,
    /// X-Ray's trace, as in `Root=1-5759e988-bd862e3fe1be46a994272793`.
    pub trace: String,
    /// How long the function has.
    pub limit: Duration,
    /// Whether the connection breaks when the function begins to answer.
    pub cut: bool,
}

/// What the function answered to one call.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status in its head.
    pub status: StatusCode,
    /// The headers in its head.
    pub headers: HeaderMap,
    /// All of its body.
    pub body: String,
}

/// The Runtime API on a port of this machine.
#[derive(Debug, Clone)]
pub struct RuntimeApi {
    /// Its host and port, as `AWS_LAMBDA_RUNTIME_API` has them.
    pub address: String,
    events: mpsc::UnboundedSender<Invocation>,
    desk: Arc<Desk>,
}

type Outcome = Result<Answer, String>;

#[derive(Debug)]
struct Desk {
    events: AsyncMutex<mpsc::UnboundedReceiver<Invocation>>,
    polls: AtomicUsize,
    open: Mutex<HashMap<String, (bool, oneshot::Sender<Outcome>)>>,
}

impl RuntimeApi {
    /// On a free port.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> Result<Self, String> {
        let (events, received) = mpsc::unbounded_channel();
        let desk = Arc::new(Desk {
            events: AsyncMutex::new(received),
            polls: AtomicUsize::new(0),
            open: Mutex::default(),
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(answer))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(failure))
            .with_state(desk.clone());
        let url = crate::serve(router).await?;
        Ok(Self {
            address: url.trim_start_matches("http://").to_owned(),
            events,
            desk,
        })
    }

    /// How many workers of the function wait for an event now.
    pub fn polls(&self) -> usize {
        self.desk.polls.load(Ordering::SeqCst)
    }

    /// Calls the function and waits for the end of its answer.
    ///
    /// # Errors
    /// What the function reported instead, or that the connection was cut.
    pub async fn invoke(&self, invocation: Invocation) -> Outcome {
        let (told, answered) = oneshot::channel();
        let open = (invocation.cut, told);
        self.desk.open().insert(invocation.id.clone(), open);
        self.events
            .send(invocation)
            .map_err(|_| "nobody takes events any more".to_owned())?;
        let answered = answered.await;
        answered.map_err(|_| "the function was asked no more".to_owned())?
    }
}

impl Desk {
    fn open(&self) -> MutexGuard<'_, HashMap<String, (bool, oneshot::Sender<Outcome>)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, id: &str, outcome: Outcome) -> Response {
        let Some((_, told)) = self.open().remove(id) else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        // Whoever has called may have gone.
        drop(told.send(outcome));
        StatusCode::ACCEPTED.into_response()
    }
}

/// A poll that is open.
struct Poll<'a>(&'a AtomicUsize);

impl<'a> Poll<'a> {
    fn new(polls: &'a AtomicUsize) -> Self {
        polls.fetch_add(1, Ordering::SeqCst);
        Self(polls)
    }
}

impl Drop for Poll<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn next(State(desk): State<Arc<Desk>>) -> Response {
    let event = {
        let _poll = Poll::new(&desk.polls);
        desk.events.lock().await.recv().await
    };
    let Some(invocation) = event else {
        return StatusCode::GONE.into_response();
    };
    #[expect(clippy::disallowed_methods, reason = "another service's own clock")]
    let until = SystemTime::now() + invocation.limit;
    let until = until.duration_since(UNIX_EPOCH).unwrap_or_default();
    let headers = [
        ("lambda-runtime-aws-request-id", invocation.id),
        ("lambda-runtime-deadline-ms", until.as_millis().to_string()),
        ("lambda-runtime-trace-id", invocation.trace),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:tested".to_owned(),
        ),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, invocation.event.to_string()).into_response()
}

async fn answer(State(desk): State<Arc<Desk>>, Path(id): Path<String>, body: Body) -> Response {
    if desk.open().get(&id).is_some_and(|(cut, _)| *cut) {
        desk.tell(&id, Err("the connection was cut".to_owned()));
        // The task of this connection ends, and the connection with it. No hook of panics is called.
        std::panic::resume_unwind(Box::new("cut on command"));
    }
    let read = to_bytes(body, LONGEST_ANSWER).await;
    let outcome = read
        .map_err(|error| error.to_string())
        .and_then(|bytes| parted(&bytes));
    desk.tell(&id, outcome)
}

async fn failure(State(desk): State<Arc<Desk>>, Path(id): Path<String>, body: String) -> Response {
    desk.tell(&id, Err(body))
}

/// A streamed answer into its head and its body.
fn parted(bytes: &[u8]) -> Outcome {
    let place = bytes.windows(HEAD_END.len()).position(|at| at == HEAD_END);
    let place = place.ok_or("this is no streamed answer")?;
    let head: Value = serde_json::from_slice(&bytes[..place]).map_err(|error| error.to_string())?;
    let status = head["statusCode"]
        .as_u64()
        .and_then(|status| u16::try_from(status).ok());
    let status = status.and_then(|status| StatusCode::from_u16(status).ok());
    let mut headers = HeaderMap::new();
    for (name, value) in head["headers"].as_object().into_iter().flatten() {
        let name = HeaderName::try_from(name).map_err(|error| error.to_string())?;
        let value = value.as_str().unwrap_or_default();
        let value = HeaderValue::try_from(value).map_err(|error| error.to_string())?;
        headers.insert(name, value);
    }
    Ok(Answer {
        status: status.ok_or("the answer has no status")?,
        headers,
        body: String::from_utf8_lossy(&bytes[place + HEAD_END.len()..]).into_owned(),
    })
}
