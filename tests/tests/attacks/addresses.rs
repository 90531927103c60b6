//! Addresses that tenants name: issuers, their keys, providers of models, documents. None leads inside, by its spelling, by
//! its name or by a redirect, and nobody inside sees a connection.

use std::sync::Arc;

use axum::http::Method;
use engine::ProviderKeys;
use job_worker::JobWorker;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::config::Stage;
use shared::guard::{Guard, GuardFault};
use shared::http::Deadline;
use shared::lambda::EventHandler as _;
use stand_ins::issuer::{Fault, StandInIssuer};
use test_support::{Body, Reply, TestApi};

use crate::address_rows::Row;
use crate::{ADA, Listener, Names, corpus};

pub(crate) fn rows() -> Vec<Row> {
    corpus("addresses.json")
}

/// All that takes addresses, at a stage where nothing inside may be reached.
pub(crate) struct World {
    pub(crate) api: TestApi,
    issuers: String,
    models: TestApi,
    chat: TestApi,
    pub(crate) documents: String,
    worker: JobWorker,
    names: Arc<Names>,
}

impl World {
    pub(crate) async fn new(stage: Stage) -> Self {
        let names = Arc::<Names>::default();
        let guard = Guard::asking(stage, names.clone());
        let mut api = TestApi::new(|mut app, keys| {
            app.guard = guard.clone();
            knowledge_bases::router_with(app, keys)
        })
        .await;
        api.app.guard = guard;
        let tenant = api.people.get("ada").await.tenant;
        let reply = api
            .post(ADA, "/api/v1/knowledge-bases", json!({"name": "Handbook"}))
            .await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        Self {
            issuers: format!("/api/v1/tenants/{tenant}/identity-providers"),
            models: api.beside(models::router),
            chat: api.beside(|app| chat::router_with(app, ProviderKeys::fixed([]))),
            documents: format!("{}/documents", reply.location()),
            worker: JobWorker::with(&api.app, ProviderKeys::fixed([])),
            names,
            api,
        }
    }

    /// Trusts an issuer at that address.
    async fn issuer(&self, url: &str) -> Reply {
        let api = self.api.beside(identity_providers::router);
        let new =
            json!({"issuer": url, "audience": "a", "role_claim": "r", "roles": {"x": "viewer"}});
        api.post(ADA, &self.issuers, new).await
    }

    /// Has models at that address.
    async fn provider(&self, url: &str) -> Reply {
        let model = json!({"id": "ours", "context_window": 8192, "max_output_tokens": 1024});
        let provider =
            json!({"name": "inner", "wire": "openai", "base_url": url, "models": [model]});
        let body = Body::Json(json!({"providers": [provider]}));
        let headers = [("if-match", "*")];
        let path = "/api/v1/registry";
        self.models
            .send_with(ADA, Method::PUT, path, body, &headers)
            .await
    }

    /// Asks the model that is there.
    async fn ask(&self) -> Reply {
        let body = json!({"model": "ours", "messages": [{"role": "user", "content": "Hi"}]});
        self.chat.post(ADA, "/v1/chat/completions", body).await
    }

    /// Takes in a document from that address.
    async fn document(&self, url: &str) -> Reply {
        let body = json!({"name": "x", "source": {"url": url}});
        self.api.post(ADA, &self.documents, body).await
    }

    /// What became of a document after a worker had it.
    pub(crate) async fn worked_on(&self, document: &Reply) -> Value {
        assert_eq!(document.status, 201, "{}", document.text);
        self.work().await;
        self.api.get(ADA, document.location()).await.body()
    }

    /// Has a worker do what waits.
    pub(crate) async fn work(&self) {
        let told = self.api.app.job_queue.take();
        let records = told.iter().map(|message| {
            let body = serde_json::to_string(message).expect("JSON");
            json!({"messageId": "m", "body": body, "eventSource": "aws:sqs"})
        });
        let event = json!({"Records": records.collect::<Vec<_>>()});
        let answer = Box::pin(self.worker.handle(event, Deadline::none())).await;
        answer.expect("an answer");
    }

    async fn is_empty(&self) {
        let issuers = self.api.beside(identity_providers::router);
        for (api, path) in [(&issuers, &self.issuers), (&self.api, &self.documents)] {
            assert_eq!(api.get(ADA, path).await.body()["data"], json!([]), "{path}");
        }
    }
}

#[track_caller]
fn assert_refused(reply: &Reply, field: &str, said: &str, name: &str) {
    assert_eq!(
        reply.problem(),
        (422, "invalid-request".to_owned()),
        "{name}"
    );
    let errors = reply.errors();
    assert_eq!(
        (errors.len(), errors[0].0.as_str()),
        (1, field),
        "{name}: {}",
        reply.text
    );
    assert!(errors[0].1.contains(said), "{name}: {}", errors[0].1);
}

#[tokio::test]
async fn no_spelling_of_an_address_inside_is_taken_or_called() {
    let world = World::new(Stage::Prod).await;
    world.names.answer(&["127.0.0.1", "::1"]);
    let listener = Listener::start().await;
    for row in rows() {
        let (url, said, name) = (row.url(listener.port), row.fault().to_string(), &row.name);
        assert_refused(&world.issuer(&url).await, "/issuer", &said, name);
        assert_eq!(
            world.names.take_asked(),
            usize::from(row.name_only),
            "{name}"
        );
        if !row.name_only {
            assert_refused(&world.document(&url).await, "/url", &said, name);
            // Paths are put behind it.
            let base = url.trim_end_matches('/');
            let reply = world.provider(base).await;
            assert_refused(&reply, "/providers/0/base_url", &said, name);
            assert_eq!(world.names.take_asked(), 0, "{name}");
        }
    }
    assert_eq!(listener.came(), 0);
    world.is_empty().await;
}

#[tokio::test]
async fn an_issuer_whose_keys_are_inside_is_not_trusted() {
    // On a local stack, so that the issuer itself can be asked.
    let world = World::new(Stage::Local).await;
    let issuer = StandInIssuer::start().await.expect("an issuer");
    let listener = Listener::start().await;
    let mut sent = 0;
    for row in rows().into_iter().filter(|row| !row.loopback) {
        issuer.fail(Fault::KeysAt(row.url(listener.port)));
        let said = format!("the address in `jwks_uri`: {}", row.fault());
        assert_refused(
            &world.issuer(&issuer.url).await,
            "/issuer",
            &said,
            &row.name,
        );
        sent += 1;
    }
    assert!(sent > 60, "{sent}");
    assert_eq!((listener.came(), world.names.take_asked()), (0, 0));
    world.is_empty().await;
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NameRow {
    name: String,
    #[serde(rename = "source")]
    _source: String,
    answers: Vec<String>,
}

#[tokio::test]
async fn no_name_of_an_address_inside_is_called() {
    let world = World::new(Stage::Prod).await;
    // On Linux each of 127/8 is this machine, so that nobody else is in the way of a port that guards take.
    let place = if cfg!(target_os = "linux") {
        "127.66.83.7"
    } else {
        "127.0.0.1"
    };
    let listener = Listener::on(&format!("{place}:8443"), String::new()).await;
    let url = format!("https://login.example.com:{}", listener.port);
    let said = GuardFault::NoAddress.to_string();
    let provider = world.provider(&url).await;
    assert_eq!(provider.status, 200, "{}", provider.text);
    for row in corpus::<NameRow>("names.json") {
        let answers: Vec<&str> = row
            .answers
            .iter()
            .map(|answer| match answer.as_str() {
                "{listener}" => place,
                other => other,
            })
            .collect();
        world.names.answer(&answers);
        let name = &row.name;
        assert_refused(&world.issuer(&url).await, "/issuer", &said, name);
        assert_eq!(world.names.take_asked(), 1, "{name}");
        let document = world.document(&format!("{url}/{}", name.len())).await;
        let after = world.worked_on(&document).await;
        assert_eq!(after["failure"]["code"], "not-fetched", "{name}: {after}");
        assert!(
            after["failure"]["message"]
                .as_str()
                .is_some_and(|text| text.contains(&said)),
            "{after}"
        );
        assert_eq!(world.api.delete(ADA, document.location()).await.status, 204);
        assert!(world.names.take_asked() >= 1, "{name}");
        let answer = world.ask().await;
        assert!(answer.status.is_server_error(), "{name}: {}", answer.text);
        assert!(!answer.text.contains("10.0.0"), "{name}: {}", answer.text);
        world.names.take_asked();
    }
    assert_eq!(listener.came(), 0);
}

#[tokio::test]
async fn a_name_that_was_fine_before_is_looked_at_again() {
    let world = World::new(Stage::Local).await;
    let issuer = StandInIssuer::start().await.expect("an issuer");
    let port = issuer.url.rsplit(':').next().expect("a port");
    issuer.fail(Fault::KeysAt(format!("http://localhost:{port}/keys")));
    world.names.answer(&["127.0.0.1"]);
    let reply = world.issuer(&issuer.url).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    assert_eq!(issuer.take_requests().len(), 2);
    let claims = json!({
        "iss": issuer.url, "aud": "a", "sub": "kim", "iat": test_support::START, "exp": test_support::START + 600, "r": "x",
    });
    let token = issuer.sign(&claims);
    for row in corpus::<NameRow>("names.json") {
        if row
            .answers
            .iter()
            .any(|answer| answer.contains("127.0.0.1") || answer == "::1" || answer == "{listener}")
        {
            continue;
        }
        let answers: Vec<&str> = row.answers.iter().map(String::as_str).collect();
        world.names.answer(&answers);
        let process = world.api.elsewhere(conversations::router);
        let path = crate::tokens::CONVERSATIONS;
        let reply = process.bear(&token, Method::GET, path, Body::Empty).await;
        assert_eq!(
            reply.problem(),
            (503, "unavailable".to_owned()),
            "{}",
            row.name
        );
        let requests = issuer.take_requests();
        assert_eq!(
            requests,
            ["/.well-known/openid-configuration"],
            "{}",
            row.name
        );
    }
    world.names.answer(&["127.0.0.1"]);
    let process = world.api.elsewhere(conversations::router);
    let reply = process
        .bear(
            &token,
            Method::GET,
            crate::tokens::CONVERSATIONS,
            Body::Empty,
        )
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text);
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Redirect {
    name: String,
    #[serde(rename = "source")]
    _source: String,
    location: String,
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let world = World::new(Stage::Local).await;
    let inner = Listener::start().await;
    for row in corpus::<Redirect>("redirects.json") {
        let location = row.location.replace("{inner}", &inner.port.to_string());
        for status in [300, 301, 302, 303, 307, 308] {
            let answer = format!(
                "HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            let server = Listener::on("127.0.0.1:0", answer).await;
            let (url, name) = (format!("http://127.0.0.1:{}", server.port), &row.name);
            let said = GuardFault::Redirect.to_string();
            assert_refused(&world.issuer(&url).await, "/issuer", &said, name);
            let document = world.document(&url).await;
            let after = world.worked_on(&document).await;
            assert_eq!(
                after["failure"]["code"], "not-fetched",
                "{name} {status}: {after}"
            );
            assert_eq!(world.api.delete(ADA, document.location()).await.status, 204);
            assert_eq!(server.came(), 2, "{name} {status}");
        }
    }
    assert_eq!((inner.came(), world.names.take_asked()), (0, 0));
}
