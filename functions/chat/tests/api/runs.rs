//! `/api/v1/runs`: what becomes of questions, and how they are stopped.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::{Fault, Reply, TestApi};

use crate::helpers::{ADA, api, conversation, messages, say, stream};

const RUNS: &str = "/api/v1/runs";

/// The path of the run that a reply is of.
pub(crate) fn run_of(reply: &Reply) -> String {
    let path = reply.header("content-location");
    path.strip_prefix("http://chatter.test")
        .expect("an absolute address")
        .to_owned()
}

/// The run, as soon as it has that status.
pub(crate) async fn when(api: &TestApi, run: &str, status: &str) -> Value {
    let ended = async {
        loop {
            let body = api.get(ADA, run).await.body();
            if body["status"] == status {
                return body;
            }
            tokio::task::yield_now().await;
        }
    };
    let limit = tokio::time::timeout(Duration::from_secs(20), ended).await;
    limit.expect("the status comes")
}

/// The newest run, as soon as there is one.
pub(crate) async fn newest(api: &TestApi) -> String {
    loop {
        let runs = api.get(ADA, RUNS).await.body();
        if let Some(id) = runs["data"][0]["id"].as_str() {
            return format!("{RUNS}/{id}");
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_run_tells_what_became_of_a_question() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let reply = say(&api, &path, json!({"say": ["Hello"]})).await;
    let run = api.get(ADA, &run_of(&reply)).await;
    assert_eq!(run.status, 200);
    let (run, stored) = (run.body(), messages(&api, &path).await);
    assert_eq!(run["status"], "completed");
    assert_eq!(
        (&run["user_message_id"], &run["message_id"]),
        (&stored[0]["id"], &stored[1]["id"])
    );
    assert!(stored.iter().all(|message| message["run_id"] == run["id"]));
    assert_eq!(run["conversation_id"], stored[0]["conversation_id"]);
    assert_eq!(run["usage"], stored[1]["usage"]);
    assert_eq!(run["problem"], Value::Null);
    let attempts = run["attempts"].as_array().expect("attempts");
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0]["provider"], "scripted");
    assert_eq!(attempts[0]["first_token_ms"], stored[1]["first_token_ms"]);
    assert!(run["ended_at"].is_string());
}

#[tokio::test]
async fn a_run_costs_what_its_tokens_cost_at_the_price_in_force() {
    let api = api().await;
    let path = conversation(&api, json!({"model": "large"})).await;
    let reply = say(&api, &path, json!({"say": ["Hello", " there"]})).await;
    let run = api.get(ADA, &run_of(&reply)).await.body();
    let tokens = |kind: &str| run["usage"][kind].as_u64().expect("a count");
    // 0.4 micro-dollars a token of input, 1.6 a token of output.
    let tenths = tokens("input_tokens") * 4 + tokens("output_tokens") * 16;
    assert!(
        !tenths.is_multiple_of(10),
        "{tenths} would not show rounding"
    );
    let cost = Value::from(tenths.div_ceil(10));
    assert_eq!(run["cost_micro_dollars"], cost);
    assert_eq!(run["attempts"][0]["cost_micro_dollars"], cost);
    assert_eq!(run["attempts"][0]["price_version"], "2026");
    assert_eq!(run["attempts"][0]["usage"], run["usage"]);
}

#[tokio::test]
async fn what_has_no_price_or_did_nothing_has_no_cost() {
    let api = api().await;
    for (model, script) in [
        ("small", json!({"say": ["Hello"]})),
        ("large", json!({"status": 500})),
    ] {
        let path = conversation(&api, json!({"model": model})).await;
        stream(&api, &path, script).await;
        let run = api.get(ADA, &newest(&api).await).await.body();
        assert!(run["ended_at"].is_string());
        assert_eq!(run["cost_micro_dollars"], Value::Null, "{model}");
        let attempt = &run["attempts"][0];
        assert_eq!(attempt.get("cost_micro_dollars"), None, "{model}");
        assert_eq!(attempt.get("price_version"), None, "{model}");
    }
}

#[tokio::test]
async fn what_the_provider_does_not_count_is_charged_by_our_count() {
    let api = api().await;
    let path = conversation(&api, json!({"model": "large"})).await;
    let script = json!({"say": ["Hello", " there"], "usage": false});
    let run = run_of(&say(&api, &path, &script).await);
    let run = api.get(ADA, &run).await.body();
    assert_eq!(run["usage"], Value::Null);
    assert_estimated(&run, &script.to_string(), "Hello there");
}

#[tokio::test]
async fn a_run_without_an_answer_says_why() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let reply = stream(&api, &path, json!({"status": 500})).await;
    let run = api.get(ADA, &run_of(&reply)).await.body();
    assert_eq!(run["status"], "failed");
    assert_eq!(run["problem"], reply.events()[1].data);
    assert_eq!(run["attempts"][0]["problem"], "provider-unavailable");
}

#[tokio::test]
async fn runs_are_listed_newest_first_and_are_nobody_else_s() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let mut runs = Vec::new();
    for number in 0..3 {
        let reply = say(&api, &path, format!("number {number}")).await;
        runs.insert(0, run_of(&reply));
    }
    let ids = |list: &Value| -> Vec<String> {
        let runs = list["data"].as_array().expect("a list").iter();
        let ids = runs.map(|run| run["id"].as_str().unwrap_or_default());
        ids.map(|id| format!("{RUNS}/{id}")).collect()
    };
    let first = api.get(ADA, &format!("{RUNS}?limit=2")).await.body();
    assert_eq!(ids(&first), runs[..2]);
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let second = api
        .get(ADA, &format!("{RUNS}?limit=2&cursor={cursor}"))
        .await
        .body();
    assert_eq!(ids(&second), runs[2..]);
    assert_eq!(second["has_more"], false);

    let bob = Some("bob");
    assert_eq!(ids(&api.get(bob, RUNS).await.body()), [""; 0]);
    for path in ["", "/events"] {
        let reply = api.get(bob, &format!("{}{path}", runs[0])).await;
        assert_eq!(reply.problem(), (404, "not-found".to_owned()), "{path}");
    }
    let reply = api
        .post(bob, &format!("{}/cancel", runs[0]), json!({}))
        .await;
    assert_eq!(reply.problem(), (404, "not-found".to_owned()));
}

#[tokio::test]
async fn a_run_that_is_cancelled_keeps_what_was_written() {
    let api = api().await;
    let path = conversation(&api, json!({"model": "large"})).await;
    let script = json!({"say": ["Once", " upon", " a"], "stall_after": 2});
    let turn = stream(&api, &path, script);
    // It is cancelled in another process than the one that works on it.
    let other = api.elsewhere(|app| chat::router_with(app, engine::ProviderKeys::fixed([])));
    let stop = async {
        let run = newest(&api).await;
        // As soon as the first words are there.
        while messages_of(&other, &run).await < 2 {
            tokio::task::yield_now().await;
        }
        let reply = other.post(ADA, &format!("{run}/cancel"), json!({})).await;
        assert_eq!(reply.status, 202);
        assert_eq!(reply.body()["cancel_requested"], true);
        run
    };
    let (reply, run) = tokio::join!(turn, stop);
    let events = reply.events();
    let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["start", "delta", "delta", "done"]);
    assert_eq!(events[3].data["content"], "Once upon");
    assert_eq!(events[3].data["finish_reason"], "cancelled");
    assert_eq!(messages(&api, &path).await[1], events[3].data);
    let ended = api.get(ADA, &run).await.body();
    assert_eq!(ended["status"], "cancelled");
    let question = messages(&api, &path).await[0]["content"].clone();
    assert_estimated(&ended, question.as_str().expect("text"), "Once upon");
    // What has ended stays as it is.
    let again = api.post(ADA, &format!("{run}/cancel"), json!({})).await;
    assert_eq!(
        (again.status.as_u16(), &again.body()["cancel_requested"]),
        (200, &json!(true))
    );
    assert_eq!(say(&api, &path, "Go on").await.status, 201);
}

/// Whether the run's only attempt has our count of what it used, and costs that at the price of `large`.
fn assert_estimated(run: &Value, question: &str, answer: &str) {
    // A token for three letters, and eight for a message.
    let sent = question.len().div_ceil(3) + 8;
    let written = answer.len().div_ceil(3);
    let attempt = &run["attempts"][0];
    assert_eq!(attempt["usage_estimated"], true, "{attempt}");
    assert_eq!(
        attempt["usage"],
        json!({"input_tokens": sent, "output_tokens": written})
    );
    let cost = Value::from((sent * 4 + written * 16).div_ceil(10));
    assert_eq!(attempt["cost_micro_dollars"], cost);
    assert_eq!(run["cost_micro_dollars"], cost);
}

#[tokio::test]
async fn an_answer_that_broke_off_costs_what_was_written_of_it() {
    let api = api().await;
    let path = conversation(&api, json!({"model": "large"})).await;
    let script = json!({"say": ["Once", " upon", " a"], "cut_after": 2});
    let reply = stream(&api, &path, script).await;
    let run = api.get(ADA, &run_of(&reply)).await.body();
    assert_eq!(run["status"], "failed");
    let question = messages(&api, &path).await[0]["content"].clone();
    assert_estimated(&run, question.as_str().expect("text"), "Once upon");
}

/// How many events of a run are stored.
async fn messages_of(api: &TestApi, run: &str) -> usize {
    let id = run.rsplit('/').next().expect("an id");
    let dump: Value = serde_json::from_str(&api.table.dump().await).expect("JSON");
    let items = dump["Items"].as_array().expect("items").iter();
    let own = items.filter(|item| {
        let key = item["pk"]["S"].as_str().unwrap_or_default();
        key.ends_with(&format!("#RUN#{id}"))
    });
    own.filter_map(|item| item["events"]["L"].as_array())
        .map(Vec::len)
        .sum()
}

#[tokio::test]
async fn a_run_that_is_cancelled_before_a_word_was_written_ends_with_a_problem() {
    let api = api().await;
    let path = conversation(&api, json!({"model": "large"})).await;
    let turn = say(&api, &path, json!({"head_delay_ms": 3_600_000}));
    let stop = async {
        let run = newest(&api).await;
        api.post(ADA, &format!("{run}/cancel"), json!({})).await;
        run
    };
    let (reply, run) = tokio::join!(turn, stop);
    assert_eq!(reply.problem(), (409, "run-cancelled".to_owned()));
    let run = api.get(ADA, &run).await.body();
    assert_eq!(run["status"], "cancelled");
    assert_eq!(run["problem"], reply.body());
    let stored = messages(&api, &path).await;
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0]["failure"], "urn:chatter:problem:run-cancelled");
    // The provider had been asked, and charges what it was sent.
    let question = stored[0]["content"].as_str().expect("text");
    assert_estimated(&run, question, "");
}

#[tokio::test]
async fn what_a_dead_process_had_written_is_the_answer_and_the_next_turn_goes_on() {
    let api = api().await;
    let path = conversation(&api, json!({"model": "large"})).await;
    let script = json!({"say": ["Once", " upon", " a"], "stall_after": 2});
    let turn = stream(&api, &path, script);
    let death = async {
        let run = newest(&api).await;
        while messages_of(&api, &run).await < 2 {
            tokio::task::yield_now().await;
        }
        // From here on its process can't say that it is alive.
        api.table.fail("UpdateItem", Fault::Denied, 1_000);
        api.app.clock.advance(Duration::from_secs(9));
        assert_eq!(api.get(ADA, &run).await.body()["status"], "in_progress");
        assert_eq!(say(&api, &path, "Hi").await.status, 409);
        api.app.clock.advance(Duration::from_secs(3));
        let ended = api.get(ADA, &run).await.body();
        assert_eq!(ended["status"], "incomplete");
        let stored = messages(&api, &path).await;
        assert_eq!(stored[1]["content"], "Once upon");
        assert_eq!(stored[1]["finish_reason"], "interrupted");
        assert_eq!(stored[1]["id"], ended["message_id"]);
        let question = stored[0]["content"].as_str().expect("text");
        assert_estimated(&ended, question, "Once upon");
        assert_eq!(ended["attempts"][0]["problem"], "run-interrupted");
        api.table.heal();
        (run, stored[1].clone())
    };
    // It was only slow: it finds its run ended, and tells its client how.
    let (reply, (run, stored)) = tokio::join!(turn, death);
    let last = reply.events().pop().expect("an event");
    assert_eq!((last.name.as_str(), &last.data), ("done", &stored));
    assert_eq!(api.get(ADA, &run).await.body()["status"], "incomplete");
    assert_eq!(messages(&api, &path).await.len(), 2);
    assert_eq!(say(&api, &path, "Go on").await.status, 201);
}

#[tokio::test]
async fn a_turn_after_one_of_a_dead_process_that_wrote_nothing_finds_out_by_itself() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let turn = say(&api, &path, json!({"head_delay_ms": 3_600_000}));
    let next = async {
        let run = newest(&api).await;
        api.table.fail("UpdateItem", Fault::Denied, 1_000);
        api.app.clock.advance(Duration::from_secs(11));
        let next = say(&api, &path, "Hi").await;
        assert_eq!(next.status, 201, "{}", next.text);
        api.table.heal();
        run
    };
    let (reply, run) = tokio::join!(turn, next);
    assert_eq!(reply.status, 503, "{}", reply.text);
    let ended = when(&api, &run, "incomplete").await;
    assert_eq!(ended["problem"], reply.body());
    let stored = messages(&api, &path).await;
    assert_eq!(stored[0]["failure"], "urn:chatter:problem:run-interrupted");
    assert_eq!(stored.len(), 3);
}

#[tokio::test]
async fn of_a_conversation_that_is_deleted_its_runs_and_events_go_too() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let run = run_of(&say(&api, &path, json!({"say": ["CANARY"]})).await);
    assert!(api.table.dump().await.contains("EVENTS#"));
    let reply = api
        .beside(conversations::router)
        .delete(ADA, path.trim_end_matches("/messages"))
        .await;
    assert_eq!(reply.status, 204);
    let dump = api.table.dump().await;
    for rest in ["CANARY", "EVENTS#", "RUN#", "MSG#"] {
        assert!(!dump.contains(rest), "{rest}");
    }
    assert_eq!(api.get(ADA, &run).await.status, 404);
}
