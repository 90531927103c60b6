//! Runs turns in the background. SQS tells of each run as it is queued; a schedule tells again of those that nobody has
//! begun.
//!
//! **How often a run is done.** It is begun once: the write that begins it takes it out of the queue. From then on it is
//! like a run of the function `chat`: a process that dies leaves an `incomplete` run, and no model is asked twice.
//!
//! **When it can't begin.** Where the table is away the message fails, and the run waits on. A person who may not send
//! messages any more, a model that is not offered any more: such a run fails, and says why. After an hour in the queue it
//! fails too.

mod sweep;

use std::time::Duration;

use engine::{Engine, ProviderKeys, Providers};
use serde::Serialize;
use serde_json::Value;
use shared::auth::policy;
use shared::batch::{BatchAnswer, WorkerEvent};
use shared::http::Deadline;
use shared::lambda::EventHandler;
use shared::model::{RunId, Spend};
use shared::queue::QueueMessage;
use shared::store::RunQueueStore;
use shared::{App, Error, Result};

pub use sweep::Swept;

/// A run is not begun with less time than that.
const BUDGET: Duration = Duration::from_secs(30);

/// The function.
#[derive(Debug, Clone)]
pub struct RunWorker {
    app: App,
    engine: Engine,
    queue: RunQueueStore,
}

/// What an event came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// Which messages failed.
    Batch(BatchAnswer),
    /// What became of the runs that were found.
    Swept(Swept),
}

impl RunWorker {
    /// With what every function has.
    pub fn new(app: &App) -> Self {
        let secret = app.config.provider_keys_secret_id.clone();
        let keys = ProviderKeys::secret(app.secrets.clone(), secret, app.clock.clone());
        Self::with(app, keys)
    }

    /// With provider keys from elsewhere.
    pub fn with(app: &App, keys: ProviderKeys) -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the function that may")]
        let queue = app.store.run_queue();
        let providers = Providers::new(keys, &app.sdk, &app.clock, &app.guard);
        Self {
            engine: Engine::new(app.clone(), providers),
            queue,
            app: app.clone(),
        }
    }

    async fn told(&self, message: QueueMessage, deadline: Deadline) -> Result<()> {
        match message {
            QueueMessage::RunWaits { id, .. } => self.work(id, deadline).await,
            QueueMessage::MailWaits { .. } | QueueMessage::JobWaits { .. } => {
                Err(message.not_ours())
            }
        }
    }

    async fn work(&self, id: RunId, deadline: Deadline) -> Result<()> {
        let Some(queued) = self.queue.queued_get(id).await? else {
            tracing::info!(run.id = %id, "run {id} does not wait any more");
            return Ok(());
        };
        let store = self.queue.of(&queued);
        let Some(run) = store.run_get(id).await? else {
            // Its conversation was deleted, and nothing was spent.
            if let Some(reservation) = &queued.reservation {
                let (began, now) = (queued.created_at, self.app.clock.now());
                store
                    .reservation_settle(id, began, reservation, &Spend::default(), now)
                    .await?;
            }
            return self.queue.queued_forget(id).await;
        };
        let authenticator = &self.app.authenticator;
        match authenticator
            .still_may(&queued.mandate, policy::MESSAGES)
            .await
        {
            Ok(caller) => {
                let until = deadline.within(self.app.config.background_timeout);
                // Boxed, because the compiler gives up on futures that are nested so deeply.
                Box::pin(self.engine.work(&store, run, &caller, until)).await
            }
            Err(error @ (Error::Unavailable(_) | Error::Internal(_))) => Err(error),
            Err(error) => self.engine.drop_queued(&store, run, &error).await,
        }
    }
}

impl EventHandler for RunWorker {
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
