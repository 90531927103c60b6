//! Documents that are taken in.

use axum::Router;
use axum::http::Method;
use engine::ProviderKeys;
use serde_json::{Value, json};
use shared::{App, Result};
use test_support::Body;

use crate::process::draw_percent;
use crate::schedules::{Part, schedules};
use crate::world::World;

const BASES: &str = "/api/v1/knowledge-bases";

fn bases(app: App) -> Result<Router> {
    knowledge_bases::router_with(app, ProviderKeys::fixed([]))
}

/// A knowledge base of one schedule.
struct Base {
    seed: u64,
    drawn: fastrand::Rng,
    percent: u8,
    person: String,
    path: String,
    documents: Vec<String>,
}

fn group(world: &mut World, seeds: &[u64]) {
    world.forget();
    let mut all: Vec<Base> = seeds.iter().map(|seed| storm(world, *seed)).collect();
    world.calm_down();
    for base in &all {
        try_again(world, base);
    }
    world.calm_down();
    for base in &mut all {
        found_once(world, base);
    }
    world.calm_down();
    for base in &all {
        gone_for_good(world, base);
    }
    world.nothing_waits();
}

/// Documents are taken in in a storm.
fn storm(world: &mut World, seed: u64) -> Base {
    let mut drawn = fastrand::Rng::with_seed(seed);
    let person = world.person(seed);
    let made = post(world, &person, BASES, json!({"name": "Handbook"}));
    let base = made["id"].as_str().expect("an id");
    let base = format!("{BASES}/{base}");
    let documents = drawn.usize(1..3);
    let mut paths = Vec::new();
    for number in 0..documents {
        let text = format!("Of canary-{seed}: fjords are deep, and this is number{number}.");
        let body = json!({"name": format!("d{number}"), "source": {"text": text}});
        let made = post(world, &person, &format!("{base}/documents"), body);
        let id = made["id"].as_str().expect("an id");
        paths.push(format!("{base}/documents/{id}"));
    }
    let percent = draw_percent(&mut drawn);
    world.jobs_in_storm(&mut drawn, percent);
    if drawn.u8(0..4) == 0 {
        // Told of again in the middle of it.
        let path = format!("{}/reprocess", paths[0]);
        let reply = world.send(bases, &person, (Method::POST, &path), Body::Empty);
        assert!(
            [202, 409].contains(&reply.status.as_u16()),
            "{}",
            reply.text
        );
        world.jobs_in_storm(&mut drawn, percent);
    }
    Base {
        seed,
        drawn,
        percent,
        person,
        path: base,
        documents: paths,
    }
}

/// What has failed is to be taken in in calm weather.
fn try_again(world: &World, base: &Base) {
    for path in &base.documents {
        let shown = world.get(bases, &base.person, path);
        if shown["status"] == "failed" {
            assert_eq!(shown["failure"]["retryable"], true, "{shown}");
            let path = format!("{path}/reprocess");
            let place = (Method::POST, path.as_str());
            let reply = world.send(bases, &base.person, place, Body::Empty);
            assert_eq!(reply.status, 202, "{}", reply.text);
        }
    }
}

/// Each is found once, and then one is deleted in a storm.
fn found_once(world: &mut World, base: &mut Base) {
    for path in &base.documents {
        let shown = world.get(bases, &base.person, path);
        assert_eq!(shown["status"], "ready", "{shown}");
    }
    let found = search(world, base);
    assert_eq!(found.len(), base.documents.len(), "{found:?}");
    let gone = base.documents.remove(0);
    let place = (Method::DELETE, gone.as_str());
    let reply = world.send(bases, &base.person, place, Body::Empty);
    assert_eq!(reply.status, 204, "{}", reply.text);
    world.jobs_in_storm(&mut base.drawn, base.percent);
}

fn gone_for_good(world: &mut World, base: &Base) {
    let found = search(world, base);
    assert_eq!(found.len(), base.documents.len(), "{found:?}");
    world.hidden(&base.person, &[(&base.path, bases)]);
}

fn post(world: &World, person: &str, path: &str, body: Value) -> Value {
    let reply = world.send(bases, person, (Method::POST, path), Body::Json(body));
    assert_eq!(reply.status, 201, "{}", reply.text);
    reply.body()
}

/// What is found of fjords: only what this schedule put there.
fn search(world: &World, base: &Base) -> Vec<Value> {
    let (person, seed) = (&base.person, base.seed);
    let path = format!("{}/search", base.path);
    let body = Body::Json(json!({"query": "fjords", "mode": "vector", "limit": 50}));
    let reply = world.send(bases, person, (Method::POST, &path), body);
    assert_eq!(reply.status, 200, "{}", reply.text);
    let own = format!("canary-{seed}:");
    for text in reply.text.split("canary-").skip(1) {
        assert!(format!("canary-{text}").starts_with(&own), "{text}");
    }
    reply.body()["data"].as_array().expect("a list").clone()
}

fn part(number: u64) -> Part {
    Part {
        area: "documents",
        number,
        percent: 6,
    }
}

#[test]
fn a_document_is_found_once_1() {
    schedules(&part(20), World::new, group);
}

#[test]
fn a_document_is_found_once_2() {
    schedules(&part(21), World::new, group);
}
