//! Turns: whole, streamed and in the background, each with an `Idempotency-Key` and sent again by its client.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use serde_json::{Value, json};
use test_support::{Body, Reply, Storm};

use crate::delivery::muddled;
use crate::process::{Fate, draw_percent};
use crate::schedules::schedules;
use crate::world::{Build, World};

const RUNS: &str = "/api/v1/runs";

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

struct Schedule<'a> {
    world: &'a mut World,
    drawn: fastrand::Rng,
    percent: u8,
    seed: u64,
    person: String,
    conversation: String,
    budget: String,
}

fn schedule(world: &mut World, seed: u64) {
    let mut drawn = fastrand::Rng::with_seed(seed);
    let person = world.person(seed);
    let settings = json!({"auto_title": false});
    let new = Body::Json(json!({"model": "large", "settings": settings}));
    let place = (Method::POST, "/api/v1/conversations");
    let made = world.send(conversations::router, &person, place, new);
    assert_eq!(made.status, 201, "{}", made.text);
    let tenant = world.calmly(world.api.people.get(&person)).tenant;
    let budget = format!("/api/v1/tenants/{tenant}/budgets/tenant");
    let limits = Body::Json(json!({"month": {"micro_dollars": 100_000_000}}));
    let put = world.send(tenants::router, &person, (Method::PUT, &budget), limits);
    assert_eq!(put.status, 201, "{}", put.text);
    let mut schedule = Schedule {
        percent: draw_percent(&mut drawn),
        drawn,
        seed,
        person,
        conversation: made.location().to_owned(),
        budget,
        world,
    };
    schedule.run();
}

impl Schedule<'_> {
    fn run(&mut self) {
        let number = self.drawn.usize(1..4);
        let mut all = Vec::new();
        for number in 0..number {
            let mut wanted = Wanted::new(self.seed, number, &mut self.drawn);
            for _ in 0..self.drawn.usize(1..4) {
                self.ask(&mut wanted);
                self.world
                    .wait(*self.drawn.choice(&[0, 2, 11, 31, 130]).expect("one"));
                if wanted.is_done() && self.drawn.bool() {
                    break;
                }
            }
            self.deliver();
            all.push(wanted);
        }
        self.world.calm_down();
        for wanted in &mut all {
            self.ask_calmly(wanted);
            self.world.calm_down();
        }
        self.check(&all);
    }

    fn path(&self) -> String {
        format!("{}/messages", self.conversation)
    }

    /// The client asks a process, in a storm.
    fn ask(&mut self, wanted: &mut Wanted) {
        let storm = Storm::new(self.drawn.u64(..), self.percent);
        let fate = Fate::draw(&mut self.drawn);
        let process = self.world.process();
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

    /// The client asks once more when the weather is calm, if it has not got what it wants.
    fn ask_calmly(&mut self, wanted: &mut Wanted) {
        if wanted.is_done() {
            return;
        }
        let headers = [("idempotency-key", wanted.key.as_str())];
        let body = Body::Json(wanted.body.clone());
        let api = &self.world.api;
        let path = self.path();
        let sent = api.send_with(Some(&self.person), Method::POST, &path, body, &headers);
        let reply = self.world.calmly(sent);
        self.only_ours(&reply.text);
        wanted.hears(&reply);
        // What the model did, or that there will be no answer: never that somebody is still at it.
        let kind = reply.body()["type"].as_str().unwrap_or_default().to_owned();
        // (A run that could not be stored has failed with what was unavailable then.)
        let stuck = ["conversation-busy", "idempotency-in-progress"];
        assert!(
            !stuck
                .iter()
                .any(|stuck| kind == format!("urn:chatter:problem:{stuck}")),
            "{}: {}",
            wanted.mark,
            reply.text
        );
    }

    /// Workers are told of the runs that wait, or not, or twice.
    fn deliver(&mut self) {
        let told = muddled(self.world.api.app.run_queue.take(), &mut self.drawn);
        for message in told {
            let storm = Storm::new(self.drawn.u64(..), self.percent);
            let fate = Fate::draw(&mut self.drawn);
            self.world.run_worker(&[message], fate, storm);
        }
    }

    /// Nobody is told what was said in another tenant.
    fn only_ours(&self, text: &str) {
        let own = format!("canary-{}-", self.seed);
        for found in text.split("canary-").skip(1) {
            assert!(format!("canary-{found}").starts_with(&own), "{found}");
        }
    }

    fn check(&mut self, all: &[Wanted]) {
        let path = format!("{}?limit=100", self.path());
        let messages = self.world.get(conversations::router, &self.person, &path);
        let messages = messages["data"].as_array().expect("a list").clone();
        let runs = self.runs();
        self.questions(all, &messages, &runs);
        answers(&messages, &runs);
        self.money(&runs);
        // And it goes on.
        let hello = json!({"content": format!("canary-{}-end", self.seed)});
        let api = &self.world.api;
        let said = self
            .world
            .calmly(api.post(Some(&self.person), &self.path(), hello));
        assert_eq!(said.status, 201, "{}", said.text);
        let ours = self.conversation.clone();
        let mut paths: Vec<(&str, Build)> = vec![(&ours, conversations::router)];
        let run = runs.keys().next().map(|id| format!("{RUNS}/{id}"));
        if let Some(run) = &run {
            paths.push((run, chat_alone));
        }
        self.world.nothing_is_left(&self.person, &paths);
    }

    /// The runs by their ids, all of which have ended.
    fn runs(&self) -> BTreeMap<String, Value> {
        let path = format!("{RUNS}?limit=100");
        let listed = self.world.get(chat_alone, &self.person, &path);
        let ids = listed["data"].as_array().expect("a list").iter();
        let runs = ids.map(|run| {
            let id = run["id"].as_str().expect("an id").to_owned();
            let run = self
                .world
                .get(chat_alone, &self.person, &format!("{RUNS}/{id}"));
            let ended = ["completed", "incomplete", "failed", "cancelled"];
            assert!(ended.iter().any(|end| run["status"] == *end), "{run}");
            (id, run)
        });
        runs.collect()
    }

    /// What was accepted is there, and nothing is there twice; no model was asked for what is not there.
    fn questions(&self, all: &[Wanted], messages: &[Value], runs: &BTreeMap<String, Value>) {
        for wanted in all {
            let mark = &wanted.mark;
            let has = |text: &str| text.contains(mark);
            let of_user = messages.iter().filter(|it| it["role"] == "user");
            let questions: Vec<&Value> = of_user
                .filter(|it| it["content"].as_str().is_some_and(has))
                .collect();
            assert!(questions.len() <= 1, "{mark} was said twice: {questions:?}");
            assert!(!wanted.accepted || questions.len() == 1, "{mark} is lost");
            let asked = self.world.asked.iter();
            let asked = asked.filter(|asked| {
                let last = asked.body["messages"].as_array().and_then(|all| all.last());
                last.is_some_and(|last| has(&last.to_string()))
            });
            let asked = asked.count();
            let attempts = questions.first().map_or(0, |question| {
                let run = question["run_id"].as_str().expect("a run");
                runs[run]["attempts"].as_array().map_or(0, Vec::len)
            });
            assert!(
                asked <= attempts,
                "{mark}: asked {asked} times in {attempts} attempts"
            );
        }
    }

    /// What is spent is what the runs cost, and nothing is reserved.
    fn money(&self, runs: &BTreeMap<String, Value>) {
        let budget = self.world.get(tenants::router, &self.person, &self.budget);
        let month = &budget["month"];
        let cost = |run: &Value| run["cost_micro_dollars"].as_u64().unwrap_or(0);
        let sum: u64 = runs.values().map(cost).sum();
        assert_eq!(month["micro_dollars"]["spent"], sum, "{budget}: {runs:?}");
        assert_eq!(month["micro_dollars"]["reserved"], 0, "{budget}");
        assert_eq!(month["tokens"]["reserved"], 0, "{budget}");
    }
}

/// Each answer is of a run that has one, and follows its question.
fn answers(messages: &[Value], runs: &BTreeMap<String, Value>) {
    let mut answered = BTreeSet::new();
    for message in messages.iter().filter(|it| it["role"] == "assistant") {
        let parent = message["parent_id"].as_str().expect("a question");
        assert!(answered.insert(parent), "two answers to {parent}");
        let run = &runs[message["run_id"].as_str().expect("a run")];
        assert_eq!(run["message_id"], message["id"]);
        assert_ne!(run["status"], "failed", "{run}: {message}");
    }
    for run in runs.values().filter(|run| run["status"] == "completed") {
        let question = run["user_message_id"].as_str().expect("an id");
        assert!(answered.contains(question), "no answer of {run}");
    }
}

fn chat_alone(app: shared::App) -> shared::Result<axum::Router> {
    chat::router_with(app, engine::ProviderKeys::fixed([]))
}

const EACH: u64 = 20;

#[test]
fn turns_hold_1() {
    schedules(1, EACH, World::new, schedule);
}

#[test]
fn turns_hold_2() {
    schedules(2, EACH, World::new, schedule);
}

#[test]
fn turns_hold_3() {
    schedules(3, EACH, World::new, schedule);
}

#[test]
fn turns_hold_4() {
    schedules(4, EACH, World::new, schedule);
}

#[test]
fn turns_hold_5() {
    schedules(5, EACH, World::new, schedule);
}
