//! The only writer of SQS: one type a message.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::model::{JobId, JobPriority, OutboxId, RunId};

/// What stands in a queue. Readers refuse a version that they do not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum QueueMessage {
    /// A mail lies in the outbox. Doing it twice does what doing it once does.
    MailWaits {
        /// Always 1.
        version: u8,
        /// Which.
        id: OutboxId,
    },
    /// A job waits for a worker. It has its effect once, however often it is told of.
    JobWaits {
        /// Always 1.
        version: u8,
        /// Which.
        id: JobId,
        /// Where several are told of at once, which goes first.
        priority: JobPriority,
    },
    /// A run waits for a worker. It is begun once, however often it is told of.
    RunWaits {
        /// Always 1.
        version: u8,
        /// Which.
        id: RunId,
    },
}

impl QueueMessage {
    /// Reads what stands in a queue. What is wrong with it is never told by its own words.
    pub fn read(body: &str) -> Result<Self> {
        let message = serde_json::from_str(body)
            .map_err(|_| Error::internal("this is no message that Chatter writes"))?;
        let (name, version) = match message {
            Self::JobWaits { version, .. } => ("job_waits", version),
            Self::MailWaits { version, .. } => ("mail_waits", version),
            Self::RunWaits { version, .. } => ("run_waits", version),
        };
        if version == 1 {
            Ok(message)
        } else {
            Err(Error::internal(format!(
                "version {version} of {name} is not known here"
            )))
        }
    }

    /// Which of several goes first.
    pub const fn priority(&self) -> JobPriority {
        match self {
            Self::JobWaits { priority, .. } => *priority,
            Self::MailWaits { .. } | Self::RunWaits { .. } => JobPriority::Normal,
        }
    }

    /// The error of a function that has nothing to do with such a message.
    pub fn not_ours(&self) -> Error {
        Error::internal(format!("this queue has no messages like {self:?}"))
    }
}

/// A queue to write to.
#[derive(Debug, Clone)]
pub struct Queue(Arc<Target>);

#[derive(Debug)]
enum Target {
    Sqs {
        client: aws_sdk_sqs::Client,
        url: String,
    },
    Memory(Mutex<Vec<QueueMessage>>),
}

impl Queue {
    /// The SQS queue at that address.
    pub fn sqs(sdk: &aws_config::SdkConfig, url: String) -> Self {
        let client = aws_sdk_sqs::Client::new(sdk);
        Self(Arc::new(Target::Sqs { client, url }))
    }

    /// One that keeps what is written, for tests.
    pub fn memory() -> Self {
        Self(Arc::new(Target::Memory(Mutex::default())))
    }

    /// Writes a message.
    pub async fn send(&self, message: &QueueMessage) -> Result<()> {
        match &*self.0 {
            Target::Sqs { client, url } => {
                let body = serde_json::to_string(message).map_err(Error::internal)?;
                let request = client.send_message().queue_url(url).message_body(body);
                request.send().await.map(|_| ()).map_err(crate::aws::error)
            }
            Target::Memory(kept) => {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.push(message.clone());
                Ok(())
            }
        }
    }

    /// What was written to a queue in memory since this was asked last; of SQS nothing.
    pub fn take(&self) -> Vec<QueueMessage> {
        match &*self.0 {
            Target::Sqs { .. } => Vec::new(),
            Target::Memory(kept) => {
                std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_reads_back_and_another_shape_does_not() {
        let message = QueueMessage::MailWaits {
            version: 1,
            id: OutboxId::new(),
        };
        let text = serde_json::to_string(&message).expect("JSON");
        assert!(
            text.starts_with(r#"{"type":"mail_waits","version":1,"id":"out_"#),
            "{text}"
        );
        assert_eq!(QueueMessage::read(&text).ok(), Some(message));
        for wrong in [
            "",
            "{}",
            r#"{"type":"mail_waits"}"#,
            r#"{"type":"other","version":1}"#,
            &text.replace(":1,", ":2,"),
            &text.replace(":1,", ":1,\"canary\":1,"),
        ] {
            let error = QueueMessage::read(wrong).expect_err(wrong);
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
    }
}
