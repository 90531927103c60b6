//! Several turns at the same time in one process, as on Lambda Managed Instances: the program itself behind a Runtime API.

mod choir;
mod process;

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::model::MembershipRole;
use stand_ins::runtime_api::{Answer, Invocation};
use test_support::{Reply, TestApi};

use crate::helpers::{api, transcript};
use choir::{Choir, name, question, song, usage};
use process::Process;

/// Far more than a busy machine needs.
const PATIENCE: Duration = Duration::from_secs(120);
const SINGERS: usize = 16;

/// Somebody with a conversation, who sends one message to it.
struct Singer {
    number: usize,
    /// Lambda's id of the call.
    id: String,
    /// The trace that the call belongs to.
    trace: String,
    tenant: String,
    user: String,
    /// The path of the messages.
    path: String,
    conversation: String,
    event: Value,
}

impl Singer {
    /// Two of them share a tenant each, so neighbours of both kinds are there.
    async fn new(api: &TestApi, number: usize) -> Self {
        let (own, host) = (name(number), name(number - number % 2));
        let person = match number % 2 {
            0 => api.people.get(&own).await,
            _ => api.people.join(&own, &host, MembershipRole::Member).await,
        };
        let conversations = api.beside(conversations::router);
        let fields = json!({"title": own});
        let made = conversations.post(Some(&own), "/api/v1/conversations", fields);
        let made = made.await;
        assert_eq!(made.status, 201, "{}", made.text);
        let path = format!("{}/messages", made.location());
        let trace = format!("5759e988{number:024x}");
        // Half of them bring a trace of their own; the others have the one that X-Ray gave the call.
        let parent = number
            .is_multiple_of(2)
            .then(|| format!("00-{trace}-53995c3f42cd8ad8-01"));
        Self {
            number,
            id: format!("8476a536-e9f4-11e8-9739-{number:012}"),
            trace,
            tenant: person.tenant.to_string(),
            user: person.user.to_string(),
            conversation: made.body()["id"].as_str().expect("an id").to_owned(),
            event: event(&path, number, &api.token(&own).await, parent),
            path,
        }
    }

    fn call(&self, cut: bool) -> Invocation {
        let (time, rest) = self.trace.split_at(8);
        let root = match self.number % 2 {
            0 => "Root=1-00000000-000000000000000000000000".to_owned(),
            _ => format!("Root=1-{time}-{rest}"),
        };
        Invocation {
            id: self.id.clone(),
            event: self.event.clone(),
            trace: format!("{root};Parent=53995c3f42cd8ad8;Sampled=0"),
            limit: Duration::from_secs(100),
            cut,
        }
    }
}

/// What API Gateway calls the function with.
fn event(path: &str, number: usize, token: &str, parent: Option<String>) -> Value {
    let sample = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../events/chat/send_message_as_stream.json"
    );
    let sample = std::fs::read_to_string(sample).expect("a sample");
    let mut event: Value = serde_json::from_str(&sample).expect("JSON");
    event["path"] = path.into();
    event["requestContext"]["path"] = format!("/prod{path}").into();
    event["body"] = json!({"content": question(number), "stream": true})
        .to_string()
        .into();
    event["isBase64Encoded"] = false.into();
    let bearer = Some(format!("Bearer {token}"));
    for (name, value) in [("Authorization", bearer), ("Traceparent", parent)] {
        if let Some(value) = value {
            event["headers"][name] = value.clone().into();
            event["multiValueHeaders"][name] = json!([value]);
        }
    }
    event
}

/// A table whose people have tokens that hold now: the program has the system's clock.
async fn world() -> TestApi {
    let api = api().await;
    let now = Clock::system().now();
    api.app.clock.advance(now.since(api.app.clock.now()));
    api
}

async fn singers(api: &TestApi, count: usize) -> Vec<Singer> {
    let mut singers = Vec::new();
    for number in 0..count {
        singers.push(Singer::new(api, number).await);
    }
    singers
}

/// All answers to calls that are made at the same time.
async fn all(process: &Process, singers: &[Singer]) -> Vec<Answer> {
    let calls = singers
        .iter()
        .map(|singer| process.lambda.invoke(singer.call(false)));
    let answers = tokio::time::timeout(PATIENCE, join_all(calls)).await;
    assert!(answers.is_ok(), "they wait: {:#?}", process.log());
    let answers = answers.into_iter().flatten();
    answers.map(|answer| answer.expect("an answer")).collect()
}

#[tokio::test]
async fn turns_at_the_same_time_in_one_process_share_nothing() {
    let (api, choir) = (world().await, Choir::of(SINGERS).await);
    let singers = singers(&api, SINGERS).await;
    let process = Process::start(&api, &choir.url, Some(SINGERS)).await;
    tokio::time::timeout(PATIENCE, process.polled(SINGERS))
        .await
        .expect("a worker for each");
    let answers = all(&process, &singers).await;
    assert_eq!(choir.most_at_once(), SINGERS, "they sang together");
    for (singer, answer) in singers.iter().zip(answers) {
        let request = answered(singer, answer);
        asked(singer, &choir);
        stored(&api, singer).await;
        logged(singer, &request, &process.log());
    }
    measured(&process.log());
}

/// The answer is the singer's own, with its trace; its request id.
fn answered(singer: &Singer, answer: Answer) -> String {
    let reply = Reply {
        status: answer.status,
        headers: answer.headers,
        text: answer.body,
    };
    assert_eq!(reply.status, 200, "{}", reply.text);
    let own = name(singer.number);
    for other in (0..SINGERS).filter(|other| *other != singer.number) {
        assert!(!reply.text.contains(&name(other)), "{own}: {}", reply.text);
    }
    let trace = reply.header("traceparent").split('-').nth(1);
    assert_eq!(trace, Some(singer.trace.as_str()), "{own}");
    let events = reply.events();
    let (start, done) = (&events[0].data, &events[events.len() - 1].data);
    assert_eq!(start["request_id"], reply.header("x-request-id"), "{own}");
    assert_eq!(start["conversation_id"], singer.conversation, "{own}");
    let deltas = events.iter().filter(|event| event.name == "delta");
    let text: String = deltas
        .filter_map(|event| event.data["content"].as_str())
        .collect();
    assert_eq!(text, song(singer.number));
    assert_eq!(done["content"], song(singer.number));
    assert_eq!(done["usage"], usage(singer.number), "{own}");
    reply.header("x-request-id").to_owned()
}

/// The provider was asked once, what this singer said and nothing else, within its trace.
fn asked(singer: &Singer, choir: &Choir) {
    let own = name(singer.number);
    let heard = choir.heard();
    let heard: Vec<_> = heard
        .iter()
        .filter(|one| one.number == singer.number)
        .collect();
    assert_eq!(heard.len(), 1, "{own}");
    assert_eq!(heard[0].trace, singer.trace, "{own}");
    for other in (0..SINGERS).filter(|other| *other != singer.number) {
        assert!(!heard[0].body.contains(&name(other)), "{own}: {heard:?}");
    }
}

/// The conversation has the singer's question and answer, and nobody else sees it.
async fn stored(api: &TestApi, singer: &Singer) {
    let (own, number) = (name(singer.number), singer.number);
    let conversations = api.beside(conversations::router);
    let reply = conversations.get(Some(&own), &singer.path).await;
    let messages = reply.body()["data"].as_array().cloned();
    let messages = messages.expect("a list");
    let expected = [("user", question(number)), ("assistant", song(number))];
    let expected = expected.map(|(role, content)| (role.to_owned(), content));
    assert_eq!(transcript(&messages), expected);
    assert_eq!(messages[1]["usage"], usage(number), "{own}");
    let neighbours = [number ^ 1, (number + 2) % SINGERS];
    for neighbour in neighbours {
        let neighbour = name(neighbour);
        let seen = conversations.get(Some(&neighbour), &singer.path);
        assert_eq!(seen.await.status, 404, "{own} before {neighbour}");
    }
}

/// The lines of the call and of its turn are about this singer.
fn logged(singer: &Singer, request: &str, log: &[Value]) {
    let own = name(singer.number);
    let only = |field: &str, value: &str, with: &str| {
        let lines = log
            .iter()
            .filter(|line| line[field] == value && !line[with].is_null());
        let lines: Vec<&Value> = lines.collect();
        assert_eq!(lines.len(), 1, "{own}: {lines:#?}");
        lines[0].clone()
    };
    let line = only("lambda_request_id", &singer.id, "route");
    let found = ["request_id", "trace_id", "tenant", "user"].map(|field| line[field].clone());
    let wanted = [request, &singer.trace, &singer.tenant, &singer.user];
    assert_eq!(found, wanted.map(Value::from), "{own}");
    let line = only("request_id", request, "output_tokens");
    let found = ["trace_id", "conversation.id"].map(|field| line[field].clone());
    assert_eq!(
        found,
        [&singer.trace, &singer.conversation].map(|it| json!(it))
    );
    let found =
        json!({"input_tokens": line["input_tokens"], "output_tokens": line["output_tokens"]});
    assert_eq!(found, usage(singer.number), "{own}");
}

/// Each turn has figures of its own, and no line is written into another.
fn measured(log: &[Value]) {
    let broken: Vec<&Value> = log
        .iter()
        .filter(|line| !line["broken"].is_null())
        .collect();
    assert!(broken.is_empty(), "{broken:?}");
    let figures = log.iter().filter(|line| !line["Turns"].is_null());
    let mut figures: Vec<Value> = figures
        .map(|line| json!([line["InputTokens"], line["OutputTokens"]]))
        .collect();
    figures.sort_by_key(ToString::to_string);
    let wanted = (0..SINGERS).map(|number| {
        let used = usage(number);
        let float = |name: &str| used[name].as_f64();
        json!([float("input_tokens"), float("output_tokens")])
    });
    assert_eq!(figures, wanted.collect::<Vec<Value>>());
}

#[tokio::test]
async fn where_lambda_says_nothing_a_process_serves_one_turn_after_the_other() {
    let (api, choir) = (world().await, Choir::of(1).await);
    let singers = singers(&api, 4).await;
    let process = Process::start(&api, &choir.url, None).await;
    let answers = all(&process, &singers).await;
    for (singer, answer) in singers.iter().zip(answers) {
        answered(singer, answer);
    }
    assert_eq!(choir.most_at_once(), 1);
}

#[tokio::test]
async fn answers_that_are_not_taken_end_no_worker_and_lose_no_turn() {
    let (api, choir) = (world().await, Choir::of(4).await);
    let singers = singers(&api, 8).await;
    let process = Process::start(&api, &choir.url, Some(4)).await;
    let (cut, whole) = singers.split_at(4);
    let calls = cut
        .iter()
        .map(|singer| process.lambda.invoke(singer.call(true)));
    let outcomes = tokio::time::timeout(PATIENCE, join_all(calls)).await;
    for outcome in outcomes.expect("they begin to answer") {
        outcome.expect_err("the connection was cut");
    }
    // Four can sing together only if four workers are still there.
    let answers = all(&process, whole).await;
    for (singer, answer) in whole.iter().zip(answers) {
        answered(singer, answer);
    }
    for singer in cut {
        stored(&api, singer).await;
    }
}
