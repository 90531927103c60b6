//! What the next calls of a stand-in meet.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// What a call of an index's server meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexFault {
    /// Nothing: it only counts as one call.
    Pass,
    /// That status before anything is done.
    Refused(u16),
    /// It is done, and the reply is 503.
    ReplyLost,
    /// No answer at all.
    Hang,
    /// The connection is closed in the middle of the answer.
    Closed,
}

/// The faults to come, and the calls there were.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults(Arc<Mutex<Noted>>);

#[derive(Debug, Default)]
struct Noted {
    faults: VecDeque<IndexFault>,
    calls: Vec<String>,
}

impl Faults {
    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, fault: IndexFault, times: usize) {
        let faults = std::iter::repeat_n(fault, times);
        self.lock().faults.extend(faults);
    }

    pub(crate) fn heal(&self) {
        self.lock().faults.clear();
    }

    pub(crate) fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().calls)
    }

    /// Answers a call with what `perform` says, or with a fault.
    pub(crate) async fn meet(&self, call: String, perform: impl FnOnce() -> Response) -> Response {
        let fault = {
            let mut noted = self.lock();
            noted.calls.push(call);
            noted.faults.pop_front()
        };
        match fault {
            None | Some(IndexFault::Pass) => perform(),
            Some(IndexFault::Refused(status)) => status_alone(status),
            Some(IndexFault::ReplyLost) => {
                drop(perform());
                status_alone(503)
            }
            Some(IndexFault::Hang) => std::future::pending().await,
            Some(IndexFault::Closed) => {
                let broken = futures_util::stream::iter([
                    Ok("{"),
                    Err(std::io::Error::other("closed on command")),
                ]);
                Body::from_stream(broken).into_response()
            }
        }
    }
}

fn status_alone(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, "on command").into_response()
}

/// Where two vectors point, from -1 to 1.
pub(crate) fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(a, b) / (dot(a, a).sqrt() * dot(b, b).sqrt())
}
