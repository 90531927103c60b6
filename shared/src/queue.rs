//! The only writer of SQS: one type a message.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_sqs::types::MessageAttributeValue;
use serde::{Deserialize, Serialize};

use crate::aws::{Lazy, lazy};
use crate::error::{Error, Result};
use crate::http::TraceContext;
use crate::mishap::{Mishaps, meet};
use crate::model::{JobId, JobPriority, OutboxId, RunId};
use crate::spans::{Kind, Span};

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

/// What was written to a queue in memory.
#[derive(Debug, Clone)]
pub struct SentMessage {
    /// The message.
    pub message: QueueMessage,
    /// Names and values of its attributes: `traceparent`, and `tracestate` where there is one.
    pub attributes: Vec<(String, String)>,
}

/// A queue to write to.
#[derive(Debug, Clone)]
pub struct Queue(Arc<Target>);

#[derive(Debug)]
enum Target {
    Sqs {
        client: Lazy<aws_sdk_sqs::Client>,
        url: String,
    },
    Memory {
        kept: Arc<Mutex<Vec<SentMessage>>>,
        mishaps: Option<Mishaps>,
    },
}

impl Queue {
    /// The SQS queue at that address.
    pub fn sqs(sdk: &aws_config::SdkConfig, url: String) -> Self {
        let sdk = sdk.clone();
        let client = lazy(move || aws_sdk_sqs::Client::new(&sdk));
        Self(Arc::new(Target::Sqs { client, url }))
    }

    /// One that keeps what is written, for tests.
    pub fn memory() -> Self {
        let (kept, mishaps) = (Arc::default(), None);
        Self(Arc::new(Target::Memory { kept, mishaps }))
    }

    /// The same queue for a process whose calls meet that, if it is one in memory.
    #[must_use]
    pub fn with_mishaps(&self, mishaps: Mishaps) -> Self {
        match &*self.0 {
            Target::Sqs { .. } => self.clone(),
            Target::Memory { kept, .. } => Self(Arc::new(Target::Memory {
                kept: kept.clone(),
                mishaps: Some(mishaps),
            })),
        }
    }

    /// Writes a message. Its attributes say which step of a trace it belongs to, if it is a part of one.
    pub async fn send(&self, message: &QueueMessage) -> Result<()> {
        if TraceContext::current().is_none() {
            return self.write(message, Vec::new()).await;
        }
        let name = self.name();
        let mut span = Span::here(Kind::Producer, "send", name);
        describe(&mut span, name, "send");
        let attributes = span.trace().written();
        let written = self.write(message, attributes).await;
        span.note(written)
    }

    /// The queue's name.
    fn name(&self) -> &str {
        match &*self.0 {
            Target::Sqs { url, .. } => url.rsplit('/').next().unwrap_or_default(),
            Target::Memory { .. } => "memory",
        }
    }

    async fn write(&self, message: &QueueMessage, attributes: Vec<(String, String)>) -> Result<()> {
        match &*self.0 {
            Target::Sqs { client, url } => {
                let body = serde_json::to_string(message).map_err(Error::internal)?;
                let mut request = client.send_message().queue_url(url).message_body(body);
                for (name, value) in attributes {
                    let value = MessageAttributeValue::builder().string_value(value);
                    let value = value.data_type("String").build().map_err(Error::internal)?;
                    request = request.message_attributes(name, value);
                }
                request.send().await.map(|_| ()).map_err(crate::aws::error)
            }
            Target::Memory { kept, mishaps } => {
                let sent = SentMessage {
                    message: message.clone(),
                    attributes,
                };
                let keep = || {
                    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.push(sent);
                };
                meet(mishaps.as_ref(), "SendMessage", keep).await
            }
        }
    }

    /// What was written to a queue in memory since this was asked last; of SQS nothing.
    pub fn take(&self) -> Vec<QueueMessage> {
        let sent = self.take_sent().into_iter();
        sent.map(|sent| sent.message).collect()
    }

    /// The same with their attributes.
    pub fn take_sent(&self) -> Vec<SentMessage> {
        match &*self.0 {
            Target::Sqs { .. } => Vec::new(),
            Target::Memory { kept, .. } => {
                std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner))
            }
        }
    }
}

/// What the conventions want to know of a span of a queue.
pub(crate) fn describe(span: &mut Span, queue: &str, operation: &'static str) {
    if span.is_recorded() {
        span.set("messaging.system", "aws_sqs");
        span.set("messaging.operation.name", operation);
        span.set("messaging.operation.type", operation);
        // An event need not say which queue it comes from.
        if !queue.is_empty() {
            span.set("messaging.destination.name", queue.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_queue_in_memory_fails_as_it_is_told_and_keeps_what_was_done() {
        use std::sync::atomic::{AtomicUsize, Ordering};

        use futures_util::FutureExt as _;

        use crate::mishap::Mishap;

        let calls = AtomicUsize::new(0);
        let mishaps = Mishaps::new(move |call| {
            assert_eq!(call, "SendMessage");
            match calls.fetch_add(1, Ordering::Relaxed) {
                0 => Some(Mishap::Refused),
                1 => Some(Mishap::ReplyLost),
                2 => None,
                3 => Some(Mishap::Died { done: true }),
                _ => Some(Mishap::Died { done: false }),
            }
        });
        let queue = Queue::memory();
        let process = queue.with_mishaps(mishaps);
        let message = QueueMessage::MailWaits {
            version: 1,
            id: OutboxId::new(),
        };
        let error = process.send(&message).await.expect_err("it is refused");
        assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
        assert_eq!(queue.take(), []);
        process.send(&message).await.expect_err("a lost reply");
        assert_eq!(queue.take().len(), 1);
        process.send(&message).await.expect("nothing happens");
        assert_eq!(queue.take().len(), 1);
        for kept in [1, 0] {
            let heard = process.send(&message).now_or_never();
            assert!(heard.is_none(), "the dead hear nothing: {heard:?}");
            assert_eq!(queue.take().len(), kept);
        }
    }

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
