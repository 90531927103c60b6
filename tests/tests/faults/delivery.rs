//! What queues do with what they are told, and the events that workers get.

use serde_json::{Value, json};
use shared::queue::QueueMessage;

/// Some messages are lost, some come twice, and they come in any order.
pub(crate) fn muddled(told: Vec<QueueMessage>, drawn: &mut fastrand::Rng) -> Vec<QueueMessage> {
    let mut come = Vec::new();
    for message in told {
        let times = *drawn.choice(&[0, 1, 1, 1, 2]).expect("one");
        come.extend(std::iter::repeat_n(message, times));
    }
    drawn.shuffle(&mut come);
    come
}

/// A batch of SQS.
pub(crate) fn batch(told: &[QueueMessage]) -> Value {
    let records = told.iter().enumerate().map(|(place, message)| {
        let body = serde_json::to_string(message).expect("JSON");
        json!({"messageId": format!("m-{place}"), "body": body, "eventSource": "aws:sqs"})
    });
    json!({"Records": records.collect::<Vec<Value>>()})
}

/// The schedule.
pub(crate) fn tick() -> Value {
    json!({"source": "aws.events", "detail-type": "Scheduled Event"})
}
