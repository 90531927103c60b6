//! What the parameters of paths name, made as a client makes it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use axum::http::Method;
use axum::http::StatusCode as S;
use engine::ProviderKeys;
use promises::Function;
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::App;
use shared::http::Deadline;
use shared::lambda::EventHandler as _;
use shared::model::{MembershipRole, Scope, TenantId};
use stand_ins::issuer::StandInIssuer;
use test_support::{Body, Reply, TestApi};
use tokio::sync::Mutex;

/// Whose a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Its person's alone.
    Persons,
    /// Everybody's in the tenant, as far as their roles go.
    Tenants,
    /// A name of the configuration, under which each tenant has a thing of its own.
    NamedForAll,
    /// Everybody's.
    Everybodys,
}

/// Whose the thing is that a parameter names. A parameter that is not here fails every test that asks.
pub(crate) fn whose(parameter: &str) -> Whose {
    match parameter {
        "conversation_id" | "item_id" | "run_id" | "job_id" | "session_id" | "api_key_id"
        | "response_id" | "knowledge_base_id" | "document_id" | "vector_store_id" | "file_id"
        | "batch_id" => Whose::Persons,
        "tenant_id" | "user_id" | "invitation_id" | "identity_provider_id" | "scope" => {
            Whose::Tenants
        }
        "provider" => Whose::NamedForAll,
        "model_id" | "model" => Whose::Everybodys,
        other => panic!("say in things.rs whose `{other}` is, and how a client makes one"),
    }
}

/// The parameters of a path, in their order.
pub(crate) fn parameters(path: &str) -> Vec<&str> {
    let pieces = path.split('{').skip(1);
    pieces.filter_map(|piece| piece.split('}').next()).collect()
}

/// Another thing of the same kind, which nobody has.
pub(crate) fn unknown(parameter: &str, known: &str) -> String {
    if whose(parameter) == Whose::NamedForAll {
        return "scripted-claude".to_owned();
    }
    let (prefix, rest) = known.split_once('_').expect("an id");
    let fresh = TenantId::new().to_string();
    let (_, fresh) = fresh.split_once('_').expect("an id");
    // Those of items have a number too.
    let number = rest.find('_').map_or("", |place| &rest[place..]);
    format!("{prefix}_{fresh}{number}")
}

/// A function beside another one.
pub(crate) fn beside(api: &TestApi, function: Function) -> TestApi {
    let keys = ["scripted", "scripted-claude"]
        .map(|name| (name.to_owned(), SecretString::from("sk-of-the-platform")));
    api.beside(|app: App| (function.router)(app, ProviderKeys::fixed(keys)))
}

/// Things of people, each made when it is asked for first. All that is said in them has the person's name in it.
pub(crate) struct Things {
    api: TestApi,
    issuer: StandInIssuer,
    made: Mutex<HashMap<(String, String), String>>,
}

impl Things {
    /// On the table of that function.
    pub(crate) async fn new(api: &TestApi) -> Self {
        Self {
            api: api.clone(),
            issuer: StandInIssuer::start().await.expect("an issuer"),
            made: Mutex::default(),
        }
    }

    /// The address of an issuer.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer.url
    }

    /// The path with things of that person, who owns a tenant that others can join from now on.
    pub(crate) async fn path(&self, person: &str, path: &str) -> String {
        let mut real = path.to_owned();
        for parameter in parameters(path) {
            let id = self.get(person, parameter).await;
            real = real.replace(&format!("{{{parameter}}}"), &id);
        }
        real
    }

    /// What the parameter names.
    pub(crate) async fn get(&self, person: &str, parameter: &str) -> String {
        // OpenAI's names for the same things.
        let parameter = match parameter {
            "vector_store_id" => "knowledge_base_id",
            "file_id" => "document_id",
            other => other,
        };
        if ["document_id", "batch_id"].contains(&parameter) {
            Box::pin(self.get(person, "knowledge_base_id")).await;
        }
        if parameter == "item_id" {
            let conversation = Box::pin(self.get(person, "conversation_id")).await;
            return self.item(person, &conversation).await;
        }
        let mut made = self.made.lock().await;
        let tenant = (person.to_owned(), "tenant_id".to_owned());
        if let Entry::Vacant(vacant) = made.entry(tenant) {
            vacant.insert(self.found(person).await);
        }
        let key = (person.to_owned(), parameter.to_owned());
        if let Some(id) = made.get(&key) {
            return id.clone();
        }
        let base = (person.to_owned(), "knowledge_base_id".to_owned());
        let base = made.get(&base).cloned();
        let id = Box::pin(self.make(person, parameter, base)).await;
        made.insert(key, id.clone());
        id
    }

    /// Founds a tenant and goes there: nobody can join the one that came with the account.
    async fn found(&self, person: &str) -> String {
        let new = json!({"name": format!("Tenant of {person}")});
        let made = self.post(tenants::router, person, "/api/v1/tenants", new);
        let id = text(&made.await.body(), "id");
        let tenant = id.parse().expect("a tenant");
        self.api.people.enter(person, tenant).await;
        id
    }

    async fn make(&self, person: &str, parameter: &str, base: Option<String>) -> String {
        let known = self.api.people.get(person).await;
        let tenant = format!("/api/v1/tenants/{}", known.tenant);
        let made = match parameter {
            "user_id" => {
                let guest = format!("{person}-guest");
                let role = MembershipRole::Member;
                let guest = self.api.people.join(&guest, person, role).await;
                return guest.user.to_string();
            }
            "session_id" => return known.session.to_string(),
            "model_id" | "model" => return "small".to_owned(),
            "provider" => return self.credential(person).await,
            "scope" => return self.budget(person, &tenant).await,
            "conversation_id" => return self.conversation(person).await.0,
            "run_id" => return self.conversation(person).await.1,
            "job_id" => return self.job(person).await,
            "response_id" => return self.response(person).await,
            "document_id" => return self.document(person, &base.expect("a base")).await,
            "batch_id" => return self.batch(person, &base.expect("a base")).await,
            "knowledge_base_id" => {
                let new = json!({"name": format!("Base of {person}")});
                let path = "/api/v1/knowledge-bases";
                self.post(knowledge, person, path, new).await
            }
            "invitation_id" => {
                let new =
                    json!({"email": format!("{person}-invited@people.test"), "role": "member"});
                let path = format!("{tenant}/invitations");
                self.post(tenants::router, person, &path, new).await
            }
            "api_key_id" => {
                let new = json!({"name": format!("key of {person}"), "scopes": Scope::ALL});
                let path = "/api/v1/api-keys";
                self.post(api_keys::router, person, path, new).await
            }
            "identity_provider_id" => {
                let new = json!({
                    "issuer": self.issuer.url, "audience": format!("{person}-audience"),
                    "role_claim": format!("{person}-claim"), "roles": {format!("{person}-role"): "member"},
                });
                let path = format!("{tenant}/identity-providers");
                self.post(identity_providers::router, person, &path, new)
                    .await
            }
            other => panic!("say in things.rs how a client makes `{other}`"),
        };
        text(&made.body(), "id")
    }

    /// A conversation with a turn in it, and the turn's run.
    async fn conversation(&self, person: &str) -> (String, String) {
        let new = json!({"title": format!("Title of {person}"), "system_prompt": format!("Prompt of {person}")});
        let path = "/api/v1/conversations";
        let made = self.post(conversations::router, person, path, new).await;
        let id = text(&made.body(), "id");
        let chat = |app| chat::router_with(app, ProviderKeys::fixed([key()]));
        let path = format!("{path}/{id}/messages");
        let said = json!({"content": format!("Words of {person}")});
        let answered = self.post(chat, person, &path, said).await;
        let run = answered.header("content-location").rsplit('/').next();
        (id, run.expect("a run").to_owned())
    }

    /// A response that is made.
    async fn response(&self, person: &str) -> String {
        let chat = |app| chat::router_with(app, ProviderKeys::fixed([key()]));
        let new = json!({"model": "small", "input": format!("Words of {person}")});
        let api = self.api.beside(chat);
        let made = api.post(Some(person), "/v1/responses", new).await;
        assert_eq!(made.status, S::OK, "{}", made.text);
        text(&made.body(), "id")
    }

    /// The first item of a conversation.
    async fn item(&self, person: &str, conversation: &str) -> String {
        let api = self.api.beside(conversations::router);
        let path = format!("/v1/conversations/{conversation}/items?order=asc");
        let listed = api.get(Some(person), &path).await.body();
        text(&listed, "first_id")
    }

    /// A job that waits.
    async fn job(&self, person: &str) -> String {
        let (conversation, _) = self.conversation(person).await;
        let new = json!({"type": "conversation_title", "conversation_id": conversation});
        let api = self.api.beside(jobs::router);
        let reply = api.post(Some(person), "/api/v1/jobs", new).await;
        assert_eq!(reply.status, S::ACCEPTED, "{}", reply.text);
        text(&reply.body(), "id")
    }

    /// A document that is taken in.
    async fn document(&self, person: &str, base: &str) -> String {
        let path = format!("/api/v1/knowledge-bases/{base}/documents");
        let new = json!({"name": format!("Document of {person}"), "source": {"text": format!("Words of {person}.")}});
        let made = self.post(knowledge, person, &path, new).await.body();
        take_in(&self.api, &text(&made, "job_id")).await;
        text(&made, "id")
    }

    /// A batch of a file that waits to be taken in.
    async fn batch(&self, person: &str, base: &str) -> String {
        let file = uploaded_file(&self.api, person).await;
        let path = format!("/v1/vector_stores/{base}/file_batches");
        let api = self.api.beside(knowledge);
        let body = json!({"file_ids": [file]});
        let made = api.post(Some(person), &path, body).await;
        assert_eq!(made.status, S::OK, "{}", made.text);
        text(&made.body(), "id")
    }

    async fn credential(&self, person: &str) -> String {
        let path = "/api/v1/provider-credentials/scripted";
        let api = self.api.beside(provider_credentials::router);
        let body = Body::Json(json!({"key": format!("sk-{person}-0123456789abcdef")}));
        let stored = api.send(Some(person), Method::PUT, path, body).await;
        assert_eq!(stored.status, S::OK, "{}", stored.text);
        "scripted".to_owned()
    }

    /// The scope of a budget of somebody in the tenant.
    async fn budget(&self, person: &str, tenant: &str) -> String {
        let name = format!("{person}-spender");
        let role = MembershipRole::Member;
        let spender = self.api.people.join(&name, person, role).await;
        let scope = format!("user:{}", spender.user);
        let api = self.api.beside(tenants::router);
        let body = Body::Json(json!({"month": {"tokens": 1_000_000}}));
        let path = format!("{tenant}/budgets/{scope}");
        let stored = api.send(Some(person), Method::PUT, &path, body).await;
        assert_eq!(stored.status, S::CREATED, "{}", stored.text);
        scope
    }

    async fn post(
        &self,
        router: impl FnOnce(App) -> shared::Result<axum::Router>,
        person: &str,
        path: &str,
        body: Value,
    ) -> Reply {
        let api = self.api.beside(router);
        let reply = api.post(Some(person), path, body).await;
        assert_eq!(reply.status, S::CREATED, "{path}: {}", reply.text);
        reply
    }
}

/// The id of a response of the person's that waits for a worker.
pub(crate) async fn waiting_response(api: &TestApi, person: &str) -> String {
    let chat = |app| chat::router_with(app, ProviderKeys::fixed([key()]));
    let new = json!({"model": "small", "input": "Hello", "background": true});
    let api = api.beside(chat);
    let made = api.post(Some(person), "/v1/responses", new).await;
    assert_eq!(made.status, S::OK, "{}", made.text);
    text(&made.body(), "id")
}

/// The function that has knowledge bases.
pub(crate) fn knowledge(app: App) -> shared::Result<axum::Router> {
    knowledge_bases::router_with(app, ProviderKeys::fixed([key()]))
}

/// A form with a file in it.
pub(crate) fn form(words: &str) -> Body {
    let part = "--cut\r\nContent-Disposition: form-data; name=";
    let form = format!(
        "{part}\"purpose\"\r\n\r\nassistants\r\n{part}\"file\"; filename=\"words.txt\"\r\n\r\n{words}\r\n--cut--\r\n"
    );
    Body::Raw(Some("multipart/form-data; boundary=cut"), form.into_bytes())
}

/// The id of a file that a person has uploaded, and that is in no vector store.
pub(crate) async fn uploaded_file(api: &TestApi, person: &str) -> String {
    let body = form(&format!("Uploaded words of {person}."));
    let api = api.beside(knowledge);
    let made = api
        .send(Some(person), Method::POST, "/v1/files", body)
        .await;
    assert_eq!(made.status, S::OK, "{}", made.text);
    text(&made.body(), "id")
}

/// Has a worker do a job.
pub(crate) async fn take_in(api: &TestApi, job: &str) {
    let told = json!({"type": "job_waits", "version": 1, "id": job, "priority": "normal"});
    let record = json!({"messageId": "m", "body": told.to_string(), "eventSource": "aws:sqs"});
    let worker = job_worker::JobWorker::with(&api.app, ProviderKeys::fixed([key()]));
    let event = json!({"Records": [record]});
    let answer = worker.handle(event, Deadline::none()).await;
    let answer = serde_json::to_value(answer.expect("an answer")).expect("JSON");
    assert_eq!(answer, json!({"batchItemFailures": []}));
}

fn key() -> (String, SecretString) {
    (
        "scripted".to_owned(),
        SecretString::from("sk-of-the-platform"),
    )
}

fn text(body: &Value, name: &str) -> String {
    body[name].as_str().expect(name).to_owned()
}
