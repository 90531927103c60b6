//! What each function asks of the table is what its role in `template.yaml` allows: operations, the index, and which
//! partitions. On AWS the rest would be refused, and no stand-in knows the conditions on keys.

mod policy;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use engine::ProviderKeys;
use job_worker::JobWorker;
use mailer::Mailer;
use promises::FUNCTIONS;
use run_worker::RunWorker;
use search::Searcher;
use serde_json::{Value, json};
use shared::App;
use shared::config::{Config, MailTransport};
use shared::http::Deadline;
use shared::lambda::EventHandler;
use shared::queue::Queue;
use test_support::{Asked, TestApi};

use crate::bodies::PLAIN;
use crate::sweep::Sweep;
use crate::touched::Ids;
use policy::Role;

fn key(pk: &str) -> Value {
    json!({"pk": {"S": pk}, "sk": {"S": "ANY"}})
}

fn asked(operation: &str, request: Value) -> Asked {
    Asked {
        operation: operation.to_owned(),
        request,
        answer: Value::Null,
    }
}

fn one(operation: &str, pk: &str) -> Asked {
    asked(operation, json!({"TableName": "chatter", "Key": key(pk)}))
}

/// A transaction with that part.
fn write(kind: &str, pk: &str) -> Asked {
    let part = match kind {
        "Put" => json!({"Item": key(pk)}),
        _ => json!({"Key": key(pk), "UpdateExpression": "SET active_at = :now"}),
    };
    asked(
        "TransactWriteItems",
        json!({"TransactItems": [{(kind): part}]}),
    )
}

fn query(index: Option<&str>, pk: &str) -> Asked {
    let values = json!({":pk": {"S": pk}});
    let request = json!({
        "TableName": "chatter", "IndexName": index, "ExpressionAttributeValues": values
    });
    asked("Query", request)
}

#[test]
fn a_role_allows_what_its_statements_name_and_nothing_else() {
    let (mine, trail, index) = (
        "TENANT#ten_0#USER#usr_0",
        "AUDIT#ten_0",
        Some("by_activity"),
    );
    for (function, call, allowed) in [
        ("search", one("GetItem", mine), true),
        ("search", one("GetItem", "CHECK"), true),
        ("search", query(None, mine), true),
        ("search", query(index, mine), false),
        ("search", query(None, "JOBS#0"), false),
        ("search", one("GetItem", "USER#usr_0"), false),
        ("search", one("PutItem", mine), false),
        ("search", write("Update", mine), false),
        ("conversations", query(index, mine), true),
        ("conversations", write("Put", mine), true),
        ("conversations", write("Put", trail), true),
        ("conversations", write("Update", trail), false),
        ("conversations", one("DeleteItem", trail), false),
        ("conversations", write("ConditionCheck", mine), false),
        ("conversations", one("Scan", mine), false),
        ("mailer", query(index, "OUTBOX#0"), true),
        ("mailer", query(index, mine), false),
    ] {
        let permitted = Role::of(function).permits(&call);
        assert_eq!(
            permitted.is_ok(),
            allowed,
            "{function}: {call:?}, {permitted:?}"
        );
    }
}

#[tokio::test]
async fn what_a_function_with_routes_asks_of_the_table_its_role_allows() {
    for function in FUNCTIONS {
        let role = Role::of(function.name);
        let sweep = Sweep::watched(function, PLAIN).await;
        let mut seen = 0;
        for exchange in &sweep.exchanges {
            for asked in &exchange.asked {
                let permitted = role.permits(asked);
                assert_eq!(permitted, Ok(()), "{}", exchange.label);
                seen += 1;
            }
        }
        assert!(seen > 0, "{} asked nothing", function.name);
    }
}

/// A function without routes, and the role that it has when it is deployed.
struct Worker<W> {
    worker: W,
    role: Role,
    /// How many calls were held to the role.
    asked: usize,
}

impl<W: EventHandler> Worker<W> {
    fn new(function: &str, worker: W) -> Self {
        let (role, asked) = (Role::of(function), 0);
        Self {
            worker,
            role,
            asked,
        }
    }

    /// Handles an event, with what the role allows.
    async fn handle(&mut self, api: &TestApi, event: Value) -> W::Answer {
        api.table.watch();
        api.table.take_asked();
        let label = event.to_string();
        let handled = Box::pin(self.worker.handle(event, Deadline::none())).await;
        for asked in api.table.take_asked() {
            assert_eq!(self.role.permits(&asked), Ok(()), "{label}");
            self.asked += 1;
        }
        handled.unwrap_or_else(|error| panic!("{label}: {error}"))
    }

    /// Handles all that a queue tells, and what that causes.
    async fn work_off(&mut self, api: &TestApi, queue: &Queue) {
        loop {
            let told = queue.take();
            if told.is_empty() {
                break;
            }
            let records = told.iter().enumerate().map(|(place, message)| {
                let body = serde_json::to_string(message).expect("JSON");
                json!({"messageId": format!("m-{place}"), "body": body, "eventSource": "aws:sqs"})
            });
            let records: Vec<Value> = records.collect();
            let answer = self.handle(api, json!({"Records": records})).await;
            let answer = serde_json::to_value(answer).expect("JSON");
            assert_eq!(answer, json!({"batchItemFailures": []}));
        }
    }
}

/// What the schedule sends.
fn tick() -> Value {
    json!({"source": "aws.events", "detail-type": "Scheduled Event"})
}

fn nothing(_: App, _: ProviderKeys) -> shared::Result<Router> {
    Ok(Router::new())
}

#[tokio::test]
async fn what_workers_ask_of_the_table_their_roles_allow() {
    let api = TestApi::new(nothing).await;
    let ids = Ids::of(&api, "ada").await;
    let chat = api.beside(|app| chat::router_with(app, ProviderKeys::fixed([])));
    let path = ids.path("/api/v1/conversations/{conversation_id}/messages");
    let body = json!({"content": "Hello", "background": true});
    let reply = chat.post(Some("ada"), &path, body).await;
    assert_eq!(reply.status, 202, "{}", reply.text);
    let keys = || ProviderKeys::fixed([]);
    let mut jobs = Worker::new("job-worker", JobWorker::with(&api.app, keys()));
    let mut runs = Worker::new("run-worker", RunWorker::with(&api.app, keys()));
    // The schedule tells of them, as if nobody had been told.
    api.app.clock.advance(Duration::from_secs(120));
    jobs.handle(&api, tick()).await;
    runs.handle(&api, tick()).await;
    jobs.work_off(&api, &api.app.job_queue).await;
    runs.work_off(&api, &api.app.run_queue).await;
    let bases = api.beside(crate::things::knowledge);
    let path = ids.path("/api/v1/knowledge-bases/{knowledge_base_id}");
    let reply = bases.delete(Some("ada"), &path).await;
    assert_eq!(reply.status, 204, "{}", reply.text);
    jobs.work_off(&api, &api.app.job_queue).await;
    assert!(
        jobs.asked > 50 && runs.asked > 10,
        "{} and {}",
        jobs.asked,
        runs.asked
    );
}

#[tokio::test]
async fn what_the_mailer_asks_of_the_table_its_role_allows() {
    let api = TestApi::new(|app, _| auth::router(app)).await;
    let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/mails-of-roles");
    std::fs::create_dir_all(folder).expect("a folder");
    let mut app = api.app.clone();
    app.config = Arc::new(Config {
        mail_transport: MailTransport::Directory(folder.into()),
        ..(*app.config).clone()
    });
    let mut mailer = Worker::new("mailer", Mailer::new(&app));
    let body = json!({"email": "new@people.test", "password": "a password that is long enough"});
    let reply = api.post(None, "/api/v1/auth/register", body).await;
    assert_eq!(reply.status, 202, "{}", reply.text);
    api.app.clock.advance(Duration::from_secs(120));
    let swept = serde_json::to_value(mailer.handle(&api, tick()).await).expect("JSON");
    assert!(swept["sent"] != 0 && swept["failed"] == 0, "{swept}");
    assert!(
        mailer.asked > 16,
        "each partition of the outbox, and the mail"
    );
}

#[tokio::test]
async fn what_search_asks_of_the_table_its_role_allows() {
    let api = TestApi::new(nothing).await;
    let ids = Ids::of(&api, "ada").await;
    let keys = ProviderKeys::fixed([]);
    let mut jobs = Worker::new("job-worker", JobWorker::with(&api.app, keys));
    jobs.work_off(&api, &api.app.job_queue).await;
    // What is known of who asks is forgotten.
    api.app.clock.advance(Duration::from_secs(61));
    let mut search = Worker::new("search", Searcher::new(&api.app));
    let caller = api.people.caller("ada").await;
    let base = &ids.0["{knowledge_base_id}"];
    let event = json!({
        "version": 1, "trace": {},
        "asked": {
            "mandate": caller.mandate(), "knowledge_base_ids": [base], "text": "Words",
            "vectors": {"words": vec![1.0; 256]}, "limit": 5, "within_ms": 20_000,
        },
    });
    let found = serde_json::to_value(search.handle(&api, event).await).expect("JSON");
    assert_eq!(found["chunks"][0]["hit"]["text"], "Words.", "{found}");
    assert!(search.asked > 1, "who asks, and the base");
}
