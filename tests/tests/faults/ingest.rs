//! Documents that are taken in.

use axum::Router;
use axum::http::Method;
use engine::ProviderKeys;
use serde_json::{Value, json};
use shared::{App, Result};
use test_support::Body;

use crate::process::draw_percent;
use crate::schedules::schedules;
use crate::world::World;

const BASES: &str = "/api/v1/knowledge-bases";

fn bases(app: App) -> Result<Router> {
    knowledge_bases::router_with(app, ProviderKeys::fixed([]))
}

fn schedule(world: &mut World, seed: u64) {
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
    world.calm_down();
    for path in &paths {
        let shown = world.get(bases, &person, path);
        if shown["status"] == "failed" {
            assert_eq!(shown["failure"]["retryable"], true, "{shown}");
            let path = format!("{path}/reprocess");
            let reply = world.send(bases, &person, (Method::POST, &path), Body::Empty);
            assert_eq!(reply.status, 202, "{}", reply.text);
            world.calm_down();
        }
        let shown = world.get(bases, &person, path);
        assert_eq!(shown["status"], "ready", "{shown}");
    }
    let found = search(world, &person, &base, seed);
    assert_eq!(found.len(), documents, "each is found once: {found:?}");
    // One that is deleted in a storm is gone for good.
    let gone = paths.remove(0);
    let reply = world.send(bases, &person, (Method::DELETE, &gone), Body::Empty);
    assert_eq!(reply.status, 204, "{}", reply.text);
    world.jobs_in_storm(&mut drawn, percent);
    world.calm_down();
    let found = search(world, &person, &base, seed);
    assert_eq!(found.len(), documents - 1, "{found:?}");
    world.nothing_is_left(&person, &[(&base, bases)]);
}

fn post(world: &World, person: &str, path: &str, body: Value) -> Value {
    let reply = world.send(bases, person, (Method::POST, path), Body::Json(body));
    assert_eq!(reply.status, 201, "{}", reply.text);
    reply.body()
}

/// What is found of fjords: only what this schedule put there.
fn search(world: &World, person: &str, base: &str, seed: u64) -> Vec<Value> {
    let path = format!("{base}/search");
    let body = Body::Json(json!({"query": "fjords", "mode": "vector", "limit": 50}));
    let reply = world.send(bases, person, (Method::POST, &path), body);
    assert_eq!(reply.status, 200, "{}", reply.text);
    let own = format!("canary-{seed}:");
    for text in reply.text.split("canary-").skip(1) {
        assert!(format!("canary-{text}").starts_with(&own), "{text}");
    }
    reply.body()["data"].as_array().expect("a list").clone()
}

const EACH: u64 = 20;

#[test]
fn a_document_is_found_once_1() {
    schedules(20, EACH, World::new, schedule);
}

#[test]
fn a_document_is_found_once_2() {
    schedules(21, EACH, World::new, schedule);
}
