//! Whose rows a request touches: every key of every call that it causes is the caller's own, whatever stands in its
//! path or body, and nothing in a path becomes part of a key but a whole id.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::http::Method;
use promises::{FUNCTIONS, Function};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use shared::model::Scope;
use test_support::{Body, Person, Reply, template};

use crate::bodies::PLAIN;
use crate::sweep::Sweep;
use crate::touched::{Ids, Key, Whose, keys};

fn is_secured(described: &Value) -> bool {
    described["security"].is_array()
}

/// What was sent, with what it touched.
struct Touched {
    label: String,
    reply: Reply,
    keys: Vec<Key>,
}

/// Bob, and Ada, who has something of everything.
struct World {
    sweep: Sweep,
    own: Ids,
    foreign: Ids,
}

impl World {
    async fn new(function: Function) -> Self {
        let sweep = Sweep::new(function, PLAIN).await;
        let (own, foreign) = (
            Ids::of(&sweep.api, "bob").await,
            Ids::of(&sweep.api, "ada").await,
        );
        sweep.api.table.watch();
        Self {
            sweep,
            own,
            foreign,
        }
    }

    async fn send(&self, credential: &str, method: &Method, path: &str, body: Body) -> Touched {
        let api = &self.sweep.api;
        api.table.take_asked();
        let headers = [("authorization", credential), ("if-match", "*")];
        let reply = api
            .send_with(None, method.clone(), path, body, &headers)
            .await;
        let asked = api.table.take_asked();
        Touched {
            label: format!("{method} {path}"),
            reply,
            keys: asked.iter().flat_map(keys).collect(),
        }
    }

    /// What an operation is asked about: what is somebody else's, what nobody has, what is the caller's own, and
    /// somebody else's in a tenant of the caller's own; and whether it is named by ids that are not the caller's.
    fn targets(&self, template: &str) -> Vec<(bool, Ids)> {
        let named = template.contains("_id}") && !template.contains("{model_id}");
        let mut targets = vec![
            (named, self.foreign.clone()),
            (named, Ids::unknown()),
            (false, self.own.clone()),
        ];
        if template.contains("{tenant_id}/") {
            let mut ids = self.foreign.clone();
            let own = self.own.0["{tenant_id}"].clone();
            ids.0.insert("{tenant_id}", own);
            targets.push((template.matches('{').count() > 1, ids));
        }
        targets
    }

    /// An access token of that person. Some operations end the session, so it is a new one.
    async fn token(&self, name: &str) -> String {
        let people = &self.sweep.api.people;
        let Person { tenant, .. } = people.get(name).await;
        people.enter(name, tenant).await;
        format!("Bearer {}", people.token(name).await)
    }
}

#[test]
fn every_index_is_within_the_partition_of_its_rows() {
    let template = template();
    let table = &template["Resources"]["Table"]["Properties"];
    assert!(table["GlobalSecondaryIndexes"].is_null());
    let indexes = table["LocalSecondaryIndexes"].as_sequence();
    for index in indexes.expect("indexes") {
        assert_eq!(index["KeySchema"][0]["AttributeName"], "pk");
    }
}

#[tokio::test]
async fn a_request_touches_only_rows_of_the_caller_whatever_it_names() {
    let (mut sent, mut own_rows, mut refused) = (0, 0, 0);
    for function in FUNCTIONS {
        let world = World::new(function).await;
        let api = &world.sweep.api;
        for (template, method, described) in world.sweep.operations() {
            if !is_secured(&described) {
                continue;
            }
            let mut ready = world
                .sweep
                .ready("bob", &method, &template, &described)
                .await;
            if let (Some(body), "/api/v1/auth/me") = (&mut ready.body, template.as_str()) {
                // Bob stays.
                body["current_password"] = "a wrong password".into();
            }
            world.token("bob").await;
            let key = api.people.api_key("bob", &Scope::ALL).await;
            let key = format!("Bearer {key}");
            for (named, ids) in world.targets(&template) {
                let person = api.people.get("bob").await;
                for credential in [world.token("bob").await, key.clone()] {
                    api.app.clock.advance(Duration::from_secs(61));
                    let (path, body) = (ids.path(&template), ids.body(ready.body.as_ref()));
                    let touched = world.send(&credential, &ready.method, &path, body).await;
                    let (label, status) = (touched.label, touched.reply.status.as_u16());
                    assert_ne!(status, 401, "{label}");
                    let whose = Whose::of(person, &touched.reply);
                    // Where Bob was before there was somewhere else to go.
                    let whose = whose.and(&world.own.0["{tenant_id}"]);
                    for (pk, sk) in &touched.keys {
                        assert!(whose.may_touch(pk), "{label}: {pk} {sk}");
                        own_rows += usize::from(pk.contains(&person.tenant.to_string()));
                    }
                    assert!(!named || [403, 404].contains(&status), "{label}: {status}");
                    sent += 1;
                    refused += usize::from(named);
                }
            }
        }
    }
    assert!(
        sent > 300 && own_rows > sent && refused > 80,
        "{sent} {own_rows} {refused}"
    );
}

#[tokio::test]
async fn what_another_person_touches_would_be_noticed() {
    let conversations = FUNCTIONS
        .into_iter()
        .find(|function| function.name == "conversations");
    let world = World::new(conversations.expect("conversations")).await;
    let bob = world.sweep.api.people.get("bob").await;
    let credential = world.token("ada").await;
    // What was asked for in advance of the limits of this minute was asked for before.
    world.sweep.api.app.clock.advance(Duration::from_secs(61));
    let path = world
        .foreign
        .path("/api/v1/conversations/{conversation_id}/messages");
    let touched = world
        .send(&credential, &Method::GET, &path, Body::Empty)
        .await;
    assert_eq!(touched.reply.status, 200);
    let whose = Whose::of(bob, &touched.reply);
    let strange: BTreeSet<&str> = touched
        .keys
        .iter()
        .filter(|(pk, _)| !whose.may_touch(pk))
        .map(|(pk, _)| pk.split('#').next().expect("a kind"))
        .collect();
    assert_eq!(strange, BTreeSet::from(["LIMIT", "TENANT", "USER"]));
}

/// What may break out of a key, a path or an expression.
const PIECES: &[&str] = &[
    "#",
    "/",
    "..",
    "*",
    "\0",
    "%",
    "?",
    "&",
    " ",
    "\n",
    "é",
    "🔑",
    "\u{202e}",
    "|",
    "\\",
    "$ne",
    "MSG#0000000001",
    "MEMBER#",
    "HEAD",
    "TENANT#",
    "{",
    "}",
];

/// What a path has in the place of an id, as the bytes that it stands for.
fn odd(ids: &Ids, name: &str) -> impl Strategy<Value = String> + use<> {
    let id = ids.0[name].clone();
    let piece = prop_oneof![
        2 => prop::sample::select(PIECES).prop_map(str::to_owned),
        1 => Just(id),
    ];
    prop::collection::vec(piece, 1..5).prop_map(|pieces| pieces.concat())
}

/// Each byte escaped, so that the path's shape stays.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The rows that tell who calls, and that it was counted or refused. What is named in a path is none of them.
fn is_about_the_caller((pk, sk): &Key) -> bool {
    let kinds = [
        "TENANT",
        "MEMBER#usr_",
        "SESSION#ses_",
        "PROFILE",
        "HEAD",
        "REGISTRY",
        "20",
    ];
    pk.starts_with("LIMIT#") || kinds.iter().any(|kind| sk.starts_with(kind))
}

#[tokio::test]
async fn nothing_but_an_id_in_a_path_becomes_part_of_a_key() {
    // What may be the name of a provider is asked for, as it should.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let mut runner = TestRunner::deterministic();
    let mut sent = 0;
    for function in FUNCTIONS {
        let world = World::new(function).await;
        let credential = world.token("bob").await;
        let person = world.sweep.api.people.get("bob").await;
        for (template, method, described) in world.sweep.operations() {
            let names: Vec<&str> = world.own.0.keys().copied().collect();
            let names = names.into_iter().filter(|name| template.contains(name));
            for name in names.filter(|_| is_secured(&described)) {
                let ready = world
                    .sweep
                    .ready("bob", &method, &template, &described)
                    .await;
                let text = odd(&world.own, name);
                for _ in 0..12 {
                    let text = text.new_tree(&mut runner).expect("a text").current();
                    let is_name = name == "{provider}" && text.bytes().all(plain);
                    if is_name || text == world.own.0[name] {
                        continue;
                    }
                    let mut ids = world.own.clone();
                    ids.0.insert(name, escaped(&text));
                    let path = ids.path(&template);
                    let body = world.own.body(ready.body.as_ref());
                    let touched = world.send(&credential, &ready.method, &path, body).await;
                    sent += 1;
                    let status = touched.reply.status;
                    assert!(
                        status.is_client_error(),
                        "{} {text:?}: {status}",
                        touched.label
                    );
                    let whose = Whose::of(person, &touched.reply);
                    for key in &touched.keys {
                        let fine = whose.may_touch(&key.0) && is_about_the_caller(key);
                        assert!(fine, "{} {text:?}: {key:?}", touched.label);
                    }
                }
            }
        }
    }
    assert!(sent > 250, "{sent}");
}
