//! Amazon SES as far as sending a mail needs it: `SendEmail` of its second API. It keeps what it took, and fails on
//! command.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

const SEND_EMAIL: &str = "/v2/email/outbound-emails";

/// What the next calls meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SesFault {
    /// 429 `TooManyRequestsException`.
    Throttled,
    /// That status with that code, and words that hold the recipient, as SES's do.
    Refused(u16, &'static str),
    /// A 500 before anything is done.
    Unavailable,
    /// It is taken, and the reply says 500.
    ReplyLost,
    /// It is taken, and the reply comes after that time.
    Late(Duration),
}

/// SES on a port of this machine.
#[derive(Debug, Clone)]
pub struct LocalSes {
    /// Where it is.
    pub url: String,
    noted: Arc<Mutex<Noted>>,
}

#[derive(Debug, Default)]
struct Noted {
    taken: Vec<Value>,
    calls: usize,
    faults: VecDeque<SesFault>,
}

impl LocalSes {
    /// On a free port.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> Result<Self, String> {
        let noted = Arc::<Mutex<Noted>>::default();
        let router = Router::new().fallback(answer).with_state(noted.clone());
        Ok(Self {
            url: crate::serve(router).await?,
            noted,
        })
    }

    /// The requests that were taken since this was asked last, in their order.
    pub fn take_sent(&self) -> Vec<Value> {
        std::mem::take(&mut lock(&self.noted).taken)
    }

    /// How many calls there were since this was asked last, taken or not.
    pub fn take_calls(&self) -> usize {
        std::mem::take(&mut lock(&self.noted).calls)
    }

    /// What the next `times` calls meet.
    pub fn fail(&self, fault: SesFault, times: usize) {
        let faults = std::iter::repeat_n(fault, times);
        lock(&self.noted).faults.extend(faults);
    }

    /// Ends all faults that are still to come.
    pub fn heal(&self) {
        lock(&self.noted).faults.clear();
    }
}

fn lock(noted: &Mutex<Noted>) -> MutexGuard<'_, Noted> {
    noted.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(State(noted): State<Arc<Mutex<Noted>>>, uri: Uri, body: Bytes) -> Response {
    let (SEND_EMAIL, Ok(request)) = (uri.path(), serde_json::from_slice::<Value>(&body)) else {
        return refused(404, "NotFoundException", "");
    };
    let to = request["Destination"]["ToAddresses"].to_string();
    let fault = {
        let mut noted = lock(&noted);
        noted.calls += 1;
        let fault = noted.faults.pop_front();
        if matches!(fault, None | Some(SesFault::ReplyLost | SesFault::Late(_))) {
            noted.taken.push(request);
        }
        fault
    };
    match fault {
        None => {}
        Some(SesFault::Late(time)) => tokio::time::sleep(time).await,
        Some(SesFault::Throttled) => return refused(429, "TooManyRequestsException", &to),
        Some(SesFault::Refused(status, code)) => return refused(status, code, &to),
        Some(SesFault::Unavailable | SesFault::ReplyLost) => {
            return refused(500, "InternalFailure", &to);
        }
    }
    let id = json!({"MessageId": uuid::Uuid::now_v7().to_string()});
    (StatusCode::OK, axum::Json(id)).into_response()
}

fn refused(status: u16, code: &str, to: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let message = format!("on command, for {to}");
    let headers = [("x-amzn-errortype", code.to_owned())];
    (status, headers, axum::Json(json!({"message": message}))).into_response()
}
