//! Batches of messages that SQS hands to a function, and what the function answers.
//!
//! A message that fails is named in the answer, and comes again alone. When a dependency is away the whole batch
//! is an error: then Lambda takes fewer messages for a while, and its metrics say that something is wrong.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::http::{Deadline, TraceContext};
use crate::model::JobPriority;
use crate::queue::{QueueMessage, describe};
use crate::spans::{Kind, Span, Spans};

/// The event. Members that are not needed are left alone.
#[derive(Debug, Clone, Deserialize)]
pub struct SqsBatch {
    #[serde(rename = "Records")]
    records: Vec<SqsRecord>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SqsRecord {
    message_id: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    message_attributes: Value,
    #[serde(default, rename = "eventSourceARN")]
    queue: String,
}

/// What calls a function that works on a queue in the table.
#[derive(Debug, Clone)]
pub enum WorkerEvent {
    /// Messages of its SQS queue.
    Told(SqsBatch),
    /// It is time to look into the table: a scheduled event of EventBridge.
    Sweep,
}

impl WorkerEvent {
    /// Reads an event.
    pub fn parse(event: Value) -> Result<Self> {
        if event["Records"].is_array() {
            return SqsBatch::parse(event).map(Self::Told);
        }
        if event["source"] == "aws.events" && event["detail-type"] == "Scheduled Event" {
            return Ok(Self::Sweep);
        }
        Err(Error::Malformed(
            "this is neither a batch of SQS nor a scheduled event".to_owned(),
        ))
    }
}

/// Which messages of a batch failed. Lambda wants exactly these names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchAnswer {
    /// Each once, none if all went well.
    pub batch_item_failures: Vec<FailedItem>,
}

/// One message that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedItem {
    /// Its id in SQS.
    pub item_identifier: String,
}

impl SqsBatch {
    /// Reads an event. One whose messages have no ids is refused as a whole: they could not be named.
    pub fn parse(event: Value) -> Result<Self> {
        let batch: Option<Self> = serde_json::from_value(event).ok();
        batch
            .filter(|batch| {
                batch
                    .records
                    .iter()
                    .all(|record| !record.message_id.is_empty())
            })
            .ok_or_else(|| Error::Malformed("this is not an event of SQS".to_owned()))
    }

    /// Handles one message after the other, those of the highest priority first. A message that can't be read, fails or panics is named in the answer;
    /// so are those for which less than `budget` is left. Each is a step of the trace that its attributes name.
    ///
    /// # Errors
    /// [`Error::Unavailable`] from a message: a dependency is away, and the messages after it are not begun.
    pub async fn handle<Handled: Future<Output = Result<()>>>(
        self,
        (deadline, budget): (Deadline, Duration),
        spans: &Spans,
        handle: impl Fn(QueueMessage) -> Handled,
    ) -> Result<BatchAnswer> {
        let mut answer = BatchAnswer::default();
        let mut left = self.records.len();
        let read = self.records.into_iter().map(|record| {
            let message = QueueMessage::read(&record.body);
            (record, message)
        });
        let mut read: Vec<(SqsRecord, Result<QueueMessage>)> = read.collect();
        read.sort_by_key(|(_, message)| {
            let message = message.as_ref();
            message.map_or(JobPriority::default(), QueueMessage::priority)
        });
        for (record, message) in read {
            if !deadline.allows(budget) {
                tracing::warn!(left, "time is short: messages go back to the queue");
                answer.add(record.message_id);
                continue;
            }
            let mut span = record.span(spans);
            let message_id = record.message_id;
            left -= 1;
            // Boxed, because the compiler gives up on futures that are nested so deeply.
            let one = Box::pin(async { handle(message?).await });
            let one = span.trace().clone().scope(one);
            let handled = AssertUnwindSafe(one).catch_unwind().await;
            let handled = handled.map(|handled| span.note(handled));
            let error = match handled {
                Ok(Ok(())) => continue,
                Ok(Err(error @ Error::Unavailable(_))) => return Err(error),
                Ok(Err(error)) => error,
                // What it panicked with could hold anything.
                Err(_) => {
                    span.fail("panic");
                    Error::internal("it panicked")
                }
            };
            tracing::error!(message.id = message_id, error = ?error, "message {message_id} failed: {error}");
            answer.add(message_id);
        }
        Ok(answer)
    }
}

impl SqsRecord {
    /// The step of working on it.
    fn span(&self, spans: &Spans) -> Span {
        let attributes = self.message_attributes.as_object().into_iter().flatten();
        let attributes = attributes
            .filter_map(|(name, value)| Some((name.as_str(), value["stringValue"].as_str()?)));
        let trace = TraceContext::of_message(attributes, spans);
        let queue = self.queue.rsplit(':').next().unwrap_or_default();
        let mut span = Span::of(trace, Kind::Consumer, "process", queue);
        describe(&mut span, queue, "process");
        span
    }
}

impl BatchAnswer {
    /// A message that came twice is named once.
    fn add(&mut self, item_identifier: String) {
        let item = FailedItem { item_identifier };
        if !self.batch_item_failures.contains(&item) {
            self.batch_item_failures.push(item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{JobId, OutboxId};
    use serde_json::json;

    const BUDGET: Duration = Duration::from_secs(10);

    #[test]
    fn what_neither_sqs_nor_the_schedule_sends_is_refused() {
        for wrong in [
            json!({"rawPath": "/"}),
            json!({"source": "aws.events", "detail-type": "EC2 Instance State-change Notification"}),
            json!({"source": "aws.s3", "detail-type": "Scheduled Event"}),
            json!({"Records": [{"s3": {}}]}),
            json!(null),
        ] {
            WorkerEvent::parse(wrong.clone()).expect_err(&wrong.to_string());
        }
    }

    fn batch(bodies: &[String]) -> SqsBatch {
        let records = bodies.iter().enumerate();
        let records: Vec<Value> = records
            .map(|(place, body)| json!({"messageId": format!("m-{place}"), "body": body, "awsRegion": "r"}))
            .collect();
        SqsBatch::parse(json!({"Records": records})).expect("a batch")
    }

    fn message(id: OutboxId) -> String {
        serde_json::to_string(&QueueMessage::MailWaits { version: 1, id }).expect("JSON")
    }

    fn named(places: impl IntoIterator<Item = usize>) -> Value {
        let places = places.into_iter();
        let items: Vec<Value> = places
            .map(|place| json!({"itemIdentifier": format!("m-{place}")}))
            .collect();
        json!({"batchItemFailures": items})
    }

    #[tokio::test]
    async fn exactly_the_messages_that_fail_are_named_whichever_they_are() {
        for subset in 0_u32..1 << 10 {
            let fails = |place: &usize| subset >> place & 1 == 1;
            let ids: Vec<OutboxId> = (0..10).map(|_| OutboxId::new()).collect();
            // Four ways to fail.
            let bodies: Vec<String> = (0..10)
                .map(|place| match place % 4 {
                    0 if fails(&place) => "not JSON".to_owned(),
                    1 if fails(&place) => message(ids[place]).replace(":1,", ":2,"),
                    _ => message(ids[place]),
                })
                .collect();
            let handle = async |message: QueueMessage| {
                let QueueMessage::MailWaits { id, .. } = message else {
                    return Err(message.not_ours());
                };
                let place = ids.iter().position(|known| *known == id).expect("an id");
                match place % 4 {
                    2 if fails(&place) => panic!("on command"),
                    _ if fails(&place) => Err(Error::internal("on command")),
                    _ => Ok(()),
                }
            };

            let answer = batch(&bodies)
                .handle((Deadline::none(), BUDGET), &Spans::default(), handle)
                .await;
            let answer = serde_json::to_value(answer.expect("an answer")).expect("JSON");
            assert_eq!(answer, named((0..10).filter(fails)), "{subset:b}");
        }
    }

    #[tokio::test]
    async fn a_dependency_that_is_away_fails_the_batch_and_begins_nothing_more() {
        let bodies: Vec<String> = (0..4).map(|_| message(OutboxId::new())).collect();
        let begun = std::cell::Cell::new(0);
        let handle = async |_| {
            begun.set(begun.get() + 1);
            if begun.get() == 2 {
                return Err(Error::unavailable("on command"));
            }
            Ok(())
        };
        let answer = batch(&bodies)
            .handle((Deadline::none(), BUDGET), &Spans::default(), handle)
            .await;
        assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
        assert_eq!(begun.get(), 2);
    }

    #[tokio::test]
    async fn with_too_little_time_nothing_is_begun_and_everything_goes_back() {
        let bodies: Vec<String> = (0..3).map(|_| message(OutboxId::new())).collect();
        let deadline = Deadline::after(BUDGET);
        let off = Spans::default();
        let answer =
            batch(&bodies).handle((deadline, BUDGET), &off, async |_| panic!("it has begun"));
        let answer = serde_json::to_value(answer.await.expect("an answer")).expect("JSON");
        assert_eq!(answer, named(0..3));
    }

    #[tokio::test]
    async fn messages_with_a_high_priority_go_first_and_equal_ones_in_their_order() {
        let job = |priority| QueueMessage::JobWaits {
            version: 1,
            id: JobId::new(),
            priority,
        };
        let sent = [JobPriority::Low, JobPriority::High, JobPriority::Normal].map(job);
        let bodies = sent
            .each_ref()
            .map(|message| serde_json::to_string(message).expect("JSON"));
        let mail = message(OutboxId::new());
        let handled = std::cell::RefCell::new(Vec::new());
        let batch = batch(&[&bodies[..], &[mail]].concat());
        let off = Spans::default();
        let answer = batch.handle((Deadline::none(), BUDGET), &off, async |message| {
            handled.borrow_mut().push(message.priority());
            Ok(())
        });
        assert_eq!(answer.await.expect("an answer"), BatchAnswer::default());
        use JobPriority::{High, Low, Normal};
        assert_eq!(handled.into_inner(), [High, Normal, Normal, Low]);
    }

    #[tokio::test]
    async fn a_message_that_comes_twice_is_named_once() {
        let record = json!({"messageId": "m-0", "body": "{}"});
        let batch = SqsBatch::parse(json!({"Records": [record, record]})).expect("a batch");
        let answer = batch
            .handle((Deadline::none(), BUDGET), &Spans::default(), async |_| {
                Ok(())
            })
            .await;
        let answer = serde_json::to_value(answer.expect("an answer")).expect("JSON");
        assert_eq!(answer, named([0]));
    }

    #[test]
    fn what_could_not_be_named_is_refused() {
        for wrong in [
            json!({}),
            json!({"Records": [{"body": "{}"}]}),
            json!({"Records": [{"messageId": "", "body": "{}"}]}),
        ] {
            SqsBatch::parse(wrong.clone()).expect_err(&wrong.to_string());
        }
    }
}
