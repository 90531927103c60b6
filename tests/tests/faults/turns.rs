//! Turns: whole, streamed and in the background, each with an `Idempotency-Key` and sent again by its client.

use axum::http::Method;
use serde_json::{Value, json};
use test_support::{Body, Reply, Storm};

use crate::delivery::muddled;
use crate::process::{Fate, draw_percent};
use crate::schedules::{Part, schedules};
use crate::world::World;

mod checks;

const RUNS: &str = "/api/v1/runs";
/// How many turns a client wants at most.
const MOST: usize = 3;

/// A turn that its client wants.
struct Wanted {
    key: String,
    body: Value,
    /// What its message says and no other.
    mark: String,
    /// Whether it was ever said to be accepted.
    accepted: bool,
    /// What was said last, if anything was.
    last: Option<u16>,
}

impl Wanted {
    fn new(seed: u64, number: usize, drawn: &mut fastrand::Rng) -> Self {
        let mark = format!("canary-{seed}-{number}.");
        let said = [mark.as_str(), "and", "more"];
        let script = match drawn.u8(0..8) {
            0 => json!({"say": said, "cut_after": 2}),
            1 => json!({"say": said, "error_after": 1}),
            2 => json!({"say": said, "status": 400}),
            3 => json!({"say": said, "usage": false}),
            _ => json!({"say": said}),
        };
        let mut body = json!({"content": script.to_string()});
        match drawn.u8(0..3) {
            0 => body["stream"] = json!(true),
            1 => body["background"] = json!(true),
            _ => {}
        }
        Self {
            key: format!("key-{seed}-{number}"),
            body,
            mark,
            accepted: false,
            last: None,
        }
    }

    fn hears(&mut self, reply: &Reply) {
        let status = reply.status.as_u16();
        assert_ne!(status, 500, "{}: {}", self.mark, reply.text);
        self.accepted |= reply.status.is_success();
        self.last = Some(status);
    }

    fn is_done(&self) -> bool {
        self.last.is_some_and(|status| (200..300).contains(&status))
    }
}

/// The turns of one conversation.
struct Schedule {
    drawn: fastrand::Rng,
    percent: u8,
    seed: u64,
    person: String,
    conversation: String,
    budget: String,
    wanted: Vec<Wanted>,
    /// Whether the conversation is deleted while there may be work on it.
    deleted: bool,
}

fn group(world: &mut World, seeds: &[u64]) {
    world.forget();
    let mut all = Vec::new();
    for seed in seeds {
        let mut schedule = Schedule::new(world, *seed);
        schedule.storm(world);
        all.push(schedule);
    }
    world.calm_down();
    for number in 0..MOST {
        let mut waits = false;
        for schedule in &mut all {
            waits |= schedule.ask_again(world, number);
        }
        if waits {
            // The next one is refused while this one waits.
            world.calm_down();
        }
    }
    world.calm_down();
    for schedule in &all {
        schedule.check(world);
    }
    world.nothing_waits();
}

impl Schedule {
    fn new(world: &mut World, seed: u64) -> Self {
        let mut drawn = fastrand::Rng::with_seed(seed);
        let person = world.person(seed);
        let tenant = world.calmly(world.api.people.get(&person)).tenant;
        let budget = format!("/api/v1/tenants/{tenant}/budgets/tenant");
        let limits = Body::Json(json!({"month": {"micro_dollars": 100_000_000}}));
        let put = world.send(tenants::router, &person, (Method::PUT, &budget), limits);
        assert_eq!(put.status, 201, "{}", put.text);
        Self {
            percent: draw_percent(&mut drawn),
            conversation: new_conversation(world, &person),
            deleted: drawn.u8(0..8) == 0,
            drawn,
            seed,
            person,
            budget,
            wanted: Vec::new(),
        }
    }

    fn storm(&mut self, world: &mut World) {
        for number in 0..self.drawn.usize(1..=MOST) {
            let mut wanted = Wanted::new(self.seed, number, &mut self.drawn);
            for _ in 0..self.drawn.usize(1..4) {
                self.ask(world, &mut wanted);
                world.wait(*self.drawn.choice(&[0, 2, 11, 31, 130]).expect("one"));
                if wanted.is_done() && self.drawn.bool() {
                    break;
                }
            }
            if self.drawn.u8(0..4) == 0 {
                self.cancel(world);
            }
            self.deliver(world);
            self.wanted.push(wanted);
        }
        if self.deleted {
            let place = (Method::DELETE, self.conversation.as_str());
            let reply = world.send(conversations::router, &self.person, place, Body::Empty);
            assert_eq!(reply.status, 204, "{}", reply.text);
        }
    }

    fn path(&self) -> String {
        format!("{}/messages", self.conversation)
    }

    /// The client asks a process, in a storm.
    fn ask(&mut self, world: &mut World, wanted: &mut Wanted) {
        let storm = Storm::new(self.drawn.u64(..), self.percent);
        let fate = Fate::draw(&mut self.drawn);
        let process = world.process();
        let (path, person) = (self.path(), self.person.clone());
        let (key, body) = (wanted.key.clone(), wanted.body.clone());
        let reply = process.lives(fate, storm, async |api| {
            let headers = [("idempotency-key", key.as_str())];
            let body = Body::Json(body);
            api.send_with(Some(&person), Method::POST, &path, body, &headers)
                .await
        });
        if let Some(reply) = reply {
            self.only_ours(&reply.text);
            wanted.hears(&reply);
        }
    }

    /// The client asks once more for that turn when the weather is calm, if it has not got what it wants. Whether that
    /// waits for a worker now.
    fn ask_again(&mut self, world: &World, number: usize) -> bool {
        let path = self.path();
        let wanted = self.wanted.get_mut(number);
        let Some(wanted) = wanted.filter(|wanted| !wanted.is_done()) else {
            return false;
        };
        let headers = [("idempotency-key", wanted.key.as_str())];
        let body = Body::Json(wanted.body.clone());
        let api = &world.api;
        let sent = api.send_with(Some(&self.person), Method::POST, &path, body, &headers);
        let reply = world.calmly(sent);
        wanted.hears(&reply);
        // What the model did, or that there will be no answer: never that somebody is still at it. (A run that could not be
        // stored has failed with what was unavailable then.)
        let kind = reply.body()["type"].as_str().unwrap_or_default().to_owned();
        let stuck = ["conversation-busy", "idempotency-in-progress"];
        let is_stuck = stuck.iter().any(|stuck| kind.ends_with(stuck));
        assert!(!is_stuck, "{}: {}", wanted.mark, reply.text);
        let waits = wanted.body["background"] == true;
        self.only_ours(&reply.text);
        waits
    }

    /// The client cancels whatever run is newest.
    fn cancel(&self, world: &World) {
        let listed = world.get(chat_alone, &self.person, &format!("{RUNS}?limit=1"));
        let Some(id) = listed["data"][0]["id"].as_str() else {
            return;
        };
        let path = format!("{RUNS}/{id}/cancel");
        let place = (Method::POST, path.as_str());
        let reply = world.send(chat_alone, &self.person, place, Body::Empty);
        let status = reply.status.as_u16();
        assert!([200, 202, 409].contains(&status), "{}", reply.text);
    }

    /// Workers are told of the runs that wait, or not, or twice.
    fn deliver(&mut self, world: &mut World) {
        let told = muddled(world.api.app.run_queue.take(), &mut self.drawn);
        for message in told {
            let storm = Storm::new(self.drawn.u64(..), self.percent);
            let fate = Fate::draw(&mut self.drawn);
            world.run_worker(&[message], fate, storm);
        }
    }

    /// Nobody is told what was said in another tenant.
    fn only_ours(&self, text: &str) {
        let own = format!("canary-{}-", self.seed);
        for found in text.split("canary-").skip(1) {
            assert!(format!("canary-{found}").starts_with(&own), "{found}");
        }
    }
}

fn new_conversation(world: &World, person: &str) -> String {
    let new = Body::Json(json!({"model": "large", "settings": {"auto_title": false}}));
    let place = (Method::POST, "/api/v1/conversations");
    let made = world.send(conversations::router, person, place, new);
    assert_eq!(made.status, 201, "{}", made.text);
    made.location().to_owned()
}

fn chat_alone(app: shared::App) -> shared::Result<axum::Router> {
    chat::router_with(app, engine::ProviderKeys::fixed([]))
}

fn part(number: u64) -> Part {
    Part {
        area: "turns",
        number,
        percent: 6,
    }
}

#[test]
fn turns_hold_1() {
    schedules(&part(1), World::new, group);
}

#[test]
fn turns_hold_2() {
    schedules(&part(2), World::new, group);
}

#[test]
fn turns_hold_3() {
    schedules(&part(3), World::new, group);
}

#[test]
fn turns_hold_4() {
    schedules(&part(4), World::new, group);
}

#[test]
fn turns_hold_5() {
    schedules(&part(5), World::new, group);
}
