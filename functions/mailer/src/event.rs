//! What calls the function.

use serde_json::Value;
use shared::batch::SqsBatch;
use shared::{Error, Result};

/// An event.
#[derive(Debug, Clone)]
pub enum Event {
    /// Messages of the mail queue.
    Told(SqsBatch),
    /// It is time to look into the outbox: a scheduled event of EventBridge.
    Sweep,
}

impl Event {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_neither_sqs_nor_the_schedule_sends_is_refused() {
        for wrong in [
            json!({"rawPath": "/"}),
            json!({"source": "aws.events", "detail-type": "EC2 Instance State-change Notification"}),
            json!({"source": "aws.s3", "detail-type": "Scheduled Event"}),
            json!({"Records": [{"s3": {}}]}),
            json!(null),
        ] {
            Event::parse(wrong.clone()).expect_err(&wrong.to_string());
        }
    }
}
