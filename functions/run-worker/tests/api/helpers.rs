//! The worker beside the functions that queue and show runs, and a clock that stands still.

use engine::ProviderKeys;
use run_worker::RunWorker;
use serde_json::{Value, json};
use shared::Result;
use shared::http::Deadline;
use shared::lambda::EventHandler as _;
use shared::queue::QueueMessage;
use test_support::{Reply, TestApi};

/// Ada, who owns what these tests make.
pub(crate) const ADA: Option<&str> = Some("ada");

pub(crate) struct World {
    /// The function `chat`.
    pub(crate) api: TestApi,
    pub(crate) worker: RunWorker,
    /// The messages' path of a conversation of Ada's.
    pub(crate) path: String,
}

impl World {
    pub(crate) async fn new() -> Self {
        let api = TestApi::new(chat::router_with).await;
        let fields = json!({"model": "large"});
        let made = api.beside(conversations::router);
        let made = made.post(ADA, "/api/v1/conversations", fields).await;
        Self {
            worker: worker(&api),
            path: format!("{}/messages", made.location()),
            api,
        }
    }

    /// Ada's conversation.
    pub(crate) fn conversation(&self) -> &str {
        self.path.trim_end_matches("/messages")
    }

    /// Asks in the background.
    pub(crate) async fn ask(&self, content: impl ToString) -> Reply {
        let body = json!({"content": content.to_string(), "background": true});
        self.api.post(ADA, &self.path, body).await
    }

    /// Asks in the background; the path of the run.
    pub(crate) async fn queued(&self, content: impl ToString) -> String {
        let reply = self.ask(content).await;
        assert_eq!(reply.status, 202, "{}", reply.text);
        run_of(&reply)
    }

    /// What GET says about a run.
    pub(crate) async fn run(&self, path: &str) -> Value {
        let reply = self.api.get(ADA, path).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.body()
    }

    /// What GET says about the messages.
    pub(crate) async fn messages(&self) -> Vec<Value> {
        let reply = self.api.beside(conversations::router);
        let reply = reply.get(ADA, &self.path).await;
        reply.body()["data"].as_array().cloned().expect("a list")
    }

    /// Hands the worker what the queue tells.
    pub(crate) async fn work(&self) -> Result<Value> {
        let told = self.api.app.run_queue.take();
        handle(&self.worker, &told).await
    }

    /// What the schedule does now.
    pub(crate) async fn sweep(&self) -> Result<Value> {
        let event = json!({"source": "aws.events", "detail-type": "Scheduled Event"});
        let answer = self.worker.handle(event, Deadline::none()).await?;
        Ok(serde_json::to_value(answer).expect("JSON"))
    }

    /// How often the provider was asked since this was asked last.
    pub(crate) fn asked(&self) -> usize {
        self.api.provider.take_requests().len()
    }
}

/// A further process.
pub(crate) fn worker(api: &TestApi) -> RunWorker {
    RunWorker::with(&api.app, ProviderKeys::fixed([]))
}

/// Hands a worker those messages.
pub(crate) async fn handle(worker: &RunWorker, told: &[QueueMessage]) -> Result<Value> {
    let records = told.iter().enumerate().map(|(place, message)| {
        let body = serde_json::to_string(message).expect("JSON");
        json!({"messageId": format!("m-{place}"), "body": body, "eventSource": "aws:sqs"})
    });
    let event = json!({"Records": records.collect::<Vec<Value>>()});
    let answer = Box::pin(worker.handle(event, Deadline::none())).await?;
    Ok(serde_json::to_value(answer).expect("JSON"))
}

/// The answer to a batch in which no message failed.
pub(crate) fn well() -> Value {
    json!({"batchItemFailures": []})
}

/// The path of the run that a response names.
pub(crate) fn run_of(reply: &Reply) -> String {
    let address = reply.header("content-location");
    let place = address.find("/api/v1/runs/").expect("a run");
    address[place..].to_owned()
}
