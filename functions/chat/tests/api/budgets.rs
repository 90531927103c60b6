//! Budgets: what a turn may cost is reserved before a provider is asked, and settled after it.

use std::time::Duration;

use axum::http::Method;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde_json::{Value, json};
use shared::model::{MembershipRole, Scope};
use test_support::{Body, Reply, TestApi};

use crate::helpers::{ADA, api, conversation, messages, say};
use crate::runs::newest;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The path of a budget in Ada's tenant.
pub(crate) async fn budget(api: &TestApi, scope: &str) -> String {
    let tenant = api.people.get("ada").await.tenant;
    format!("/api/v1/tenants/{tenant}/budgets/{scope}")
}

/// Ada makes a budget.
pub(crate) async fn allow(api: &TestApi, scope: &str, limits: Value) {
    let path = budget(api, scope).await;
    let tenants = api.beside(tenants::router);
    let made = tenants.send(ADA, Method::PUT, &path, Body::Json(limits));
    let made = made.await;
    assert_eq!(made.status, 201, "{}", made.text);
}

/// The budget as Ada sees it.
pub(crate) async fn seen(api: &TestApi, scope: &str) -> Value {
    let path = budget(api, scope).await;
    let reply = api.beside(tenants::router).get(ADA, &path).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.body()
}

/// What is spent and reserved of something in a window.
pub(crate) fn amounts(budget: &Value, window: &str, resource: &str) -> (u64, u64) {
    let amount = |name: &str| budget[window][resource][name].as_u64().expect("an amount");
    (amount("spent"), amount("reserved"))
}

/// What a turn with that message reserves of `small`: a token for three letters, eight for a message, 512 of output.
pub(crate) fn reserved(content: &str) -> u64 {
    content.len().div_ceil(3) as u64 + 8 + 512
}

pub(crate) fn refused(reply: &Reply) -> Value {
    let problem = (429, "budget-exceeded".to_owned());
    assert_eq!(reply.problem(), problem, "{}", reply.text);
    reply.body()["budget"].clone()
}

#[tokio::test]
async fn a_turn_for_which_there_is_no_room_asks_no_provider_and_stores_nothing() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    allow(
        &api,
        "tenant",
        json!({"day": {"tokens": reserved("Hello") + 5}}),
    )
    .await;
    assert_eq!(say(&api, &path, "Hello").await.status, 201);
    api.provider.take_requests();
    let spent = amounts(&seen(&api, "tenant").await, "day", "tokens");
    let path = conversation(&api, json!({})).await;
    let reply = say(&api, &path, "Hello").await;
    let budget = refused(&reply);
    assert_eq!(budget["scope"], "tenant");
    assert_eq!(
        (&budget["window"], &budget["resource"]),
        (&json!("day"), &json!("tokens"))
    );
    assert_eq!(budget["limit"], reserved("Hello") + 5);
    assert_eq!(
        (budget["spent"].as_u64(), budget["reserved"].as_u64()),
        (Some(spent.0), Some(0))
    );
    assert!(budget["needed"] == reserved("Hello"), "{budget}");
    assert_eq!(budget["window_ends_at"], "2026-01-02T00:00:00.000000Z");
    assert_eq!(reply.header("retry-after"), "86400");
    assert_eq!(api.provider.take_requests().len(), 0);
    assert_eq!(messages(&api, &path).await.len(), 0);
    assert_eq!(amounts(&seen(&api, "tenant").await, "day", "tokens"), spent);
    // The next day begins with nothing spent.
    api.app.clock.advance(DAY);
    let path = conversation(&api, json!({})).await;
    assert_eq!(say(&api, &path, "Hello").await.status, 201);
}

#[tokio::test]
async fn what_never_has_room_does_not_say_when_to_come_back() {
    let api = api().await;
    let path = conversation(&api, json!({"model": "large"})).await;
    allow(&api, "tenant", json!({"month": {"micro_dollars": 1000}})).await;
    let reply = say(&api, &path, "Hello").await;
    let budget = refused(&reply);
    // 10 tokens at 0.4 micro-dollars, and 1,000 at 1.6.
    assert_eq!(budget["needed"], 1604);
    assert_eq!(
        (&budget["window"], &budget["resource"]),
        (&json!("month"), &json!("micro_dollars"))
    );
    assert_eq!(reply.header("retry-after"), "");
    assert_eq!(api.provider.take_requests().len(), 0);
}

#[tokio::test]
async fn what_a_turn_cost_is_spent_and_nothing_stays_reserved() {
    let api = api().await;
    let path = conversation(&api, json!({"model": "large"})).await;
    allow(
        &api,
        "tenant",
        json!({"month": {"micro_dollars": 1_000_000}}),
    )
    .await;
    let (mut money, mut tokens) = (0, 0);
    for script in [
        json!({"say": ["Hello"], "counts": {"input": 40, "output": 300}}),
        json!({"say": ["Once", " upon"], "cut_after": 1}),
        json!({"say": ["Hello"], "usage": false}),
        json!({"status": 500}),
    ] {
        say(&api, &path, script).await;
        let run = api.get(ADA, &newest(&api).await).await.body();
        money += run["cost_micro_dollars"].as_u64().unwrap_or_default();
        let usage = &run["attempts"][0]["usage"];
        let used =
            ["input_tokens", "output_tokens"].map(|name| usage[name].as_u64().unwrap_or_default());
        tokens += used.iter().sum::<u64>();
        let budget = seen(&api, "tenant").await;
        for window in ["day", "month"] {
            assert_eq!(
                amounts(&budget, window, "micro_dollars"),
                (money, 0),
                "{run}"
            );
            assert_eq!(amounts(&budget, window, "tokens"), (tokens, 0), "{run}");
        }
    }
    assert!(money > 500, "{money}");
    assert!(!api.table.dump().await.contains("#RESERVED"));
}

#[tokio::test]
async fn of_twenty_turns_at_once_three_begin_against_a_budget_for_three() {
    let api = api().await;
    let script = json!({"head_delay_ms": 3_600_000}).to_string();
    let enough = 4 * reserved(&script) - 1;
    allow(&api, "tenant", json!({"day": {"tokens": enough}})).await;
    let mut paths = Vec::new();
    for _ in 0..20 {
        paths.push(conversation(&api, json!({})).await);
    }
    let mut turns: FuturesUnordered<_> =
        paths.iter().map(|path| say(&api, path, &script)).collect();
    for _ in 0..17 {
        let reply = turns.next().await.expect("a reply");
        let budget = refused(&reply);
        // Turns under way are no reason to wait until tomorrow.
        assert_eq!(reply.header("retry-after"), "10");
        assert_eq!(budget["spent"], 0);
    }
    let three = 3 * reserved(&script);
    assert_eq!(
        amounts(&seen(&api, "tenant").await, "day", "tokens"),
        (0, three)
    );
    let runs = api.get(ADA, "/api/v1/runs").await.body();
    let runs = runs["data"].as_array().expect("a list").iter();
    let ids: Vec<String> = runs
        .map(|run| run["id"].as_str().expect("an id").to_owned())
        .collect();
    assert_eq!(ids.len(), 3);
    let cancelled = async {
        for id in ids {
            let path = format!("/api/v1/runs/{id}/cancel");
            assert_eq!(api.post(ADA, &path, json!({})).await.status, 202);
        }
    };
    let ended = async {
        while let Some(reply) = turns.next().await {
            assert_eq!(reply.problem(), (409, "run-cancelled".to_owned()));
        }
    };
    tokio::join!(cancelled, ended);
    assert!(api.provider.take_requests().len() <= 3);
    // What was sent, three times.
    let sent = 3 * (reserved(&script) - 512);
    assert_eq!(
        amounts(&seen(&api, "tenant").await, "day", "tokens"),
        (sent, 0)
    );
}

#[tokio::test]
async fn a_caller_is_bound_by_the_key_the_person_and_the_tenant() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let user = api.people.get("ada").await.user;
    let keys = [
        api.people.api_key("ada", &[Scope::Chat]).await,
        api.people.api_key("ada", &[Scope::Chat]).await,
    ];
    let dump: Value = serde_json::from_str(&api.table.dump().await).expect("JSON");
    let items = dump["Items"].as_array().expect("items").iter();
    let mut ids: Vec<&str> = items
        .filter_map(|item| item["sk"]["S"].as_str()?.strip_prefix("APIKEY#"))
        .collect();
    // Their ids sort by when they were made.
    ids.sort_unstable();
    let key_scope = format!("api-key:{}", ids[0]);
    let say_as = async |key: &str| {
        let body = Body::Json(json!({"content": "Hello"}));
        api.send_as(key, Method::POST, &path, body).await
    };
    allow(&api, &key_scope, json!({"day": {"tokens": 1}})).await;
    assert_eq!(refused(&say_as(&keys[0]).await)["scope"], key_scope);
    assert_eq!(say_as(&keys[1]).await.status, 201);
    assert_eq!(say(&api, &path, "Hello").await.status, 201);

    let user_scope = format!("user:{user}");
    allow(&api, &user_scope, json!({"day": {"tokens": 1}})).await;
    // What this process remembers is true for half a minute.
    api.app.clock.advance(Duration::from_secs(31));
    assert_eq!(refused(&say_as(&keys[1]).await)["scope"], user_scope);
    assert_eq!(
        refused(&say(&api, &path, "Hello").await)["scope"],
        user_scope
    );
    let store = api.people.get("ada").await;
    api.people.join("bob", "ada", MembershipRole::Member).await;
    let bobs = json!({});
    let conversations = api.beside(conversations::router);
    let bobs = conversations
        .post(Some("bob"), "/api/v1/conversations", bobs)
        .await;
    let bobs = format!("{}/messages", bobs.location());
    let hello = || json!({"content": "Hello"});
    assert_eq!(api.post(Some("bob"), &bobs, hello()).await.status, 201);
    assert_eq!(store.user, user);

    allow(&api, "tenant", json!({"day": {"tokens": 1}})).await;
    api.app.clock.advance(Duration::from_secs(31));
    let reply = api.post(Some("bob"), &bobs, hello()).await;
    assert_eq!(refused(&reply)["scope"], "tenant");
}

#[tokio::test]
async fn a_model_without_a_price_is_not_asked_where_money_is_limited() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    allow(&api, "tenant", json!({"day": {"micro_dollars": 1_000_000}})).await;
    let reply = say(&api, &path, "Hello").await;
    assert_eq!(reply.problem(), (422, "invalid-request".to_owned()));
    assert_eq!(reply.errors()[0].0, "/model");
    assert_eq!(api.provider.take_requests().len(), 0);
    assert_eq!(messages(&api, &path).await.len(), 0);
}

#[tokio::test]
async fn that_most_of_a_limit_is_spent_is_noted_once_in_a_window() {
    let api = api().await;
    let limits = json!({"day": {"tokens": 600}, "month": {"tokens": 6_000}, "soft_percent": 2});
    allow(&api, "tenant", limits).await;
    let noted = async || {
        let reply = api.beside(audit::router);
        let path = "/api/v1/audit?action=budget_threshold_reached";
        let reply = reply.get(ADA, path).await;
        let records = reply.body()["data"].as_array().cloned().expect("records");
        let targets = records.iter().map(|record| record["target"].to_string());
        targets.collect::<Vec<_>>()
    };
    let day = |day: &str| format!("\"tenant {day} tokens\"");
    for (turn, expected) in [
        // 12 tokens each: 2 % of the day.
        (0, vec![day("2026-01-01")]),
        (1, vec![day("2026-01-01")]),
        (2, vec![day("2026-01-02"), day("2026-01-01")]),
        (3, vec![day("2026-01-02"), day("2026-01-01")]),
    ] {
        if turn == 2 {
            assert!(seen(&api, "tenant").await["day"]["tokens"]["soft_reached_at"].is_string());
            api.app.clock.advance(DAY);
        }
        let path = conversation(&api, json!({})).await;
        let reply = say(&api, &path, json!({"say": ["Hi"]})).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        assert_eq!(noted().await, expected, "{turn}");
    }
    let path = conversation(&api, json!({})).await;
    let script = json!({"say": ["Hi"], "counts": {"input": 100}});
    assert_eq!(say(&api, &path, script).await.status, 201);
    assert!(
        noted()
            .await
            .contains(&"\"tenant 2026-01 tokens\"".to_owned())
    );
}

#[tokio::test]
async fn a_budget_costs_a_turn_no_round_trip_before_the_provider() {
    let api = api().await;
    allow(&api, "tenant", json!({"day": {"tokens": 100_000}})).await;
    let warm = conversation(&api, json!({})).await;
    say(&api, &warm, "Hi").await;
    // With a title it needs no job that gives it one.
    let path = conversation(&api, json!({"title": "Mine"})).await;
    api.table.take_calls();
    assert_eq!(say(&api, &path, "Hi").await.status, 201);
    let mut calls = api.table.take_calls();
    calls.sort_by(|a, b| a.operation.cmp(&b.operation));
    let operations: Vec<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
    // One read more at the end, of how much is spent.
    let expected = [
        "BatchGetItem",
        "GetItem",
        "PutItem",
        "Query",
        "TransactWriteItems",
        "TransactWriteItems",
    ];
    assert_eq!(operations, expected);
    let writes: f64 = calls
        .iter()
        .filter(|call| call.operation.starts_with("Trans"))
        .map(|call| call.units)
        .sum();
    // Two counters and the reservation, twice, at two units each.
    assert!((20.0..=26.0).contains(&writes), "{writes}");
}
