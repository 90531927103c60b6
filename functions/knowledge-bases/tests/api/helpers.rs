//! The worker beside the functions, and a clock that stands still.

use axum::http::Method;
use engine::ProviderKeys;
use job_worker::JobWorker;
use serde_json::{Value, json};
use shared::http::Deadline;
use shared::lambda::EventHandler as _;
use shared::model::MembershipRole;
use shared::queue::QueueMessage;
use shared::{App, Result};
use test_support::{Body, Reply, TestApi};

/// Ada, who owns what these tests make.
pub(crate) const ADA: Option<&str> = Some("ada");
/// Where knowledge bases are.
pub(crate) const BASES: &str = "/api/v1/knowledge-bases";

pub(crate) struct World {
    /// The function `knowledge-bases`.
    pub(crate) api: TestApi,
    /// The function `jobs`.
    pub(crate) jobs: TestApi,
    pub(crate) worker: JobWorker,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|app| app).await
    }

    /// Where the functions are told something else.
    pub(crate) async fn with(told: impl Fn(App) -> App) -> Self {
        let mut api = TestApi::new(|app, keys| knowledge_bases::router_with(told(app), keys)).await;
        api.app = told(api.app.clone());
        Self {
            jobs: api.beside(jobs::router),
            worker: worker(&api),
            api,
        }
    }

    /// The path of a new knowledge base of Ada's.
    pub(crate) async fn base(&self, fields: Value) -> String {
        let mut body = json!({"name": "Handbook"});
        for (name, value) in fields.as_object().expect("fields") {
            body[name] = value.clone();
        }
        let reply = self.api.post(ADA, BASES, body).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        reply.location().to_owned()
    }

    /// A document of that text, which nobody has worked on yet: its path.
    pub(crate) async fn text(&self, base: &str, name: &str, text: &str) -> String {
        self.document(base, json!({"name": name, "source": {"text": text}}))
            .await
    }

    /// The path of a new document.
    pub(crate) async fn document(&self, base: &str, body: Value) -> String {
        let reply = self.api.post(ADA, &format!("{base}/documents"), body).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        reply.location().to_owned()
    }

    /// The same, which searches find.
    pub(crate) async fn ready(&self, base: &str, name: &str, text: &str) -> String {
        let document = self.text(base, name, text).await;
        self.work_all().await;
        assert_eq!(self.get(&document).await["status"], "ready");
        document
    }

    /// What GET says of Ada's.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let reply = self.serving(path).get(ADA, path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        reply.body()
    }

    /// The job that works on a document, or did.
    pub(crate) async fn job_of(&self, document: &str) -> Value {
        let document = self.get(document).await;
        let id = document["job_id"].as_str().expect("an id");
        self.get(&format!("/api/v1/jobs/{id}")).await
    }

    /// POST without a body.
    pub(crate) async fn act(&self, path: &str) -> Reply {
        let api = self.serving(path);
        api.send(ADA, Method::POST, path, Body::Empty).await
    }

    /// Which function has that path.
    fn serving(&self, path: &str) -> &TestApi {
        match path.starts_with("/api/v1/jobs") {
            true => &self.jobs,
            false => &self.api,
        }
    }

    /// Hands the worker what the queue tells, once.
    pub(crate) async fn work(&self) {
        let told = self.told();
        let answer = handle(&self.worker, &told).await.expect("an answer");
        assert_eq!(answer, json!({"batchItemFailures": []}));
    }

    /// Until nothing is told any more.
    pub(crate) async fn work_all(&self) {
        for _ in 0..50 {
            let told = self.told();
            if told.is_empty() {
                return;
            }
            handle(&self.worker, &told).await.expect("an answer");
        }
        panic!("the work does not end");
    }

    /// What the queue tells.
    pub(crate) fn told(&self) -> Vec<QueueMessage> {
        self.api.app.job_queue.take()
    }

    /// Has the schedule tell of what is due.
    pub(crate) async fn sweep(&self) {
        let event = json!({"source": "aws.events", "detail-type": "Scheduled Event"});
        let answer = self.worker.handle(event, Deadline::none()).await;
        answer.expect("an answer");
    }

    /// What Ada finds.
    pub(crate) async fn found(&self, base: &str, body: Value) -> Vec<Value> {
        self.found_by(ADA, base, body).await
    }

    /// What somebody finds.
    pub(crate) async fn found_by(
        &self,
        person: Option<&str>,
        base: &str,
        body: Value,
    ) -> Vec<Value> {
        let path = format!("{base}/search");
        let reply = self.api.post(person, &path, body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.body()["data"].as_array().expect("a list").clone()
    }

    /// The names of the documents that somebody finds, best first.
    pub(crate) async fn names_by(
        &self,
        person: Option<&str>,
        base: &str,
        query: &str,
    ) -> Vec<String> {
        let body = json!({"query": query, "limit": 50});
        let found = self.found_by(person, base, body).await;
        names(&found)
    }

    /// The same for Ada.
    pub(crate) async fn names(&self, base: &str, query: &str) -> Vec<String> {
        self.names_by(ADA, base, query).await
    }

    /// How many texts were made vectors since this was asked last.
    pub(crate) fn embedded(&self) -> usize {
        let requests = self.api.provider.take_requests().into_iter();
        let texts = requests.filter_map(|request| Some(request.body["input"].as_array()?.len()));
        texts.sum()
    }

    /// Moves the clock.
    pub(crate) fn wait(&self, seconds: u64) {
        let duration = std::time::Duration::from_secs(seconds);
        self.api.app.clock.advance(duration);
    }

    /// The keys of the bucket that have that in them.
    pub(crate) async fn objects(&self, part: &str) -> Vec<String> {
        let listed = self.api.app.blobs.list("").await.expect("a list");
        let keys = listed.into_iter().map(|object| object.key);
        keys.filter(|key| key.contains(part)).collect()
    }

    /// Somebody comes into Ada's tenant: the person's id.
    pub(crate) async fn joins(&self, person: &str, role: MembershipRole) -> String {
        // Ada is there before anybody can join her.
        self.api.people.get("ada").await;
        let joined = self.api.people.join(person, "ada", role).await;
        joined.user.to_string()
    }
}

/// The names of what was found.
pub(crate) fn names(found: &[Value]) -> Vec<String> {
    let names = found.iter().map(|chunk| chunk["document_name"].as_str());
    names.map(|name| name.expect("a name").to_owned()).collect()
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
