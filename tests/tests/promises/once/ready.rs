//! A request of every operation that is done once, ready to be sent so that it has an effect.

use axum::http::Method;
use serde_json::json;
use shared::auth::policy::find;
use shared::model::MembershipRole;
use test_support::{Body, Reply, TestApi};

use crate::things::{knowledge, parameters, uploaded_file, waiting_response};
use crate::world::{Operation, World, operations};

/// The operations that are done once.
pub(super) fn done_once() -> Vec<Operation> {
    let mut all = operations();
    all.retain(|operation| {
        find(operation.method.as_str(), &operation.path).is_some_and(|rule| rule.is_done_once())
    });
    all
}

/// A request that is ready to be sent.
pub(super) struct Ready {
    operation: Operation,
    pub(super) token: String,
    path: String,
    body: Body,
}

impl Ready {
    /// Of a person whom nothing was done to.
    #[expect(
        clippy::too_many_lines,
        reason = "a table with a row for each operation"
    )]
    pub(super) async fn new(world: &World, operation: Operation, person: &str) -> Self {
        let path = world.things.path(person, &operation.path).await;
        let host = format!("{person}-host");
        let body = match operation.name.as_str() {
            "POST /api/v1/auth/switch-tenant" => {
                let tenant = world.things.get(&host, "tenant_id").await;
                let known = world.any().people.get(person).await;
                let role = MembershipRole::Member;
                world.any().people.admit(known.user, &host, role).await;
                Body::Json(json!({"tenant_id": tenant}))
            }
            "POST /api/v1/invitations/accept" => {
                Body::Json(json!({"token": invitation(world, &host, person).await}))
            }
            "POST /api/v1/tenants/{tenant_id}/identity-providers" => Body::Json(json!({
                "issuer": world.things.issuer(), "audience": format!("{person}-other"),
                "role_claim": "roles", "roles": {"a": "member"},
            })),
            "POST /api/v1/jobs" => {
                let conversation = world.things.get(person, "conversation_id").await;
                Body::Json(json!({"type": "conversation_title", "conversation_id": conversation}))
            }
            "POST /api/v1/jobs/redrive" => {
                // Whoever makes it goes to another tenant.
                world.things.get(person, "job_id").await;
                Body::Empty
            }
            "POST /v1/vector_stores/{vector_store_id}/files" => {
                let file = uploaded_file(world.any(), person).await;
                Body::Json(json!({"file_id": file}))
            }
            "POST /v1/vector_stores/{vector_store_id}/file_batches" => {
                let file = uploaded_file(world.any(), person).await;
                Body::Json(json!({"file_ids": [file]}))
            }
            _ => content(&operation.name, person).unwrap_or_else(|| world.body(&operation)),
        };
        let path = match operation.name.as_str() {
            "POST /v1/responses/{response_id}/cancel" => {
                let waiting = waiting_response(world.any(), person).await;
                format!("/v1/responses/{waiting}/cancel")
            }
            _ => path,
        };
        let path = match path.strip_suffix("/complete") {
            Some(document) => format!("{}/complete", uploaded(world, person, document).await),
            None => path,
        };
        let token = world.any().people.token(person).await;
        match operation.path.as_str() {
            "/api/v1/tenants/{tenant_id}/resume" => {
                let mut all = operations().into_iter();
                let suspend = all.find(|other| other.path.ends_with("/suspend"));
                let there = path.replace("/resume", "/suspend");
                let suspend = suspend.expect("an operation");
                let reply = world.send_body(&token, &suspend, &there, Body::Empty).await;
                assert_eq!(reply.status, 200, "{}", reply.text);
            }
            "/api/v1/runs/{run_id}/cancel" => {
                let run = world.things.get(person, parameters(&operation.path)[0]);
                goes_on(world.any(), &run.await).await;
            }
            "/api/v1/jobs/{job_id}/retry" => cancel_job(world, person).await,
            "/api/v1/jobs/redrive" => {
                cancel_job(world, person).await;
                fail_job(world, person).await;
            }
            _ => {}
        }
        Self {
            operation,
            token,
            path,
            body,
        }
    }

    /// Sends it with a key to that process.
    pub(super) async fn send(&self, api: &TestApi, key: &str) -> Reply {
        let bearer = format!("Bearer {}", self.token);
        let headers = [
            ("authorization", bearer.as_str()),
            ("if-match", "*"),
            ("idempotency-key", key),
        ];
        let (method, body) = (self.operation.method.clone(), self.body.clone());
        api.send_with(None, method, &self.path, body, &headers)
            .await
    }
}

/// The body of a request that gives a document a content.
fn content(operation: &str, person: &str) -> Option<Body> {
    let body = match operation {
        "POST /api/v1/knowledge-bases/{knowledge_base_id}/documents" => {
            json!({"name": "Another", "source": {"text": format!("More words of {person}.")}})
        }
        "POST /api/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}/replace" => {
            json!({"text": format!("Other words of {person}.")})
        }
        _ => return None,
    };
    Some(Body::Json(body))
}

/// The path of a document of the same knowledge base whose bytes were put into the bucket.
async fn uploaded(world: &World, person: &str, document: &str) -> String {
    let (documents, _) = document.rsplit_once('/').expect("a path");
    let api = world.any().beside(knowledge);
    let new = json!({"name": "Up", "source": {"upload": {"bytes": 5}}});
    let reply = api.post(Some(person), documents, new).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let url = reply.body()["upload"]["url"]
        .as_str()
        .expect("an address")
        .to_owned();
    let key = url.strip_prefix("memory:").expect("a key");
    let put = api.app.blobs.put(key, "bytes".into()).await;
    put.expect("written");
    format!(
        "{documents}/{}",
        reply.body()["id"].as_str().expect("an id")
    )
}

/// The token of an invitation of a host's that a person has by mail.
async fn invitation(world: &World, host: &str, person: &str) -> String {
    let tenant = world.things.get(host, "tenant_id").await;
    let address = format!("{person}@people.test");
    let body = Body::Json(json!({"email": address, "role": "member"}));
    let path = format!("/api/v1/tenants/{tenant}/invitations");
    let api = world.any().beside(tenants::router);
    let reply = api.send(Some(host), Method::POST, &path, body).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let mut letters = world.any().letters().await.into_iter();
    let letter = letters.find(|(to, ..)| *to == address).expect("a letter").2;
    let token = letter.lines().find(|line| line.starts_with("chatter_in_"));
    token.expect("a token").to_owned()
}

/// Stops the job of a person.
async fn cancel_job(world: &World, person: &str) {
    let job = world.things.get(person, "job_id").await;
    let api = world.any().beside(jobs::router);
    let path = format!("/api/v1/jobs/{job}/cancel");
    let reply = api.send(Some(person), Method::POST, &path, Body::Empty);
    assert_eq!(reply.await.status, 200);
}

/// Makes a job that was stopped one that has failed.
async fn fail_job(world: &World, person: &str) {
    let api = world.any();
    let job = world.things.get(person, "job_id").await;
    let rows = super::rows(api, "sk", &format!("JOB#{job}")).await;
    let known = api.people.get(person).await;
    let status = json!({
        "TableName": "chatter",
        "Key": {"pk": rows[0]["pk"], "sk": rows[0]["sk"]},
        "UpdateExpression": "SET job_status = :status",
        "ExpressionAttributeValues": {":status": {"S": "failed"}},
    });
    let failed = json!({
        "TableName": "chatter",
        "Item": {
            "pk": {"S": format!("TENANT#{}#FAILEDJOBS", known.tenant)}, "sk": rows[0]["sk"],
            "id": {"S": job}, "user": {"S": known.user.to_string()},
        },
    });
    for (operation, request) in [("UpdateItem", status), ("PutItem", failed)] {
        let answer = api.table.raw(operation, request).await;
        assert!(answer["__type"].is_null(), "{answer}");
    }
}

/// Makes a run one that has not ended: somebody works on it, and says so for an hour.
async fn goes_on(api: &TestApi, run: &str) {
    let rows = super::rows(api, "sk", &format!("RUN#{run}")).await;
    let now = shared::clock::Moment::from_unix_seconds(test_support::START + 1_000_000);
    let until = serde_json::to_value(now).expect("JSON").to_string();
    let answer = api.table.raw(
        "UpdateItem",
        json!({
            "TableName": "chatter",
            "Key": {"pk": rows[0]["pk"], "sk": rows[0]["sk"]},
            "UpdateExpression": "SET run_status = :status, lease_until = :until",
            "ExpressionAttributeValues": {":status": {"S": "in_progress"}, ":until": {"N": until}},
        }),
    );
    let answer = answer.await;
    assert!(answer["__type"].is_null(), "{answer}");
}
