//! What must hold after turns.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use serde_json::{Value, json};
use test_support::Body;

use super::{RUNS, Schedule, chat_alone, new_conversation};
use crate::world::{Build, World};

impl Schedule {
    pub(super) fn check(&self, world: &mut World) {
        if self.deleted {
            return self.is_gone(world);
        }
        let path = format!("{}?limit=100", self.path());
        let messages = world.get(conversations::router, &self.person, &path);
        let messages = messages["data"].as_array().expect("a list").clone();
        let runs = self.runs(world);
        self.questions(world, &messages, &runs);
        answers(&messages, &runs);
        self.money(world, &runs);
        self.goes_on(world, &self.conversation);
        let mut paths: Vec<(&str, Build)> = vec![(&self.conversation, conversations::router)];
        let run = runs.keys().next().map(|id| format!("{RUNS}/{id}"));
        if let Some(run) = &run {
            paths.push((run, chat_alone));
        }
        world.hidden(&self.person, &paths);
    }

    /// Nothing of a conversation comes back that was deleted, and another one goes on. What the dead had reserved for a run
    /// that is gone stays so until it is charged, because nobody can know what it cost; nothing more is held back.
    fn is_gone(&self, world: &World) {
        for path in [self.conversation.clone(), self.path()] {
            let place = (Method::GET, path.as_str());
            let reply = world.send(conversations::router, &self.person, place, Body::Empty);
            assert_eq!(reply.status, 404, "{path}: {}", reply.text);
        }
        assert_eq!(self.runs(world), BTreeMap::new());
        let reserved = || {
            let budget = world.get(tenants::router, &self.person, &self.budget);
            budget["month"]["micro_dollars"]["reserved"].clone()
        };
        let before = reserved();
        self.goes_on(world, &new_conversation(world, &self.person));
        assert_eq!(reserved(), before);
    }

    fn goes_on(&self, world: &World, conversation: &str) {
        let hello = json!({"content": format!("canary-{}-end", self.seed)});
        let path = format!("{conversation}/messages");
        let sent = world.api.post(Some(&self.person), &path, hello);
        let said = world.calmly(sent);
        assert_eq!(said.status, 201, "{}", said.text);
    }

    /// The runs by their ids, all of which have ended.
    fn runs(&self, world: &World) -> BTreeMap<String, Value> {
        let path = format!("{RUNS}?limit=100");
        let listed = world.get(chat_alone, &self.person, &path);
        let ids = listed["data"].as_array().expect("a list").iter();
        let runs = ids.map(|run| {
            let id = run["id"].as_str().expect("an id").to_owned();
            let run = world.get(chat_alone, &self.person, &format!("{RUNS}/{id}"));
            let ended = ["completed", "incomplete", "failed", "cancelled"];
            assert!(ended.iter().any(|end| run["status"] == *end), "{run}");
            (id, run)
        });
        runs.collect()
    }

    /// What was accepted is there, and nothing is there twice; no model was asked for what is not there.
    fn questions(&self, world: &World, messages: &[Value], runs: &BTreeMap<String, Value>) {
        for wanted in &self.wanted {
            let mark = &wanted.mark;
            let has = |text: &str| text.contains(mark);
            let of_user = messages.iter().filter(|it| it["role"] == "user");
            let questions: Vec<&Value> = of_user
                .filter(|it| it["content"].as_str().is_some_and(has))
                .collect();
            assert!(questions.len() <= 1, "{mark} was said twice: {questions:?}");
            assert!(!wanted.accepted || questions.len() == 1, "{mark} is lost");
            let asked = world.asked.iter();
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
    fn money(&self, world: &World, runs: &BTreeMap<String, Value>) {
        let budget = world.get(tenants::router, &self.person, &self.budget);
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
