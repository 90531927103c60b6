//! Sends the mails that lie in the outbox. SQS tells of each as it is written; a schedule finds those of which
//! nobody was told, and those that failed and are due again.
//!
//! **How often a mail leaves.** It is taken for longer than this function can run, sent, and deleted, so two
//! senders never send the same mail side by side. It leaves twice only when nobody learns that it has left: the
//! process ends between sending and deleting, or the reply of SES is lost or later than ten seconds. SES takes
//! no token by which it would know the second one. Leaving twice is the better fault: the tokens in mails are
//! good once.
//!
//! **When it can't leave.** Where SES refuses a mail, that mail waits, longer each time. Where SES, the table or
//! Secrets Manager is away, nothing more is begun, and the event is an error. After four days a mail is given up,
//! with a line that an alarm counts.

mod deliver;
mod directory;
mod eml;
mod envelope;
mod ses;
mod sweep;
mod transport;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use shared::batch::{BatchAnswer, WorkerEvent};
use shared::clock::Clock;
use shared::http::Deadline;
use shared::lambda::EventHandler;
use shared::mail::Post;
use shared::model::OutboxId;
use shared::queue::QueueMessage;
use shared::spans::Spans;
use shared::store::OutboxStore;
use shared::{App, Result};

pub use sweep::Swept;
pub use transport::Transport;

/// What one mail may take: it is taken, opened and deleted, each in at most eight seconds, and sent in at most ten.
const BUDGET: Duration = Duration::from_secs(35);

/// The function.
#[derive(Debug, Clone)]
pub struct Mailer {
    outbox: OutboxStore,
    post: Post,
    clock: Clock,
    transport: Transport,
    spans: Spans,
    /// What this process has sent and could not delete.
    left: Arc<Mutex<HashSet<OutboxId>>>,
}

/// What an event came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// Which messages failed.
    Batch(BatchAnswer),
    /// What became of the mails that were found.
    Swept(Swept),
}

impl Mailer {
    /// With what every function has, and the transport of its settings.
    pub fn new(app: &App) -> Self {
        Self::with(app, Transport::of(app))
    }

    /// With another transport.
    pub fn with(app: &App, transport: Transport) -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the function that may")]
        let outbox = app.store.outbox();
        Self {
            outbox,
            post: app.post.clone(),
            clock: app.clock.clone(),
            spans: app.spans.clone(),
            transport,
            left: Arc::default(),
        }
    }

    async fn told(&self, message: QueueMessage) -> Result<()> {
        let QueueMessage::MailWaits { id, .. } = message else {
            return Err(message.not_ours());
        };
        self.deliver(id).await?.into_result()
    }
}

impl EventHandler for Mailer {
    type Answer = Answer;

    async fn handle(&self, event: Value, deadline: Deadline) -> Result<Answer> {
        match WorkerEvent::parse(event)? {
            WorkerEvent::Told(batch) => {
                let told = |message| self.told(message);
                let answer = batch.handle((deadline, BUDGET), &self.spans, told);
                answer.await.map(Answer::Batch)
            }
            WorkerEvent::Sweep => self.sweep(deadline).await.map(Answer::Swept),
        }
    }
}
