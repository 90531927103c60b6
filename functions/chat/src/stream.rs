//! A run as server-sent events (WHATWG HTML, section 9.2).

use std::convert::Infallible;
use std::time::Duration;

use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use engine::{Delta, ReasoningDelta, Start, Switch, ToolArgumentsDelta, ToolCallStart, TurnEvent};
use futures_util::stream::{self, Stream};
use shared::Error;
use shared::http::openapi::{self, Schemas, collect, event};
use shared::http::{MessageView, Problem};
use shared::model::{RequestId, Retrieval, RunEvent};
use tokio::sync::mpsc;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

/// How often a comment keeps a silent stream open. API Gateway closes one after 30 seconds at the edge.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The events of a stream, as the document has them.
#[derive(Debug)]
pub(crate) enum TurnStream {}

impl PartialSchema for TurnStream {
    fn schema() -> RefOr<Schema> {
        openapi::stream(
            "An event of the stream, by its name. `data` is JSON.",
            [
                event::<Start>("start", "Once, first."),
                event::<Retrieval>(
                    "retrieval",
                    "Once before all text, where knowledge bases are searched: what was found.",
                ),
                event::<Delta>("delta", "For each piece of text."),
                event::<ReasoningDelta>(
                    "reasoning",
                    "For each piece of what the model thinks, where the provider shows it.",
                ),
                event::<ToolCallStart>("tool_call", "Where the model calls a tool."),
                event::<ToolArgumentsDelta>(
                    "tool_arguments",
                    "For each piece of a call's arguments.",
                ),
                event::<Switch>(
                    "switch",
                    "Where another model is asked: the text before it does not count.",
                ),
                event::<MessageView>("done", "Last: the stored message."),
                event::<Problem>(
                    "error",
                    "Last: why there is no answer. Without an `id` it says only that this stream ends here; the run goes on.",
                ),
            ],
        )
    }
}

impl ToSchema for TurnStream {
    fn schemas(schemas: &mut Schemas) {
        collect::<Start>(schemas);
        collect::<Retrieval>(schemas);
        collect::<Delta>(schemas);
        collect::<ReasoningDelta>(schemas);
        collect::<ToolCallStart>(schemas);
        collect::<ToolArgumentsDelta>(schemas);
        collect::<Switch>(schemas);
        collect::<MessageView>(schemas);
        collect::<Problem>(schemas);
    }
}

/// Where a stream stands. It ends only after a terminal event.
enum State {
    Open {
        events: mpsc::Receiver<TurnEvent>,
        request_id: RequestId,
    },
    Ended,
}

/// The events of a run. The body never yields an error: the Lambda runtime would write it into the body.
pub(crate) fn response(request_id: RequestId, events: mpsc::Receiver<TurnEvent>) -> Response {
    answer(all(State::Open { events, request_id }), KEEP_ALIVE)
}

fn answer(
    events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static,
    keep_alive: Duration,
) -> Response {
    let body = Sse::new(events).keep_alive(KeepAlive::new().interval(keep_alive));
    let no_store = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
    ([no_store], body).into_response()
}

fn all(state: State) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(state, async |state| {
        let State::Open {
            mut events,
            request_id,
        } = state
        else {
            return None;
        };
        let (event, goes_on) = match events.recv().await {
            Some(TurnEvent::Event(event)) => (written(event), true),
            Some(TurnEvent::Done(event, _) | TurnEvent::Failed(event, _)) => {
                (written(event), false)
            }
            Some(TurnEvent::Cut(error)) => (cut(&error, request_id), false),
            None => {
                let error = Error::internal("the run's events ended without a last one");
                (cut(&error, request_id), false)
            }
        };
        let next = if goes_on {
            State::Open { events, request_id }
        } else {
            State::Ended
        };
        Some((Ok(event), next))
    })
}

fn written(event: RunEvent) -> Event {
    Event::default()
        .id(event.sequence.to_string())
        .event(event.name)
        .data(event.data)
}

/// The end of a stream that is not the end of its run. It has no `id`, so that a client goes on from where it was.
fn cut(error: &Error, request_id: RequestId) -> Event {
    let problem = Problem::new(error, Some(&request_id));
    // Strings and numbers can't fail to serialize.
    let data = serde_json::to_string(&problem).unwrap_or_default();
    Event::default().event("error").data(data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt as _;

    fn open() -> (mpsc::Sender<TurnEvent>, State) {
        let (sender, events) = mpsc::channel(1);
        let request_id = RequestId::new();
        (sender, State::Open { events, request_id })
    }

    #[tokio::test]
    async fn a_silent_stream_is_kept_open_by_comments() {
        let (_sender, state) = open();
        let response = answer(all(state), Duration::from_millis(1));
        let mut chunks = response.into_body().into_data_stream();
        for _ in 0..3 {
            let chunk = chunks.next().await.expect("a chunk").expect("no error");
            assert_eq!(&chunk[..], b":\n\n");
        }
    }

    #[tokio::test]
    async fn a_turn_that_dies_without_a_word_ends_the_stream_with_an_error_without_an_id() {
        let (sender, state) = open();
        let event = RunEvent {
            sequence: 1,
            name: "delta".to_owned(),
            data: r#"{"content":"Hel"}"#.to_owned(),
        };
        sender.send(TurnEvent::Event(event)).await.expect("sent");
        drop(sender);
        let body = answer(all(state), KEEP_ALIVE).into_body();
        let bytes = axum::body::to_bytes(body, usize::MAX)
            .await
            .expect("no error");
        let text = String::from_utf8_lossy(&bytes);
        let events: Vec<&str> = text.split("\n\n").collect();
        assert!(events[0].contains("id: 1") && events[0].contains("event: delta"));
        assert!(events[1].contains("event: error") && !events[1].contains("id:"));
        assert!(text.contains("urn:chatter:problem:internal"), "{text}");
    }
}
