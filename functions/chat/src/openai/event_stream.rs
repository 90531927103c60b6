//! Server-sent events as OpenAI's clients read them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use engine::TurnEvent;
use futures_util::stream::{self, Stream};
use serde::Serialize;
use shared::http::Json;
use shared::http::openai::OpenAiFailure;
use shared::model::RunEvent;
use shared::{Error, Result};
use tokio::sync::mpsc;

/// How often a comment keeps a silent stream open. API Gateway closes one after 30 seconds at the edge.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    /// Its name, if it has one.
    pub(super) name: Option<String>,
    /// Its data.
    pub(super) data: String,
}

impl Frame {
    /// Data without a name.
    pub(super) fn data(data: &impl Serialize) -> Self {
        // Structs of strings and numbers can't fail to serialize.
        Self::raw(&serde_json::to_string(data).unwrap_or_default())
    }

    /// Data with a name.
    pub(super) fn named(name: &str, data: &impl Serialize) -> Self {
        Self {
            name: Some(name.to_owned()),
            ..Self::data(data)
        }
    }

    /// Text without a name.
    pub(super) fn raw(data: &str) -> Self {
        Self {
            name: None,
            data: data.to_owned(),
        }
    }

    /// Why the stream ends: an object with `error`, which the SDKs raise.
    pub(super) fn error(error: &Error) -> Self {
        Self::data(&OpenAiFailure::new(error, None).1)
    }

    /// Why a run failed elsewhere, as it was told there.
    pub(super) fn failed(event: &RunEvent) -> Self {
        match OpenAiFailure::of_problem(&event.data) {
            Some((_, failure)) => Self::data(&failure),
            None => Self::error(&Error::internal("a run failed without a problem")),
        }
    }
}

/// Makes events for clients of a run's events.
pub(super) trait Frames: Send + 'static {
    /// What one of them becomes.
    fn frames(&mut self, event: TurnEvent) -> Vec<Frame>;
}

/// The events of a run. The body never yields an error: the Lambda runtime would write it into the body.
pub(super) fn response(frames: impl Frames, events: mpsc::Receiver<TurnEvent>) -> Response {
    let open = Open {
        frames,
        events: Some(events),
        waiting: VecDeque::new(),
    };
    let body = Sse::new(all(open)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    let no_store = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
    ([no_store], body).into_response()
}

struct Open<F> {
    frames: F,
    /// `None` after the last.
    events: Option<mpsc::Receiver<TurnEvent>>,
    waiting: VecDeque<Frame>,
}

fn all<F: Frames>(open: Open<F>) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(open, async |mut open| {
        loop {
            if let Some(frame) = open.waiting.pop_front() {
                let event = Event::default().data(frame.data);
                let event = match frame.name {
                    Some(name) => event.event(name),
                    None => event,
                };
                return Some((Ok(event), open));
            }
            let events = open.events.as_mut()?;
            let event = events.recv().await.unwrap_or_else(|| {
                let fault = "the run's events ended without a last one";
                TurnEvent::Cut(Error::internal(fault))
            });
            if !matches!(event, TurnEvent::Event(_)) {
                open.events = None;
            }
            open.waiting.extend(open.frames.frames(event));
        }
    })
}

/// The answer to whoever asked a run that failed elsewhere, as it was told there.
pub(super) fn failed(event: &RunEvent) -> Result<Response> {
    let failure = OpenAiFailure::of_problem(&event.data);
    let (status, failure) =
        failure.ok_or_else(|| Error::internal("a run failed without a problem"))?;
    Ok((status, Json(failure)).into_response())
}
