//! The worker beside the functions that cause and show jobs, and a clock that stands still.

use engine::ProviderKeys;
use job_worker::JobWorker;
use serde_json::{Value, json};
use shared::Result;
use shared::http::Deadline;
use shared::lambda::EventHandler as _;
use shared::queue::QueueMessage;
use test_support::{Body, Reply, TestApi};

/// Ada, who owns what these tests make.
pub(crate) const ADA: Option<&str> = Some("ada");
/// What stands only in requests for a title.
pub(crate) const ASKED: &str = "Write the title now.";

pub(crate) struct World {
    /// The function `chat`.
    pub(crate) api: TestApi,
    /// The function `jobs`.
    pub(crate) jobs: TestApi,
    pub(crate) worker: JobWorker,
}

impl World {
    pub(crate) async fn new() -> Self {
        let api = TestApi::new(chat::router_with).await;
        let world = Self {
            jobs: api.beside(jobs::router),
            worker: worker(&api),
            api,
        };
        world.title_is(json!({"say": ["Fjords of ", "Norway"]}));
        world
    }

    /// What the model does that is asked for a title.
    pub(crate) fn title_is(&self, script: Value) {
        let script = serde_json::from_value(script).expect("a script");
        self.api.provider.script_when(ASKED, script);
    }

    /// The path of a new conversation of Ada's.
    pub(crate) async fn conversation(&self, fields: Value) -> String {
        let made = self.api.beside(conversations::router);
        let made = made.post(ADA, "/api/v1/conversations", fields).await;
        made.location().to_owned()
    }

    /// Says something in it.
    pub(crate) async fn say(&self, conversation: &str, content: &str) {
        let path = format!("{conversation}/messages");
        let reply = self.api.post(ADA, &path, json!({"content": content}));
        let reply = reply.await;
        assert_eq!(reply.status, 201, "{}", reply.text);
    }

    /// A conversation that is to get a title, and the path of the job.
    pub(crate) async fn untitled(&self) -> (String, String) {
        let conversation = self.conversation(json!({})).await;
        self.say(&conversation, "Tell me of fjords.").await;
        let jobs = self.listed("limit=1").await;
        let id = jobs[0]["id"].as_str().expect("an id");
        assert_eq!(
            format!(
                "/api/v1/conversations/{}",
                jobs[0]["conversation_id"].as_str().expect("an id")
            ),
            conversation
        );
        (conversation, format!("/api/v1/jobs/{id}"))
    }

    /// Creates a job that gives a conversation a title.
    pub(crate) async fn create(&self, conversation: &str, fields: Value) -> Reply {
        let id = conversation.rsplit('/').next().expect("an id");
        let mut body = json!({"type": "conversation_title", "conversation_id": id});
        for (name, value) in fields.as_object().expect("fields") {
            body[name] = value.clone();
        }
        self.jobs.post(ADA, "/api/v1/jobs", body).await
    }

    /// What GET says of Ada's.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let api = if path.starts_with("/api/v1/conversations") {
            &self.api.beside(conversations::router)
        } else if path.starts_with("/api/v1/tenants") {
            &self.api.beside(tenants::router)
        } else {
            &self.jobs
        };
        let reply = api.get(ADA, path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        reply.body()
    }

    /// Ada's jobs, newest first.
    pub(crate) async fn listed(&self, query: &str) -> Vec<Value> {
        let page = self.get(&format!("/api/v1/jobs?{query}")).await;
        page["data"].as_array().expect("a list").clone()
    }

    /// The status of a job.
    pub(crate) async fn status(&self, job: &str) -> String {
        let job = self.get(job).await;
        job["status"].as_str().expect("a status").to_owned()
    }

    /// Does something to a job.
    pub(crate) async fn act(&self, job: &str, what: &str) -> Reply {
        let path = format!("{job}/{what}");
        let method = axum::http::Method::POST;
        self.jobs.send(ADA, method, &path, Body::Empty).await
    }

    /// Hands the worker what the queue tells.
    pub(crate) async fn work(&self) -> Value {
        let told = self.told();
        handle(&self.worker, &told).await.expect("an answer")
    }

    /// What the queue tells.
    pub(crate) fn told(&self) -> Vec<QueueMessage> {
        self.api.app.job_queue.take()
    }

    /// Of how many jobs the schedule tells now.
    pub(crate) async fn sweep(&self) -> u64 {
        let event = json!({"source": "aws.events", "detail-type": "Scheduled Event"});
        let answer = self.worker.handle(event, Deadline::none()).await;
        let answer = serde_json::to_value(answer.expect("an answer")).expect("JSON");
        answer["told"].as_u64().expect("a number")
    }

    /// How often a title was asked for since this was asked last.
    pub(crate) fn asked(&self) -> usize {
        let requests = self.api.provider.take_requests().into_iter();
        let for_titles = requests.filter(|request| request.body.to_string().contains(ASKED));
        for_titles.count()
    }

    /// Moves the clock.
    pub(crate) fn wait(&self, seconds: u64) {
        let duration = std::time::Duration::from_secs(seconds);
        self.api.app.clock.advance(duration);
    }

    /// Ada makes a budget for her tenant.
    pub(crate) async fn allow(&self, limits: Value) -> String {
        let tenant = self.api.people.get("ada").await.tenant;
        let path = format!("/api/v1/tenants/{tenant}/budgets/tenant");
        let method = axum::http::Method::PUT;
        let made = self.api.beside(tenants::router);
        let made = made.send(ADA, method, &path, Body::Json(limits)).await;
        assert_eq!(made.status, 201, "{}", made.text);
        path
    }
}

/// A further process.
pub(crate) fn worker(api: &TestApi) -> JobWorker {
    JobWorker::with(&api.app, ProviderKeys::fixed([]))
}

/// Hands a worker those messages.
pub(crate) async fn handle(worker: &JobWorker, told: &[QueueMessage]) -> Result<Value> {
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
