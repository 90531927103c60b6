//! Works on jobs. SQS tells of each as it is created; a schedule tells again of those that wait for their time, for
//! another attempt, or for a worker because the one that began them died.
//!
//! **How often a job is done.** Its effect is written in the transaction that ends it, on the condition that the job is
//! still this worker's. So it has its effect once, however often it is told of, and whichever worker dies wherever. What
//! is done before that write may be done more than once: a model can be asked again.
//!
//! **When it fails.** What may pass is tried again after 20 seconds, a minute, 3 and 9 minutes. What can't pass, and what
//! has failed five times, is `failed` and says why, until somebody retries it. A job that kills its workers counts as
//! tried each time, so it is one of these in the end.

mod cleanup;
mod ingestion;
mod rebuild;
mod sweep;
mod title;
mod working;

use std::time::Duration;

use engine::{Engine, ProviderKeys, Providers};
use knowledge::Knowledge;
use serde::Serialize;
use serde_json::Value;
use shared::auth::{Caller, Mandate, policy};
use shared::batch::{BatchAnswer, WorkerEvent};
use shared::http::Deadline;
use shared::lambda::EventHandler;
use shared::model::JobTask;
use shared::queue::QueueMessage;
use shared::store::JobQueueStore;
use shared::{App, Result};

pub use sweep::Swept;

/// A job is not begun with less time than that.
const BUDGET: Duration = Duration::from_secs(75);

/// The function.
#[derive(Debug, Clone)]
pub struct JobWorker {
    app: App,
    engine: Engine,
    knowledge: Knowledge,
    queue: JobQueueStore,
}

/// What an event came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// Which messages failed.
    Batch(BatchAnswer),
    /// What became of the jobs that were found.
    Swept(Swept),
}

impl JobWorker {
    /// With what every function has.
    pub fn new(app: &App) -> Self {
        let secret = app.config.provider_keys_secret_id.clone();
        let keys = ProviderKeys::secret(app.secrets.clone(), secret, app.clock.clone());
        Self::with(app, keys)
    }

    /// With provider keys from elsewhere.
    pub fn with(app: &App, keys: ProviderKeys) -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the function that may")]
        let queue = app.store.job_queue();
        let providers = Providers::new(keys, &app.sdk, &app.clock, &app.guard);
        Self {
            engine: Engine::new(app.clone(), providers),
            knowledge: Knowledge::new(app),
            queue,
            app: app.clone(),
        }
    }

    async fn told(&self, message: QueueMessage, deadline: Deadline) -> Result<()> {
        match message {
            QueueMessage::JobWaits { id, .. } => self.work(id, deadline).await,
            QueueMessage::MailWaits { .. } | QueueMessage::RunWaits { .. } => {
                Err(message.not_ours())
            }
        }
    }

    /// The person who asked, if the person still may do what it takes.
    async fn asker(&self, mandate: &Mandate, task: &JobTask) -> Result<Caller> {
        let path = match task {
            JobTask::ConversationTitle { .. } | JobTask::Run { .. } => policy::MESSAGES,
            _ => "/api/v1/knowledge-bases/{knowledge_base_id}/documents",
        };
        self.app.authenticator.still_may(mandate, path).await
    }
}

impl EventHandler for JobWorker {
    type Answer = Answer;

    async fn handle(&self, event: Value, deadline: Deadline) -> Result<Answer> {
        match WorkerEvent::parse(event)? {
            WorkerEvent::Told(batch) => {
                let told = |message| self.told(message, deadline);
                let answer = batch.handle((deadline, BUDGET), &self.app.spans, told);
                answer.await.map(Answer::Batch)
            }
            WorkerEvent::Sweep => self.sweep(deadline).await.map(Answer::Swept),
        }
    }
}
