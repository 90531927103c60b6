//! Who is asked where a route has several targets, and when the same model is asked again.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use test_support::{Body, Fault, Reply, TestApi};

use crate::helpers::{ADA, api, conversation, impatient, messages, say, store, stream};
use crate::runs::{newest, run_of};

/// Writes Ada's registry anew.
pub(crate) async fn registry(api: &TestApi, document: Value) {
    let models = api.beside(models::router);
    let known = models.get(ADA, "/api/v1/registry").await;
    let tag = known.header("etag").to_owned();
    let headers = [("if-match", tag.as_str())];
    let put = models.send_with(
        ADA,
        Method::PUT,
        "/api/v1/registry",
        Body::Json(document),
        &headers,
    );
    let reply = put.await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    api.app.clock.advance(Duration::from_secs(30));
}

fn route(targets: &Value) -> Value {
    json!({"routes": [{"name": "auto", "targets": targets}]})
}

/// A route from `small` to `claude`, and a conversation that takes it.
async fn small_then_claude(api: &TestApi) -> String {
    registry(
        api,
        route(&json!([{"model": "small"}, {"model": "claude"}])),
    )
    .await;
    conversation(api, json!({"model": "auto"})).await
}

/// The run of a reply, without what takes time.
pub(crate) async fn run(api: &TestApi, reply: &Reply) -> Value {
    let run = api.get(ADA, &run_of(reply)).await;
    assert_eq!(run.status, 200, "{}", run.text);
    run.body()
}

/// Who was asked in a run, and what came of it.
fn attempts(run: &Value) -> Vec<(String, Value)> {
    let attempts = run["attempts"].as_array().expect("attempts");
    let pair = |one: &Value| {
        let model = one["model"].as_str().expect("a model").to_owned();
        (model, one["problem"].clone())
    };
    attempts.iter().map(pair).collect()
}

fn tried(model: &str, problem: impl Into<Value>) -> (String, Value) {
    (model.to_owned(), problem.into())
}

#[tokio::test]
async fn the_next_target_answers_where_the_first_one_fails() {
    let api = api().await;
    let path = small_then_claude(&api).await;
    let script = json!({"say": ["From Claude"], "models": {"small": {"status": 401}}});
    let reply = say(&api, &path, &script).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let answer = reply.body();
    assert_eq!(answer["content"], "From Claude");
    assert_eq!(
        (&answer["provider"], &answer["model"]),
        (&json!("scripted-claude"), &json!("claude"))
    );
    let run = run(&api, &reply).await;
    assert_eq!(run["status"], "completed");
    assert_eq!(run["route"], "auto");
    assert_eq!(run["model"], "small", "who is asked first");
    assert_eq!(
        attempts(&run),
        [
            tried("small", "provider-unauthorized"),
            tried("claude", Value::Null)
        ]
    );
}

#[tokio::test]
async fn who_reads_along_sees_that_another_model_is_asked() {
    let api = api().await;
    let path = small_then_claude(&api).await;
    let script = json!({"say": ["Hello"], "models": {"small": {"status": 400}}});
    let events = stream(&api, &path, &script).await.events();
    let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["start", "switch", "delta", "done"]);
    let switch = &events[1].data;
    assert_eq!(
        *switch,
        json!({"provider": "scripted-claude", "model": "claude", "problem": "urn:chatter:problem:provider-refused"})
    );
}

#[tokio::test]
async fn the_same_model_is_asked_again_where_that_may_help() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    for (failure, problem) in [
        (json!({"status": 503}), "provider-unavailable"),
        (
            json!({"status": 429, "retry_after": 1}),
            "provider-overloaded",
        ),
        (json!({"html": true}), "provider-nonsense"),
        (json!({"garbage_after": 0}), "provider-nonsense"),
        (json!({"cut_after": 0}), "provider-unavailable"),
    ] {
        let script = json!({"say": ["At last"], "attempts": [failure]});
        let reply = say(&api, &path, &script).await;
        assert_eq!(reply.status, 201, "{failure}: {}", reply.text);
        assert_eq!(reply.body()["content"], "At last");
        let run = run(&api, &reply).await;
        assert_eq!(
            attempts(&run),
            [tried("small", problem), tried("small", Value::Null)]
        );
    }
}

#[tokio::test]
async fn it_is_asked_once_where_trying_again_is_in_vain() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    for (failure, problem) in [
        // No time is said: the money is spent, or nobody knows when there will be room.
        (json!({"status": 429}), "provider-overloaded"),
        (
            json!({"status": 429, "retry_after": 60}),
            "provider-overloaded",
        ),
        (json!({"status": 400}), "provider-refused"),
        // What was said can't be taken back.
        (
            json!({"say": ["Half", " an answer"], "cut_after": 1}),
            "provider-unavailable",
        ),
    ] {
        api.provider.take_requests();
        let script = json!({"say": ["Never said"], "attempts": [failure]});
        let reply = say(&api, &path, &script).await;
        assert_eq!(reply.problem().1, problem, "{failure}");
        assert_eq!(api.provider.take_requests().len(), 1, "{failure}");
    }
}

#[tokio::test]
async fn a_target_is_asked_as_often_as_it_says_and_no_more() {
    let api = api().await;
    let targets = json!([{"model": "small", "attempts": 3}, {"model": "claude", "attempts": 1}]);
    registry(&api, route(&targets)).await;
    let path = conversation(&api, json!({"model": "auto"})).await;
    let reply = say(&api, &path, json!({"status": 503})).await;
    assert_eq!(reply.problem(), (502, "provider-unavailable".to_owned()));
    let asked = api.provider.take_requests();
    let models = asked.iter().map(|request| request.body["model"].clone());
    assert_eq!(
        models.collect::<Vec<_>>(),
        ["small", "small", "small", "claude"]
    );
}

#[tokio::test]
async fn after_a_part_of_the_answer_nobody_else_is_asked_unless_the_route_allows_it() {
    let api = api().await;
    let half = json!({"say": ["Half ", "an answer"], "cut_after": 1});
    let script = json!({"say": ["Whole"], "models": {"small": half}});
    let path = small_then_claude(&api).await;
    let events = stream(&api, &path, &script).await.events();
    let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["start", "delta", "error"]);

    let mut allowed = route(&json!([{"model": "small"}, {"model": "claude"}]));
    allowed["routes"][0]["switch_mid_answer"] = true.into();
    registry(&api, allowed).await;
    let path = conversation(&api, json!({"model": "auto"})).await;
    let reply = stream(&api, &path, &script).await;
    let events = reply.events();
    let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["start", "delta", "switch", "delta", "done"]);
    assert_eq!(events[4].data["content"], "Whole");
    assert_eq!(messages(&api, &path).await[1]["content"], "Whole");
    let run = run(&api, &reply).await;
    let used = |index: usize| run["attempts"][index]["usage"]["output_tokens"].as_u64();
    assert!(used(0) > Some(0), "what was written is counted: {run}");
    assert_eq!(run["attempts"][0]["usage_estimated"], true);
}

#[tokio::test]
async fn a_first_token_that_does_not_come_in_time_is_not_waited_for() {
    let api = api().await;
    let targets = json!([{"model": "small", "first_token_timeout_ms": 100}, {"model": "claude"}]);
    registry(&api, route(&targets)).await;
    let path = conversation(&api, json!({"model": "auto"})).await;
    for silent in [
        json!({"head_delay_ms": 20_000}),
        json!({"say": ["x"], "delay_ms": 20_000}),
    ] {
        let script = json!({"say": ["Quick"], "models": {"small": silent}});
        let reply = say(&api, &path, &script).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        let run = run(&api, &reply).await;
        assert_eq!(
            attempts(&run),
            [
                tried("small", "provider-timed-out"),
                tried("claude", Value::Null)
            ]
        );
    }
}

#[tokio::test]
async fn the_time_of_the_turn_is_the_time_of_all_attempts_together() {
    let api = api().await;
    let path = small_then_claude(&api).await;
    let chat = impatient(&api, 1_200);
    let script =
        json!({"say": ["Too late"], "models": {"small": {"status": 503, "head_delay_ms": 400}}});
    let reply = say(&chat, &path, &script).await;
    assert_eq!(reply.problem().1, "provider-unavailable");
    let asked = api.provider.take_requests();
    assert_eq!(asked.len(), 1, "there was no time for another one");
}

#[tokio::test]
async fn conditions_say_who_is_asked() {
    let api = api().await;
    let targets = json!([
        {"model": "small", "max_input_tokens": 60},
        {"model": "large", "min_input_tokens": 61, "max_input_tokens": 1_000},
    ]);
    registry(&api, route(&targets)).await;
    let path = conversation(&api, json!({"model": "auto"})).await;
    for (length, model) in [(30, "small"), (600, "large")] {
        let reply = say(&api, &path, "x".repeat(length)).await;
        assert_eq!(reply.body()["model"], model, "{}", reply.text);
    }
    api.provider.take_requests();
    let reply = say(&api, &path, "y".repeat(9_000)).await;
    assert_eq!(reply.errors()[0].0, "/model", "{}", reply.text);
    assert!(reply.errors()[0].1.contains("tokens"));
    assert!(api.provider.take_requests().is_empty());
    assert_eq!(messages(&api, &path).await.len(), 4, "nothing was begun");
}

#[tokio::test]
async fn a_target_whose_window_the_question_does_not_fit_is_passed_over() {
    let api = api().await;
    let targets = json!([{"model": "small"}, {"model": "large"}]);
    registry(&api, route(&targets)).await;
    let path = conversation(&api, json!({"model": "auto"})).await;
    let reply = say(&api, &path, "x".repeat(9_000)).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let run = run(&api, &reply).await;
    assert_eq!(attempts(&run), [tried("large", Value::Null)]);
}

#[tokio::test]
async fn a_model_that_keeps_failing_is_left_alone_by_all_processes_for_a_while() {
    let api = api().await;
    let path = small_then_claude(&api).await;
    let broken = json!({"say": ["From Claude"], "models": {"small": {"status": 401}}});
    for _ in 0..3 {
        let reply = say(&api, &path, &broken).await;
        assert_eq!(reply.body()["content"], "From Claude");
    }
    let other = api.beside(|app| chat::router_with(app, engine::ProviderKeys::fixed([])));
    let first_asked = async |api: &TestApi| {
        let reply = say(api, &path, "Who?").await;
        let run = run(api, &reply).await;
        attempts(&run)[0].0.clone()
    };
    assert_eq!(first_asked(&other).await, "claude");
    assert_eq!(first_asked(&api).await, "claude");
    api.app.clock.advance(Duration::from_secs(29));
    assert_eq!(first_asked(&api).await, "claude");
    api.app.clock.advance(Duration::from_secs(6));
    assert_eq!(first_asked(&api).await, "small", "it is tried again");
    assert!(
        store(&api)
            .await
            .circuit_list()
            .await
            .expect("read")
            .is_empty(),
        "it answered: nothing is held against it"
    );
}

#[tokio::test]
async fn after_its_pause_one_more_failure_is_enough() {
    let api = api().await;
    let path = small_then_claude(&api).await;
    let broken = json!({"say": ["From Claude"], "models": {"small": {"status": 401}}});
    for _ in 0..3 {
        say(&api, &path, &broken).await;
    }
    api.app.clock.advance(Duration::from_secs(36));
    say(&api, &path, &broken).await;
    api.provider.take_requests();
    say(&api, &path, &broken).await;
    let asked = api.provider.take_requests();
    assert_eq!(asked.len(), 1, "only Claude");
}

#[tokio::test]
async fn where_all_are_left_alone_they_are_asked_all_the_same() {
    let api = api().await;
    let path = small_then_claude(&api).await;
    for _ in 0..3 {
        let reply = say(&api, &path, json!({"status": 401})).await;
        assert_eq!(reply.problem().1, "provider-unauthorized");
    }
    let reply = say(&api, &path, "Anybody?").await;
    assert_eq!(reply.body()["content"], "You said: Anybody?");
}

#[tokio::test]
async fn of_a_process_that_died_after_a_switch_the_last_model_s_words_are_the_answer() {
    let api = api().await;
    let mut allowed = route(&json!([{"model": "small"}, {"model": "claude"}]));
    allowed["routes"][0]["switch_mid_answer"] = true.into();
    registry(&api, allowed).await;
    let path = conversation(&api, json!({"model": "auto"})).await;
    let half = json!({"say": ["Half ", "an answer"], "cut_after": 1});
    let script =
        json!({"say": ["Once", " upon", " a"], "stall_after": 2, "models": {"small": half}});
    let turn = stream(&api, &path, script);
    let death = async {
        let run = newest(&api).await;
        // The start, a piece, the switch and two pieces.
        while !written(&api, &run).await.contains(" upon") {
            tokio::task::yield_now().await;
        }
        api.table.fail("UpdateItem", Fault::Denied, 1_000);
        api.app.clock.advance(Duration::from_secs(12));
        let ended = api.get(ADA, &run).await.body();
        assert_eq!(ended["status"], "incomplete");
        let answer = messages(&api, &path).await.remove(1);
        api.table.heal();
        answer
    };
    let (_, answer) = tokio::join!(turn, death);
    assert_eq!(answer["content"], "Once upon");
    assert_eq!(
        (&answer["provider"], &answer["model"]),
        (&json!("scripted-claude"), &json!("claude"))
    );
}

/// The stored events of a run.
async fn written(api: &TestApi, run: &str) -> String {
    let id = run.rsplit('/').next().and_then(|id| id.parse().ok());
    let now = api.app.clock.now();
    let store = store(api).await;
    let events = store.run_events(id.expect("an id"), 0, now).await;
    let events = events.expect("events");
    events.into_iter().map(|event| event.data).collect()
}
