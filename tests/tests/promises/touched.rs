//! Which rows a request touches, and whose they are.

use std::collections::{BTreeMap, BTreeSet};

use crate::things::{knowledge, uploaded_file};
use axum::http::Method;
use engine::ProviderKeys;
use serde_json::{Value, json};
use shared::model::{
    ApiKeyId, BudgetScope, ConversationId, DocumentId, FileBatchId, IdentityProviderId,
    InvitationId, JobId, KnowledgeBaseId, MessageId, ResponseId, RunId, SessionId, TenantId,
    UserId,
};
use test_support::{Asked, Body, Person, Reply, TestApi};

/// A key of a row or of a page: partition and sort key.
pub(crate) type Key = (String, String);

/// Ids for the parameters of a path.
#[derive(Clone)]
pub(crate) struct Ids(pub(crate) BTreeMap<&'static str, String>);

impl Ids {
    /// Those of nothing.
    pub(crate) fn unknown() -> Self {
        Self(BTreeMap::from([
            ("{tenant_id}", TenantId::new().to_string()),
            ("{user_id}", UserId::new().to_string()),
            ("{session_id}", SessionId::new().to_string()),
            ("{conversation_id}", ConversationId::new().to_string()),
            ("{item_id}", format!("{}_0", MessageId::new())),
            ("{run_id}", RunId::new().to_string()),
            ("{response_id}", ResponseId::new().to_string()),
            ("{job_id}", JobId::new().to_string()),
            ("{knowledge_base_id}", KnowledgeBaseId::new().to_string()),
            ("{document_id}", DocumentId::new().to_string()),
            ("{vector_store_id}", KnowledgeBaseId::new().to_string()),
            ("{file_id}", DocumentId::new().to_string()),
            ("{batch_id}", FileBatchId::new().to_string()),
            ("{api_key_id}", ApiKeyId::new().to_string()),
            ("{invitation_id}", InvitationId::new().to_string()),
            (
                "{identity_provider_id}",
                IdentityProviderId::new().to_string(),
            ),
            ("{model_id}", "small".to_owned()),
            ("{model}", "small".to_owned()),
            ("{provider}", "scripted".to_owned()),
            ("{scope}", format!("user:{}", UserId::new())),
        ]))
    }

    /// Those of a person and of what the person has.
    #[expect(clippy::too_many_lines, reason = "one of each thing")]
    pub(crate) async fn of(api: &TestApi, name: &str) -> Self {
        let Person {
            user,
            tenant,
            session,
        } = api.people.get(name).await;
        let mut ids = Self::unknown();
        ids.0.insert("{tenant_id}", tenant.to_string());
        ids.0.insert("{user_id}", user.to_string());
        ids.0.insert("{session_id}", session.to_string());
        let made = |(path, router, body): (&'static str, fn(shared::App) -> _, Value)| async move {
            let reply = api.beside(router).post(Some(name), path, body).await;
            assert_eq!(reply.status, 201, "{}", reply.text);
            reply.body()["id"].as_str().expect("an id").to_owned()
        };
        let conversation = made(("/api/v1/conversations", conversations::router, json!({})));
        let conversation = conversation.await;
        let chat = api.beside(|app| chat::router_with(app, ProviderKeys::fixed([])));
        let path = format!("/api/v1/conversations/{conversation}/messages");
        let reply = chat
            .post(Some(name), &path, json!({"content": "Hello"}))
            .await;
        let run = reply.header("content-location").rsplit('/').next();
        ids.0.insert("{run_id}", run.expect("a run").to_owned());
        let new = json!({"model": "small", "input": "Hello"});
        let response = chat.post(Some(name), "/v1/responses", new).await;
        let response = response.body()["id"].as_str().expect("an id").to_owned();
        ids.0.insert("{response_id}", response);
        let items = format!("/v1/conversations/{conversation}/items");
        let listed = api.beside(conversations::router);
        let items = listed.get(Some(name), &items).await;
        let item = items.body()["first_id"].as_str().map(str::to_owned);
        ids.0.insert("{item_id}", item.expect("an item"));
        let job = json!({"type": "conversation_title", "conversation_id": conversation});
        let jobs = api.beside(jobs::router);
        let reply = jobs.post(Some(name), "/api/v1/jobs", job).await;
        let job = reply.body()["id"].as_str().expect("an id").to_owned();
        ids.0.insert("{job_id}", job);
        ids.0.insert("{conversation_id}", conversation);
        let key = json!({"name": "a key", "scopes": ["chat"]});
        let key = made(("/api/v1/api-keys", api_keys::router, key)).await;
        ids.0.insert("{api_key_id}", key);
        let base = json!({"name": "a base"});
        let path = "/api/v1/knowledge-bases";
        let base = made((path, knowledge, base)).await;
        let path = format!("{path}/{base}/documents");
        let document = json!({"name": "a document", "source": {"text": "Words."}});
        let reply = api
            .beside(knowledge)
            .post(Some(name), &path, document)
            .await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        let document = reply.body()["id"].as_str().expect("an id").to_owned();
        let file = uploaded_file(api, name).await;
        let path = format!("/v1/vector_stores/{base}/file_batches");
        let batch = json!({"file_ids": [file]});
        let reply = api.beside(knowledge).post(Some(name), &path, batch).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let batch = reply.body()["id"].as_str().expect("an id").to_owned();
        ids.0.insert("{batch_id}", batch);
        ids.0.insert("{file_id}", document.clone());
        ids.0.insert("{vector_store_id}", base.clone());
        ids.0.insert("{document_id}", document);
        ids.0.insert("{knowledge_base_id}", base);
        let scope = format!("user:{user}");
        let path = format!("/api/v1/tenants/{tenant}/budgets/{scope}");
        let budget = Body::Json(json!({"month": {"tokens": 1_000_000}}));
        let tenants = api.beside(tenants::router);
        let reply = tenants.send(Some(name), Method::PUT, &path, budget).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        ids.0.insert("{scope}", scope);
        ids
    }

    pub(crate) fn path(&self, template: &str) -> String {
        let fill = |path: String, (name, id): (&&str, &String)| path.replace(*name, id);
        let path = self.0.iter().fold(template.to_owned(), fill);
        assert!(!path.contains('{'), "a parameter that is not known: {path}");
        path
    }

    /// The same in a body.
    pub(crate) fn body(&self, body: Option<&Value>) -> Body {
        let Some(mut body) = body.cloned() else {
            return Body::Empty;
        };
        for (name, value) in body.as_object_mut().expect("an object") {
            let own = self.0.get(format!("{{{name}}}").as_str());
            if let Some(id) = own {
                *value = json!(id);
            }
        }
        Body::Json(body)
    }
}

/// Every key in a call and in what came back.
pub(crate) fn keys(asked: &Asked) -> Vec<Key> {
    let text = |value: &Value| value["S"].as_str().unwrap_or_default().to_owned();
    let mut found = Vec::new();
    let mut open = vec![&asked.request, &asked.answer];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                if let Some(pk) = members.get("pk").filter(|pk| pk["S"].is_string()) {
                    found.push((text(pk), text(&value["sk"])));
                }
                open.extend(members.values());
            }
            Value::Array(list) => open.extend(list),
            _ => {}
        }
    }
    let request = &asked.request;
    match asked.operation.as_str() {
        "Query" => {
            let condition = request["KeyConditionExpression"].as_str();
            assert!(
                condition.is_some_and(|text| text.starts_with("pk = :pk")),
                "{request}"
            );
            let values = request["ExpressionAttributeValues"].as_object();
            let values = values.expect("values");
            let partition = text(&values[":pk"]);
            let others = values.iter().filter(|(name, _)| *name != ":pk");
            found.extend(others.map(|(_, value)| (partition.clone(), text(value))));
            found.push((partition, String::new()));
        }
        "GetItem" | "PutItem" | "UpdateItem" | "DeleteItem" | "BatchGetItem" | "BatchWriteItem"
        | "TransactWriteItems" => {}
        other => panic!("{other} is no way to reach rows by their keys"),
    }
    assert!(!found.is_empty(), "{request}");
    found
}

/// Whose rows a caller may touch.
pub(crate) struct Whose {
    user: UserId,
    /// The caller's tenant, and those that the request made.
    tenants: BTreeSet<String>,
}

impl Whose {
    pub(crate) fn of(person: Person, reply: &Reply) -> Self {
        let mut tenants = BTreeSet::from([person.tenant.to_string()]);
        if reply.status == 201 {
            tenants.extend(reply.body()["id"].as_str().map(str::to_owned));
        }
        Self {
            user: person.user,
            tenants,
        }
    }

    /// And this other tenant of the caller's.
    pub(crate) fn and(mut self, tenant: &str) -> Self {
        self.tenants.insert(tenant.to_owned());
        self
    }

    /// Whether a row is the caller's own, or one that is found only by whoever has a secret or an address.
    pub(crate) fn may_touch(&self, pk: &str) -> bool {
        let mut parts = pk.split('#');
        let (kind, id) = (parts.next().unwrap_or_default(), parts.next());
        let id = id.unwrap_or_default();
        let rest: Vec<&str> = parts.collect();
        let own_user = id == self.user.to_string();
        let own_tenant = self.tenants.contains(id);
        match (kind, rest.as_slice()) {
            ("TENANT" | "AUDIT", []) => own_tenant,
            ("TENANT", ["USER", user]) => own_tenant && *user == self.user.to_string(),
            ("TENANT", ["CONV", conversation]) => {
                own_tenant && conversation.parse::<ConversationId>().is_ok()
            }
            ("TENANT", ["SPEND", scope]) => own_tenant && scope.parse::<BudgetScope>().is_ok(),
            ("TENANT", ["RESERVED" | "FAILEDJOBS" | "KBS"]) => own_tenant,
            ("TENANT", ["KB", base]) => own_tenant && base.parse::<KnowledgeBaseId>().is_ok(),
            ("TENANT", ["RUN", run]) => own_tenant && run.parse::<RunId>().is_ok(),
            ("TENANT", ["ONCE", hash]) => own_tenant && hash.len() == 43,
            ("USER", []) => own_user,
            // The rest is the kind's subject: `LIMIT#tenant#<tenant>`.
            ("LIMIT", [subject]) => match id {
                "tenant" => self.tenants.contains(*subject),
                "caller" => subject.contains(&self.user.to_string()) || subject.starts_with("key_"),
                "source" | "everyone" => true,
                _ => false,
            },
            // By the hash of a secret, of an address or of an issuer; and what waits to be sent.
            ("APIKEY" | "ISSUER" | "LOGIN", []) => [43, 64].contains(&id.len()),
            ("EMAIL", []) => id.ends_with("@people.test"),
            ("OUTBOX" | "JOBS" | "QUEUED", []) => id.len() == 1,
            ("CHECK", []) => id.is_empty(),
            _ => false,
        }
    }
}
