//! Titles of conversations, by jobs.

use axum::http::Method;
use serde_json::{Value, json};
use test_support::Body;

use crate::process::draw_percent;
use crate::schedules::{Part, schedules};
use crate::world::World;

/// What stands only in requests for a title.
const ASKED: &str = "Write the title now.";

fn world() -> World {
    let world = World::new();
    let script = serde_json::from_value(json!({"say": ["Fjords of ", "Norway"]}));
    world
        .api
        .provider
        .script_when(ASKED, script.expect("a script"));
    world
}

fn group(world: &mut World, seeds: &[u64]) {
    world.forget();
    let storms = seeds.iter().map(|seed| (*seed, storm(world, *seed)));
    let all: Vec<(u64, String)> = storms.collect();
    world.calm_down();
    for (seed, _) in &all {
        try_again(world, *seed);
    }
    world.calm_down();
    for (seed, conversation) in &all {
        check(world, *seed, conversation);
    }
    world.nothing_waits();
}

/// A conversation whose title is given in a storm.
fn storm(world: &mut World, seed: u64) -> String {
    let mut drawn = fastrand::Rng::with_seed(seed);
    let person = world.person(seed);
    let new = Body::Json(json!({}));
    let place = (Method::POST, "/api/v1/conversations");
    let made = world.send(conversations::router, &person, place, new);
    let conversation = made.location().to_owned();
    let messages = format!("{conversation}/messages");
    let hello = json!({"content": format!("Hello from canary-{seed}.")});
    let said = world.calmly(world.api.post(Some(&person), &messages, hello));
    assert_eq!(said.status, 201, "{}", said.text);
    let percent = draw_percent(&mut drawn);
    world.jobs_in_storm(&mut drawn, percent);
    conversation
}

fn path(job: &Value) -> String {
    format!("/api/v1/jobs/{}", job["id"].as_str().expect("an id"))
}

/// Workers that die are attempts too, and somebody may say that it shall be tried again.
fn try_again(world: &World, seed: u64) {
    let person = format!("person-{seed}");
    let job = newest(world, &person);
    if job["status"] == "failed" {
        assert_eq!(job["attempts"], 5, "{job}");
        let retry = format!("{}/retry", path(&job));
        let place = (Method::POST, retry.as_str());
        let retried = world.send(jobs::router, &person, place, Body::Empty);
        assert_eq!(retried.status, 202, "{}", retried.text);
    }
}

fn check(world: &mut World, seed: u64, conversation: &str) {
    let person = format!("person-{seed}");
    let job = newest(world, &person);
    assert_eq!(job["status"], "completed", "{job}");
    let shown = world.get(conversations::router, &person, conversation);
    assert_eq!(shown["title"], "Fjords of Norway");
    assert_eq!(job["result"]["title"], "Fjords of Norway", "{job}");
    // Whoever died may have given it the title, and then this attempt changed nothing.
    let titles = asked(world, seed);
    let attempts = job["attempts"].as_u64().expect("a number");
    assert!(titles >= 1 && titles as u64 <= 10, "{titles} {attempts}");
    let job = path(&job);
    world.hidden(
        &person,
        &[(conversation, conversations::router), (&job, jobs::router)],
    );
}

fn newest(world: &World, person: &str) -> Value {
    let jobs = world.get(jobs::router, person, "/api/v1/jobs?limit=100");
    let jobs = jobs["data"].as_array().expect("a list");
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    jobs[0].clone()
}

/// How often a title for this schedule's conversation was asked for.
fn asked(world: &World, seed: u64) -> usize {
    let said = format!("canary-{seed}.");
    let texts = world.asked.iter().map(|asked| asked.body.to_string());
    texts
        .filter(|text| text.contains(ASKED) && text.contains(&said))
        .count()
}

fn part(number: u64) -> Part {
    Part {
        area: "titles",
        number,
        percent: 12,
    }
}

#[test]
fn a_title_is_given_once_1() {
    schedules(&part(10), world, group);
}

#[test]
fn a_title_is_given_once_2() {
    schedules(&part(11), world, group);
}
