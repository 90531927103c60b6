//! What belongs to somebody else looks as if it did not exist: for every operation of the document that names
//! something, whoever else asks.

use serde_json::{Value, json};
use shared::auth::policy::find;
use shared::model::{MembershipRole, Scope};
use test_support::{Body, Reply};

use crate::logs::captured;
use crate::things::{Whose, parameters, unknown, whose};
use crate::world::{Operation, ROLES, World, operations, said, whole};

/// The person whose things nobody else may see: all that is hers has her name in it.
const ADA: &str = "ada-canary";
const PASSWORD: &str = "correct horse battery staple";
const REGISTER: &str = "/api/v1/auth/register";

/// Everything that an operation could name, made for Ada.
struct Hers {
    ids: Vec<(String, String)>,
    /// What only she may read, or has to know.
    marks: Vec<String>,
    /// How much was logged until all was made: what follows is logged for others.
    logged: usize,
}

impl Hers {
    async fn make(world: &World) -> Self {
        let mut ids: Vec<(String, String)> = Vec::new();
        for operation in operations() {
            for parameter in parameters(&operation.path) {
                if ids.iter().all(|(known, _)| known != parameter) {
                    let id = world.things.get(ADA, parameter).await;
                    ids.push((parameter.to_owned(), id));
                }
            }
        }
        let known = world.any().people.get(ADA).await;
        let own = |(parameter, _): &&(String, String)| {
            matches!(whose(parameter), Whose::Persons | Whose::Tenants)
        };
        let own = ids.iter().filter(own).map(|(_, id)| id.clone());
        let marks = own.chain([known.user.to_string(), ADA.to_owned()]);
        Self {
            marks: marks.collect(),
            ids,
            logged: captured().text().len(),
        }
    }

    fn id(&self, parameter: &str) -> &str {
        let found = self.ids.iter().find(|(known, _)| known == parameter);
        &found.expect("made").1
    }

    /// The path with her things for those parameters, and what nobody has in their place.
    fn paths(&self, path: &str, named: &[&str]) -> (String, String) {
        let mut paths = (path.to_owned(), path.to_owned());
        for parameter in named {
            let place = format!("{{{parameter}}}");
            let id = self.id(parameter);
            paths.0 = paths.0.replace(&place, id);
            paths.1 = paths.1.replace(&place, &unknown(parameter, id));
        }
        paths
    }

    /// Nothing of hers is in the answer, nor in what was logged since.
    fn is_kept(&self, label: &str, reply: &Reply) {
        let logged = captured().text();
        let logged = &logged[self.logged..];
        assert!(logged.contains(reply.header("x-request-id")), "{label}");
        let told = whole(reply);
        for mark in &self.marks {
            assert!(!told.contains(mark), "{label}: {mark} in {told}");
            let line = logged.lines().find(|line| line.contains(mark));
            assert_eq!(line, None, "{label}: {mark}");
        }
    }
}

/// Every choice of at least one of them.
fn choices<'a>(of: &[&'a str]) -> Vec<Vec<&'a str>> {
    let all = 1..1_usize << of.len();
    let pick = |bits: usize| {
        let each = of.iter().enumerate();
        let picked = each.filter(move |(index, _)| bits & (1 << index) != 0);
        picked.map(|(_, name)| *name).collect()
    };
    all.map(pick).collect()
}

/// The operations that name something which has an owner.
fn naming() -> Vec<Operation> {
    let mut all = operations();
    all.retain(|operation| {
        let mut parameters = parameters(&operation.path).into_iter();
        parameters.any(|parameter| whose(parameter) != Whose::Everybodys)
    });
    all
}

/// Where each tenant has a thing of its own under the same name, this makes the asker's.
const MAKES_ITS_OWN: &str = "PUT /api/v1/provider-credentials/{provider}";

#[tokio::test]
async fn what_is_another_tenants_looks_as_if_it_did_not_exist_to_tokens_and_keys() {
    captured();
    let world = World::new().await;
    let hers = Hers::make(&world).await;
    let before = world.rows(&hers.marks).await;
    assert!(before.len() > 20, "{before:?}");
    let people = &world.any().people;
    let mut tried = 0;
    for (index, operation) in naming().iter().enumerate() {
        for named in choices(&parameters(&operation.path)) {
            let bob = format!("bob{index}.{}", named.join("-"));
            let (foreign, unknown) = hers.paths(&operation.path, &named);
            let foreign = world.things.path(&bob, &foreign).await;
            let unknown = world.things.path(&bob, &unknown).await;
            let label = format!("{} with a foreign {named:?}", operation.name);
            let key = people.api_key(&bob, &Scope::ALL).await;
            let token = people.token(&bob).await;
            for (by_key, credential) in [(false, token), (true, key)] {
                let foreign = world.send(&credential, operation, &foreign).await;
                let unknown = world.send(&credential, operation, &unknown).await;
                hers.is_kept(&label, &foreign);
                if operation.name == MAKES_ITS_OWN && !by_key {
                    assert_eq!(
                        (foreign.status.as_u16(), unknown.status.as_u16()),
                        (200, 200)
                    );
                    continue;
                }
                assert_eq!(said(&foreign), said(&unknown), "{label}");
                let problem = foreign.problem();
                let closed_to_keys = by_key && problem == (403, "forbidden".to_owned());
                assert!(
                    closed_to_keys || problem == (404, "not-found".to_owned()),
                    "{label}: {problem:?}"
                );
            }
            tried += 1;
        }
        assert_eq!(world.rows(&hers.marks).await, before, "{}", operation.name);
    }
    assert!(tried > 25, "{tried}");
}

/// The members of a body and the parameters of a query that name something: `(operation, name)`.
fn named_beside_the_path(world: &World) -> Vec<(Operation, String)> {
    let is_id = |described: &Value| {
        let schema = described.to_string();
        let example = described["example"].as_str().unwrap_or_default();
        let like_an_id = example
            .split_once('_')
            .is_some_and(|(_, rest)| rest.len() == 32);
        schema.contains("Id\"") || schema.contains("[0-9a-f]{32}") || like_an_id
    };
    let mut found = Vec::new();
    for operation in operations() {
        let content = &operation.described["requestBody"]["content"];
        let schema = world
            .bodies
            .resolved(&content["application/json"]["schema"]);
        let members = schema["properties"].as_object().into_iter().flatten();
        let members = members.filter(|(_, described)| is_id(described));
        let members = members.map(|(name, _)| name.clone());
        let query = operation.query().into_iter();
        let query = query.filter(|parameter| is_id(parameter) || is_id(&parameter["schema"]));
        let query = query.map(|parameter| parameter["name"].as_str().expect("a name").to_owned());
        let names: Vec<String> = members.chain(query).collect();
        found.extend(names.into_iter().map(|name| (operation.clone(), name)));
    }
    found
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a list of requests")]
async fn an_id_in_a_body_or_a_query_reaches_nothing_of_another_tenant() {
    captured();
    let world = World::new().await;
    let hers = Hers::make(&world).await;
    let before = world.rows(&hers.marks).await;
    let account = json!({"email": "bob@example.com", "password": PASSWORD, "name": "Bob"});
    let mut all = operations().into_iter();
    let register = all.find(|operation| operation.path == REGISTER);
    let register = register.expect("an operation");
    let reply = world.send_body("none", &register, REGISTER, Body::Json(account));
    assert_eq!(reply.await.status, 202);
    let token = world.any().token("bob").await;
    let named = named_beside_the_path(&world);
    for (operation, name) in &named {
        let label = format!("{} with a foreign {name}", operation.name);
        let ask = async |id: &str| {
            let (path, body) = match (operation.name.as_str(), name.as_str()) {
                ("POST /api/v1/auth/switch-tenant", "tenant_id") => {
                    (operation.path.clone(), Body::Json(json!({"tenant_id": id})))
                }
                ("POST /api/v1/auth/login", "tenant_id") => {
                    let login =
                        json!({"email": "bob@example.com", "password": PASSWORD, "tenant_id": id});
                    (operation.path.clone(), Body::Json(login))
                }
                ("POST /api/v1/jobs", "conversation_id") => {
                    let job = json!({"type": "conversation_title", "conversation_id": id});
                    (operation.path.clone(), Body::Json(job))
                }
                (_, "readers") => {
                    let path = world.things.path("bob", &operation.path).await;
                    let body = json!({"name": "Shared", "readers": [id], "source": {"text": "a"}});
                    let mut body = body.as_object().expect("an object").clone();
                    if !operation.name.ends_with("/documents") {
                        body.remove("source");
                    }
                    (path, Body::Json(body.into()))
                }
                (
                    "POST /v1/vector_stores"
                    | "POST /v1/vector_stores/{vector_store_id}/file_batches",
                    "file_ids",
                ) => {
                    let path = world.things.path("bob", &operation.path).await;
                    (path, Body::Json(json!({"file_ids": [id]})))
                }
                ("POST /v1/vector_stores/{vector_store_id}/files", "file_id") => {
                    let path = world.things.path("bob", &operation.path).await;
                    (path, Body::Json(json!({"file_id": id})))
                }
                ("GET /api/v1/audit", "actor") => {
                    (format!("{}?actor={id}", operation.path), Body::Empty)
                }
                other => panic!("say here what names something in {other:?}"),
            };
            world.send_body(&token, operation, &path, body).await
        };
        let parameter = match name.as_str() {
            "actor" | "readers" => "user_id",
            "file_ids" => "file_id",
            other => other,
        };
        let id = hers.id(parameter);
        let (foreign, unknown) = (ask(id).await, ask(&unknown(parameter, id)).await);
        hers.is_kept(&label, &foreign);
        assert_eq!(said(&foreign), said(&unknown), "{label}");
        let nothing = match name.as_str() {
            "actor" => foreign.body()["data"] == json!([]),
            _ => [400, 404, 422].contains(&foreign.status.as_u16()),
        };
        assert!(nothing, "{label}: {}", foreign.text);
        assert_eq!(world.rows(&hers.marks).await, before, "{label}");
    }
    assert_eq!(named.len(), 11);
}

#[tokio::test]
async fn what_is_one_persons_alone_looks_to_the_whole_tenant_as_if_it_did_not_exist() {
    captured();
    let world = World::new().await;
    let hers = Hers::make(&world).await;
    let people = &world.any().people;
    let mut tried = 0;
    for (role, name) in ROLES {
        people.join(name, ADA, role).await;
        let token = people.token(name).await;
        let before = world.rows(&hers.marks).await;
        for operation in naming() {
            let Some(parameter) = parameters(&operation.path).pop() else {
                continue;
            };
            // Administrators see and revoke the keys of all.
            let keys = parameter == "api_key_id" && role >= MembershipRole::Admin;
            if whose(parameter) != Whose::Persons || keys {
                continue;
            }
            let label = format!("{} by a {name}", operation.name);
            let (foreign, unknown) = hers.paths(&operation.path, &[parameter]);
            let foreign = world.send(&token, &operation, &foreign).await;
            let unknown = world.send(&token, &operation, &unknown).await;
            assert_eq!(said(&foreign), said(&unknown), "{label}");
            assert!(!whole(&foreign).contains(ADA), "{label}: {}", foreign.text);
            let rule = find(operation.method.as_str(), &operation.path).expect("a rule");
            let expected = if role < rule.role { 403 } else { 404 };
            assert_eq!(foreign.problem().0, expected, "{label}");
            tried += 1;
        }
        let after = world.rows(&hers.marks).await;
        let gone: Vec<&String> = before.iter().filter(|row| !after.contains(row)).collect();
        // The trail of the tenant goes on, because it tells of refusals.
        let changed = gone.iter().filter(|row| !row.contains("AUDIT#"));
        assert_eq!(changed.count(), 0, "{gone:?}");
    }
    assert!(tried > 30, "{tried}");
}

#[tokio::test]
async fn no_list_tells_a_member_of_what_is_anothers_alone() {
    let world = World::new().await;
    let hers = Hers::make(&world).await;
    let people = &world.any().people;
    people.join("mel", ADA, MembershipRole::Member).await;
    let token = people.token("mel").await;
    let mut listed = 0;
    for operation in operations() {
        let about_the_tenant = operation.path.starts_with("/api/v1/tenants");
        if operation.method != "GET" || operation.path.contains('{') || about_the_tenant {
            continue;
        }
        let reply = world.send(&token, &operation, &operation.path).await;
        let tenant = hers.id("tenant_id");
        for mark in hers.marks.iter().filter(|mark| mark.as_str() != tenant) {
            assert!(
                !whole(&reply).contains(mark),
                "{}: {}",
                operation.name,
                reply.text
            );
        }
        listed += u32::from(operation.has_caller() && reply.status == 200);
    }
    assert!(listed >= 6, "{listed}");
}
