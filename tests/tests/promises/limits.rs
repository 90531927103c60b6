//! How many requests may pass, whoever sends them from wherever to however many processes.

use std::time::Duration;

use axum::http::Method;
use futures_util::future::join_all;
use promises::{FUNCTIONS, real_path};
use serde_json::{Value, json};
use shared::http::openapi::operations;
use shared::limits::{Class, Limiter, Per, Policy, parse};
use test_support::{Body, COUNTING, Fault, Reply, TestApi, template};

const ADA: Option<&str> = Some("ada");
const MODELS: &str = "/api/v1/models";
const LOGIN: &str = "/api/v1/auth/login";

/// Policies that nobody meets, but for one class.
pub(crate) fn limits(class: &str, quota: u32) -> Value {
    let policies = [
        ("open", "source"),
        ("auth", "source"),
        ("mail", "source"),
        ("read", "caller"),
        ("write", "caller"),
        ("turn", "tenant"),
        ("sensitive", "caller"),
    ];
    let policies = policies.map(|(name, per)| {
        let quota = if name == class { quota } else { 1_000_000 };
        json!({"name": name, "class": name, "per": per, "quota": quota, "window": 60})
    });
    policies.to_vec().into()
}

async fn models(quota: u32) -> TestApi {
    TestApi::with_limits(&limits("read", quota), |app, _| models::router(app)).await
}

async fn auth(quota: u32) -> TestApi {
    TestApi::with_limits(&limits("auth", quota), |app, _| auth::router(app)).await
}

async fn log_in(api: &TestApi, forwarded: &str) -> Reply {
    let body = Body::Json(json!({"email": "ada@example.com", "password": "wrong wrong wrong"}));
    let headers = [("x-forwarded-for", forwarded)];
    api.send_with(None, Method::POST, LOGIN, body, &headers)
        .await
}

fn retry_after(reply: &Reply) -> u64 {
    reply.header("retry-after").parse().expect("seconds")
}

#[tokio::test]
async fn one_too_many_is_refused_until_the_time_that_it_is_told() {
    let api = models(3).await;
    api.app.clock.advance(Duration::from_millis(10_500));
    for remaining in [2, 1, 0] {
        let reply = api.get(ADA, MODELS).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("ratelimit-policy"), r#""read";q=3;w=60"#);
        let left = format!(r#""read";r={remaining};t=50"#);
        assert_eq!(reply.header("ratelimit"), left);
    }
    let reply = api.get(ADA, MODELS).await;
    assert_eq!(reply.problem(), (429, "quota-exceeded".to_owned()));
    assert_eq!(reply.body()["violated-policies"], json!(["read"]));
    assert_eq!(reply.header("ratelimit"), r#""read";r=0;t=50"#);
    assert_eq!(retry_after(&reply), 50);
    assert_eq!(api.get(Some("bob"), MODELS).await.status, 200);

    api.app.clock.advance(Duration::from_secs(49));
    let early = api.get(ADA, MODELS).await;
    assert_eq!((early.status.as_u16(), retry_after(&early)), (429, 1));
    api.app.clock.advance(Duration::from_secs(1));
    assert_eq!(api.get(ADA, MODELS).await.status, 200);
    // The row of the window that is over is still there: it does not count.
    let dump = api.table.dump().await;
    for start in ["read#1767225600", "read#1767225660"] {
        assert!(dump.contains(start), "{start}: {dump}");
    }
}

#[tokio::test]
async fn what_is_known_to_be_refused_costs_no_write() {
    let api = models(1).await;
    for expected in [200, 429, 429, 429] {
        assert_eq!(api.get(ADA, MODELS).await.status, expected);
    }
    assert_eq!(api.table.take_counted().len(), 1);
}

fn policy(class: &str, quota: u32) -> Vec<Policy> {
    parse(&limits(class, quota).to_string()).expect("policies")
}

async fn passes(limiter: &Limiter, api: &TestApi, class: Class) -> bool {
    let all = [Per::Caller, Per::Tenant, Per::Source, Per::Everyone];
    let subjects = all.map(|per| (per, "one".to_owned()));
    let now = api.app.clock.now();
    limiter.admit(class, &subjects, now).await.is_ok()
}

#[tokio::test]
async fn of_200_at_once_in_10_processes_exactly_100_pass() {
    let api = models(1).await;
    let limiters: Vec<Limiter> = (0..10)
        .map(|_| api.limiter_with(policy("sensitive", 100)))
        .collect();
    let requests = limiters.iter().cycle().take(200);
    let passed = join_all(requests.map(|limiter| passes(limiter, &api, Class::Sensitive))).await;
    assert_eq!(passed.into_iter().filter(|passed| *passed).count(), 100);
}

#[tokio::test]
async fn blocks_let_no_more_pass_and_lose_less_than_one_for_each_process() {
    let api = models(1).await;
    let policies = policy("write", 1_000);
    let write = policies.iter().find(|policy| policy.class == Class::Write);
    assert_eq!(write.map(Policy::block), Some(10));
    let limiters = (0..10).map(|_| api.limiter_with(policies.clone()));
    let passed = limiters.map(async |limiter| {
        let mut passed = 0;
        for _ in 0..150 {
            passed += usize::from(passes(&limiter, &api, Class::Write).await);
        }
        passed
    });
    let passed: usize = join_all(passed).await.into_iter().sum();
    assert!((1_000 - 10 * 9..=1_000).contains(&passed), "{passed}");
    let writes = api.table.take_counted().len();
    // A hundred blocks, and one refusal for each process.
    assert!(writes <= 100 + 10, "{writes}");
}

#[tokio::test]
async fn without_counters_nobody_logs_in_and_everybody_reads() {
    let api = auth(10).await;
    api.table.fail(COUNTING, Fault::Denied, 1);
    let reply = log_in(&api, "").await;
    assert_eq!(reply.problem(), (503, "unavailable".to_owned()));
    assert_eq!(retry_after(&reply), 1);
    assert_eq!(api.table.take_calls(), [], "nothing was tried");
    assert_eq!(log_in(&api, "").await.status, 401);

    let api = models(10).await;
    api.table.fail(COUNTING, Fault::Denied, 1);
    let reply = api.get(ADA, MODELS).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("ratelimit"), "", "nothing is made up");
}

#[tokio::test]
async fn only_the_address_that_the_gateway_saw_counts() {
    let api = auth(2).await;
    let client = api.from_source("203.0.113.7");
    for (forwarded, expected) in [
        ("198.51.100.1, 203.0.113.7", 401),
        ("198.51.100.2", 401),
        ("198.51.100.3, 203.0.113.7", 429),
        ("2001:db8::1", 429),
    ] {
        assert_eq!(
            log_in(&client, forwarded).await.status,
            expected,
            "{forwarded}"
        );
    }
    let victim = api.from_source("198.51.100.1");
    assert_eq!(log_in(&victim, "203.0.113.7").await.status, 401);
}

#[tokio::test]
async fn all_addresses_of_a_64_are_one_client() {
    let api = auth(2).await;
    for (address, expected) in [
        ("2001:db8:1:2::1", 401),
        ("2001:db8:1:2:ffff::2", 401),
        ("2001:db8:1:2:3:4:5:6", 429),
        ("2001:db8:1:3::1", 401),
    ] {
        let client = api.from_source(address);
        assert_eq!(log_in(&client, "").await.status, expected, "{address}");
    }
    // The audit trail has addresses, the counters have none.
    let dump: Value = serde_json::from_str(&api.table.dump().await).expect("JSON");
    let items = dump["Items"].as_array().expect("items").iter();
    let counters = items.filter(|item| item["pk"]["S"].to_string().contains("LIMIT#source#"));
    let counters: Vec<String> = counters.map(Value::to_string).collect();
    assert_eq!(counters.len(), 2);
    assert!(!counters.concat().contains("2001"), "{counters:?}");
}

#[tokio::test]
async fn who_sends_token_after_token_that_does_not_hold_is_not_looked_at() {
    let api = models(1_000).await;
    let bad = api.from_source("203.0.113.7");
    let send = async |api: &TestApi| {
        let headers = [("authorization", "Bearer not-a-token")];
        api.send_with(None, Method::GET, MODELS, Body::Empty, &headers)
            .await
    };
    for _ in 0..60 {
        assert_eq!(send(&bad).await.status, 401);
    }
    let reply = send(&bad).await;
    assert_eq!(reply.problem(), (429, "quota-exceeded".to_owned()));
    assert_eq!(reply.body()["violated-policies"], json!(["failed-auth"]));
    let other = api.from_source("203.0.113.8");
    assert_eq!(send(&other).await.status, 401);
    assert_eq!(other.get(ADA, MODELS).await.status, 200);
    api.app
        .clock
        .advance(Duration::from_secs(retry_after(&reply)));
    assert_eq!(send(&bad).await.status, 401);
}

#[tokio::test]
async fn every_route_counts_every_request() {
    let mut somebody = 0;
    for function in FUNCTIONS {
        let api = TestApi::new(function.router).await;
        for (path, mut item) in (function.openapi)().paths.paths {
            let public = operations(&mut item).any(|operation| operation.security.is_none());
            let real = real_path(&path);
            for (method, present) in [
                (Method::GET, item.get.is_some()),
                (Method::POST, item.post.is_some()),
                (Method::PUT, item.put.is_some()),
                (Method::PATCH, item.patch.is_some()),
                (Method::DELETE, item.delete.is_some()),
            ] {
                if present {
                    // Somebody new each time: some operations end what the caller calls with.
                    somebody += 1;
                    let name = format!("person-{somebody}");
                    let person = (!public).then_some(name.as_str());
                    let reply = api.send(person, method.clone(), &real, Body::Empty).await;
                    assert_ne!(reply.header("ratelimit"), "", "{method} {path}");
                }
            }
        }
    }
}

#[tokio::test]
async fn strangers_have_so_many_mails_sent_and_no_more_from_however_many_addresses() {
    let mut limits = limits("mail", 1_000_000);
    let shared =
        json!({"name": "mails", "class": "mail", "per": "everyone", "quota": 3, "window": 300});
    limits.as_array_mut().expect("a list").push(shared);
    let api = TestApi::with_limits(&limits, |app, _| auth::router(app)).await;
    let mailing = [
        "/api/v1/auth/register",
        "/api/v1/auth/password-reset/request",
        "/api/v1/auth/email-verification/request",
    ];
    let mut statuses = Vec::new();
    for (number, path) in mailing.iter().cycle().take(5).enumerate() {
        let from = api.from_source(&format!("203.0.113.{number}"));
        let email = format!("person-{number}@example.com");
        let mut body = json!({"email": email});
        if path.ends_with("register") {
            body["password"] = json!("a password that is long enough");
        }
        let reply = from.post(None, path, body).await;
        statuses.push(reply.status.as_u16());
        if reply.status == 429 {
            assert_eq!(reply.body()["violated-policies"], json!(["mails"]));
        }
    }
    assert_eq!(statuses, [202, 202, 202, 429, 429]);
    // Whoever has an account is not kept out by it.
    let person =
        json!({"email": "person-0@example.com", "password": "a password that is long enough"});
    assert_eq!(api.post(None, LOGIN, person).await.status, 200);
}

#[tokio::test]
async fn pages_for_everybody_are_limited_without_the_table() {
    let limits = limits("open", 2);
    let api = TestApi::with_limits(&limits, health::router_with).await;
    for (path, expected) in [
        ("/healthz", 200),
        ("/openapi.json", 200),
        ("/docs/", 429),
        ("/healthz", 429),
    ] {
        assert_eq!(api.get(None, path).await.status, expected, "{path}");
    }
    assert!(api.table.take_counted().is_empty());
}

/// The default of a parameter of `template.yaml`.
pub(crate) fn parameter(name: &str) -> serde_yaml_ng::Value {
    template()["Parameters"][name]["Default"].clone()
}

#[tokio::test]
async fn the_busiest_key_has_fewer_writes_than_a_partition_takes() {
    // DynamoDB takes 1,000 write units a second for one partition key.
    let whole = |name| parameter(name).as_u64().expect("a number");
    let most = whole("ThrottleRate") + whole("ThrottleBurst");
    assert!(most <= 1_000, "{most}");

    let text = parameter("Limits");
    let policies = parse(text.as_str().expect("a text")).expect("policies");
    let api = models(1).await;
    let limiters: Vec<Limiter> = (0..10)
        .map(|_| api.limiter_with(policies.clone()))
        .collect();
    // All that API Gateway lets through in a second is one tenant's, spread over ten processes.
    for class in [
        Class::Auth,
        Class::Mail,
        Class::Read,
        Class::Write,
        Class::Turn,
        Class::Sensitive,
    ] {
        let share = limiters.iter().map(async |limiter| {
            for _ in 0..most / 10 {
                passes(limiter, &api, class).await;
            }
        });
        join_all(share).await;
        let keys = api.table.take_counted();
        for kind in ["caller", "tenant", "source", "everyone"] {
            let prefix = format!("LIMIT#{kind}#");
            let writes = keys.iter().filter(|key| key.starts_with(&prefix)).count();
            let own = policies.iter().find(|policy| {
                policy.class == class && format!("{:?}", policy.per).eq_ignore_ascii_case(kind)
            });
            let Some(own) = own else {
                assert_eq!(writes, 0, "{class:?} {kind}");
                continue;
            };
            // One for each block that passed, and one for each process that learned that nothing is left.
            let passed = most.min(u64::from(own.quota));
            let expected = passed / u64::from(own.block()) + 2 * 10;
            assert!(
                writes > 0 && writes as u64 <= expected,
                "{class:?} {kind}: {writes} > {expected}"
            );
        }
    }
}

#[tokio::test]
async fn a_key_that_is_too_hot_is_named_in_the_cause() {
    let api = models(1).await;
    api.table.fail("GetItem", Fault::Throttled, 10);
    let error = api.app.store.check().await.expect_err("it is throttled");
    let cause = std::error::Error::source(&error).expect("a cause");
    assert_eq!(
        cause.to_string(),
        "throttled: TableWriteKeyRangeThroughputExceeded"
    );
}
