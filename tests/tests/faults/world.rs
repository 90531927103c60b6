//! The table, the provider and the people of a hundred schedules, on a runtime that no process of theirs ends.

use std::time::Duration;

use axum::Router;
use axum::http::Method;
use engine::ProviderKeys;
use job_worker::JobWorker;
use run_worker::RunWorker;
use serde_json::{Value, json};
use shared::http::Deadline;
use shared::lambda::EventHandler as _;
use shared::queue::QueueMessage;
use shared::{App, Result};
use stand_ins::provider::Received;
use test_support::{Body, Reply, Storm, TestApi};
use tokio::runtime::{Builder, Runtime};

use crate::delivery::{batch, muddled, tick};
use crate::process::{Fate, Process, on};

/// What makes a function's router.
pub(crate) type Build = fn(App) -> Result<Router>;

pub(crate) struct World {
    outside: Runtime,
    /// The function `chat` in a process that lives.
    pub(crate) api: TestApi,
    /// What the provider was asked in these schedules.
    pub(crate) asked: Vec<Received>,
    /// Who had the schedule before.
    before: Option<String>,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut outside = Builder::new_multi_thread();
        let outside = outside.worker_threads(1).enable_all().build();
        let outside = outside.expect("a runtime");
        Self {
            api: on(&outside, TestApi::new(chat::router_with)),
            outside,
            asked: Vec::new(),
            before: None,
        }
    }

    /// Does something where nothing dies.
    pub(crate) fn calmly<T>(&self, work: impl Future<Output = T>) -> T {
        on(&self.outside, work)
    }

    /// The owner of a new tenant, who has this schedule.
    pub(crate) fn person(&mut self, seed: u64) -> String {
        let name = format!("person-{seed}");
        self.calmly(self.api.people.get(&name));
        name
    }

    /// Forgets what the provider was asked before.
    pub(crate) fn forget(&mut self) {
        self.asked.clear();
        self.api.provider.take_requests();
    }

    /// Sends a request of that person to a function that lives.
    pub(crate) fn send(
        &self,
        build: impl FnOnce(App) -> Result<Router>,
        person: &str,
        (method, path): (Method, &str),
        body: Body,
    ) -> Reply {
        let api = self.api.beside(build);
        self.calmly(api.send(Some(person), method, path, body))
    }

    /// What GET says to that person.
    pub(crate) fn get(
        &self,
        build: impl FnOnce(App) -> Result<Router>,
        person: &str,
        path: &str,
    ) -> Value {
        let reply = self.send(build, person, (Method::GET, path), Body::Empty);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        reply.body()
    }

    pub(crate) fn wait(&self, seconds: u64) {
        self.api.app.clock.advance(Duration::from_secs(seconds));
    }

    /// A further process of the function `chat`.
    pub(crate) fn process(&mut self) -> Process {
        self.hear();
        Process::new(&self.api, chat::router_with)
    }

    /// Remembers what the provider was asked.
    pub(crate) fn hear(&mut self) {
        self.asked.extend(self.api.provider.take_requests());
    }

    /// Another process works on what the queue of runs tells it, in a storm, and may die.
    pub(crate) fn run_worker(&mut self, told: &[QueueMessage], fate: Fate, storm: Storm) {
        let event = batch(told);
        self.process().lives(fate, storm, async |api| {
            let worker = RunWorker::with(&api.app, ProviderKeys::fixed([]));
            // What fails comes again by the schedule.
            drop(worker.handle(event, Deadline::none()).await);
        });
    }

    /// Another process works on what the queue of jobs tells it, in a storm, and may die.
    pub(crate) fn job_worker(&mut self, told: &[QueueMessage], fate: Fate, storm: Storm) {
        let event = batch(told);
        self.process().lives(fate, storm, async |api| {
            let worker = JobWorker::with(&api.app, ProviderKeys::fixed([]));
            drop(worker.handle(event, Deadline::none()).await);
        });
    }

    /// A schedule of deliveries to workers of jobs: some are lost, some come twice, and the workers die.
    pub(crate) fn jobs_in_storm(&mut self, drawn: &mut fastrand::Rng, percent: u8) {
        for _ in 0..drawn.usize(1..4) {
            let told = muddled(self.api.app.job_queue.take(), drawn);
            let storm = Storm::new(drawn.u64(..), percent);
            self.job_worker(&told, Fate::draw(drawn), storm);
            self.wait(*drawn.choice(&[0, 16, 61, 240]).expect("one"));
            if drawn.bool() {
                self.tick_jobs();
            }
        }
    }

    /// The schedule looks for jobs that nobody works on; how many it tells of.
    pub(crate) fn tick_jobs(&self) -> u64 {
        let worker = JobWorker::with(&self.api.app, ProviderKeys::fixed([]));
        let answer = self.calmly(worker.handle(tick(), Deadline::none()));
        let answer = serde_json::to_value(answer.expect("an answer")).expect("JSON");
        answer["told"].as_u64().expect("a number")
    }

    /// The same for runs.
    pub(crate) fn tick_runs(&self) -> Value {
        let worker = RunWorker::with(&self.api.app, ProviderKeys::fixed([]));
        let answer = self.calmly(worker.handle(tick(), Deadline::none()));
        serde_json::to_value(answer.expect("an answer")).expect("JSON")
    }

    /// In calm weather all is done that waits: leases end, the schedule tells, and workers work.
    pub(crate) fn calm_down(&mut self) {
        for _ in 0..6 {
            self.wait(600);
            self.tick_jobs();
            self.tick_runs();
            let jobs = self.api.app.job_queue.take();
            let runs = self.api.app.run_queue.take();
            if jobs.is_empty() && runs.is_empty() {
                break;
            }
            let worker = JobWorker::with(&self.api.app, ProviderKeys::fixed([]));
            let answer = self.calmly(worker.handle(batch(&jobs), Deadline::none()));
            assert_eq!(done(answer), json!({"batchItemFailures": []}));
            let worker = RunWorker::with(&self.api.app, ProviderKeys::fixed([]));
            for run in runs {
                let answer = self.calmly(worker.handle(batch(&[run]), Deadline::none()));
                assert_eq!(done(answer), json!({"batchItemFailures": []}));
            }
        }
        self.hear();
    }

    /// That nothing waits any more.
    pub(crate) fn nothing_waits(&self) {
        self.wait(3_600);
        assert_eq!(self.tick_jobs(), 0, "a job is stuck");
        self.tick_runs();
        assert_eq!(self.api.app.run_queue.take(), [], "a run is stuck");
    }

    /// That whoever had the schedule before sees nothing of these.
    pub(crate) fn hidden(&mut self, person: &str, paths: &[(&str, Build)]) {
        if let Some(other) = self.before.replace(person.to_owned()) {
            for (path, build) in paths {
                let reply = self.send(*build, &other, (Method::GET, path), Body::Empty);
                assert_eq!(reply.status, 404, "{other} sees {path}: {}", reply.text);
            }
        }
    }
}

fn done<T: serde::Serialize>(answer: Result<T>) -> Value {
    serde_json::to_value(answer.expect("an answer")).expect("JSON")
}
