//! A turn as server-sent events (WHATWG HTML, section 9.2).

use std::convert::Infallible;
use std::time::Duration;

use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use engine::{Turn, TurnEvent};
use futures_util::stream::{self, Stream};
use serde::Serialize;
use shared::Error;
use shared::http::{MessageView, Problem};
use shared::model::{ConversationId, MessageId, RequestId};
use tokio::sync::mpsc;

/// How often a comment keeps a silent stream open. API Gateway closes one after 30 seconds at the edge.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The data of the first event, `start`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Start {
    /// The conversation.
    conversation_id: ConversationId,
    /// The stored message of the user.
    user_message_id: MessageId,
    /// The id that the answer will have.
    message_id: MessageId,
    /// The request, for whoever looks it up in the logs.
    request_id: RequestId,
    /// The provider that answers.
    provider: String,
    /// The model that answers.
    model: String,
}

/// The data of `delta` events.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Delta {
    /// Text that follows the text before.
    content: String,
}

/// What the `data` of each event holds, by the event's name.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
#[expect(
    dead_code,
    reason = "it stands in the OpenAPI document only: events are written one by one"
)]
pub(crate) enum TurnStream {
    /// `event: start`, once, first.
    Start(Start),
    /// `event: delta`, for each piece of text.
    Delta(Delta),
    /// `event: done`, last: the stored message.
    Done(MessageView),
    /// `event: error`, last: why there is no answer.
    Error(Problem),
}

/// Where a stream stands. It ends only after a terminal event.
enum State {
    Open {
        events: mpsc::Receiver<TurnEvent>,
        conversation: ConversationId,
        request_id: RequestId,
        sequence: u64,
    },
    Ended,
}

/// The events of a turn. The body never yields an error: the Lambda runtime would write it into the body.
pub(crate) fn response(
    conversation: ConversationId,
    request_id: RequestId,
    turn: Turn,
) -> Response {
    let Turn {
        question,
        answer_id,
        model,
        events,
    } = turn;
    let start = Start {
        conversation_id: conversation,
        user_message_id: question.id,
        message_id: answer_id,
        request_id,
        provider: model.provider().name.clone(),
        model: model.spec().id.clone(),
    };
    let state = State::Open {
        events,
        conversation,
        request_id,
        sequence: 1,
    };
    let first = stream::once(std::future::ready(Ok(event(0, "start", &start))));
    answer(
        futures_util::StreamExt::chain(first, rest(state)),
        KEEP_ALIVE,
    )
}

fn answer(
    events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static,
    keep_alive: Duration,
) -> Response {
    let body = Sse::new(events).keep_alive(KeepAlive::new().interval(keep_alive));
    let no_store = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
    ([no_store], body).into_response()
}

fn rest(state: State) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(state, async |state| {
        let State::Open {
            mut events,
            conversation,
            request_id,
            sequence,
        } = state
        else {
            return None;
        };
        let problem =
            |error: &Error| event(sequence, "error", &Problem::new(error, Some(&request_id)));
        let (event, goes_on) = match events.recv().await {
            Some(TurnEvent::Delta(content)) => (event(sequence, "delta", &Delta { content }), true),
            Some(TurnEvent::Done(message)) => (
                event(sequence, "done", &MessageView::new(conversation, message)),
                false,
            ),
            Some(TurnEvent::Failed(error)) => (problem(&error), false),
            None => (
                problem(&Error::internal("the turn ended without an outcome")),
                false,
            ),
        };
        let next = if goes_on {
            State::Open {
                events,
                conversation,
                request_id,
                sequence: sequence + 1,
            }
        } else {
            State::Ended
        };
        Some((Ok(event), next))
    })
}

fn event(sequence: u64, name: &str, data: &impl Serialize) -> Event {
    // Structs of strings and numbers can't fail to serialize, and JSON has no line ends.
    let data = serde_json::to_string(data).unwrap_or_default();
    Event::default()
        .id(sequence.to_string())
        .event(name)
        .data(data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt as _;

    fn open() -> (mpsc::Sender<TurnEvent>, State) {
        let (sender, events) = mpsc::channel(1);
        let state = State::Open {
            events,
            conversation: ConversationId::new(),
            request_id: RequestId::new(),
            sequence: 1,
        };
        (sender, state)
    }

    #[tokio::test]
    async fn a_silent_stream_is_kept_open_by_comments() {
        let (_sender, state) = open();
        let response = answer(rest(state), Duration::from_millis(1));
        let mut chunks = response.into_body().into_data_stream();
        for _ in 0..3 {
            let chunk = chunks.next().await.expect("a chunk").expect("no error");
            assert_eq!(&chunk[..], b":\n\n");
        }
    }

    #[tokio::test]
    async fn a_turn_that_dies_without_a_word_ends_the_stream_with_an_error() {
        let (sender, state) = open();
        sender
            .send(TurnEvent::Delta("Hel".to_owned()))
            .await
            .expect("sent");
        drop(sender);
        let body = answer(rest(state), KEEP_ALIVE).into_body();
        let bytes = axum::body::to_bytes(body, usize::MAX)
            .await
            .expect("no error");
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            text.contains("event: delta\n") && text.contains("event: error\n"),
            "{text}"
        );
        assert!(text.contains("urn:chatter:problem:internal"), "{text}");
    }
}
