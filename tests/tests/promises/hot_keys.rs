//! How many units the busiest partition keys are written. DynamoDB takes 1,000 write units a second for one; counters
//! of rate limits are in `limits.rs`.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use shared::limits::{Per, parse};
use test_support::{Asked, Body, Fault, TestApi};

use crate::limits::parameter;
use crate::logs::{captured, parsed};

/// What a partition key takes in a second.
const MOST: f64 = 1_000.0;
/// In how many partitions the outbox lies.
const OUTBOXES: f64 = 16.0;

/// How many requests API Gateway lets through in a second at most: all of what it lets through at once, and then what
/// it lets through for long.
fn requests_in_a_second() -> f64 {
    let whole = |name| parameter(name).as_f64().expect("a number");
    whole("ThrottleRate") + whole("ThrottleBurst")
}

/// The size of an attribute's value as DynamoDB counts it, or a little more.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Object(members) => {
            let sizes = members.iter().map(|(name, value)| name.len() + size(value));
            sizes.sum::<usize>() + 3
        }
        Value::Array(list) => list.iter().map(size).sum::<usize>() + 3,
        _ => 1,
    }
}

/// The units that transactions write under each partition key: two for each kilobyte of an item that is put.
fn written(asked: &[Asked]) -> BTreeMap<String, f64> {
    let mut written = BTreeMap::new();
    let parts = asked
        .iter()
        .filter_map(|asked| asked.request["TransactItems"].as_array());
    for item in parts.flatten().map(|part| &part["Put"]["Item"]) {
        if let Some(pk) = item["pk"]["S"].as_str() {
            let kilobytes = u32::try_from(size(item).div_ceil(1024)).expect("small");
            *written.entry(pk.to_owned()).or_default() += 2.0 * f64::from(kilobytes);
        }
    }
    written
}

#[tokio::test]
async fn a_record_is_four_units_of_its_tenant_s_trail_which_takes_all_that_a_tenant_may_send() {
    let api = TestApi::new(|app, _| tenants::router(app)).await;
    let tenant = api.people.get("ada").await.tenant;
    let path = format!("/api/v1/tenants/{tenant}");
    let rename = Body::Json(json!({"name": "x".repeat(100)}));
    // What a client says of itself stands in the record.
    let agent = "x".repeat(5_000);
    let headers = [("if-match", "*"), ("user-agent", agent.as_str())];
    api.table.watch();
    let reply = api
        .from_source("2001:db8:1111:2222:3333:4444:5555:6666")
        .send_with(Some("ada"), Method::PATCH, &path, rename, &headers)
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let written = written(&api.table.take_asked());
    let trail = format!("AUDIT#{tenant}");
    assert_eq!(written, BTreeMap::from([(trail, 4.0)]));

    // Each of a tenant's requests may be recorded, be it as a refusal.
    let text = parameter("Limits");
    let policies = parse(text.as_str().expect("a text")).expect("policies");
    let of_tenants = policies.iter().filter(|policy| policy.per == Per::Tenant);
    let rates = of_tenants.map(|policy| f64::from(policy.quota) / policy.window.as_secs_f64());
    let rates: Vec<f64> = rates.collect();
    assert_eq!(rates.len(), 4, "each class has a policy for tenants");
    let units = rates.iter().sum::<f64>() * 4.0;
    assert!(units <= MOST, "{units}");
}

#[tokio::test]
async fn mails_are_spread_so_that_no_partition_has_more_than_it_takes() {
    let api = TestApi::new(|app, _| auth::router(app)).await;
    api.table.watch();
    // Whoever registers is sent one letter, and one goes nowhere, so that nobody learns which.
    let person = json!({
        "email": format!("{}@{}.example.com", "x".repeat(60), "y".repeat(60)),
        "password": "a password that is long enough",
        "name": "x".repeat(100),
    });
    let reply = api.post(None, "/api/v1/auth/register", person).await;
    assert_eq!(reply.status, 202, "{}", reply.text);
    let written = written(&api.table.take_asked());
    let outboxes = written.iter().filter(|(pk, _)| pk.starts_with("OUTBOX#"));
    // And two in the index for each.
    let mut units: f64 = outboxes.map(|(_, units)| units).sum::<f64>() + 2.0 * 2.0;

    // Taking each moves it in the index; then it is deleted.
    #[expect(clippy::disallowed_methods, reason = "who sends mails asks so")]
    let outbox = api.app.store.outbox();
    let now = api.app.clock.now().plus(Duration::from_secs(1));
    let due = outbox.mails_due(now, 10).await.expect("mails");
    assert_eq!(due.len(), 2);
    api.table.take_calls();
    for id in due {
        let until = now.plus(Duration::from_secs(60));
        let taken = outbox.mail_take(id, now, until).await.expect("a write");
        assert!(taken.is_some(), "{id} is due");
        outbox.mail_delete(id).await.expect("a write");
    }
    units += api
        .table
        .take_calls()
        .iter()
        .map(|call| call.units)
        .sum::<f64>();
    assert!((14.0..=28.0).contains(&units), "{units}");
    let busiest = requests_in_a_second() * units / OUTBOXES;
    assert!(busiest <= MOST, "{busiest} units a second");
}

#[tokio::test]
async fn mails_lie_evenly_in_the_partitions_and_come_out_in_their_order() {
    let api = TestApi::new(|app, _| auth::router(app)).await;
    let (mut written, count) = (Vec::new(), 320);
    for _ in 0..count {
        api.app.clock.advance(Duration::from_millis(10));
        let mail = api.app.post.seal(&shared::mail::Letter::blank()).await;
        let mail = mail.expect("a mail");
        api.app.store.mail_put(&mail).await.expect("a row");
        written.push(mail.id);
    }
    let dump: Value = serde_json::from_str(&api.table.dump().await).expect("JSON");
    let mut partitions: BTreeMap<&str, usize> = BTreeMap::new();
    for item in dump["Items"].as_array().expect("items") {
        *partitions
            .entry(item["pk"]["S"].as_str().expect("a key"))
            .or_default() += 1;
    }
    assert_eq!(partitions.len(), 16, "{partitions:?}");
    // Twenty each; with even odds, more than fifty in one happen once in a million million times.
    assert!(
        partitions.values().all(|mails| *mails <= 50),
        "{partitions:?}"
    );

    #[expect(clippy::disallowed_methods, reason = "who sends mails asks so")]
    let outbox = api.app.store.outbox();
    let later = api.app.clock.now().plus(Duration::from_secs(1));
    let due = outbox.mails_due(later, 1_000).await.expect("mails");
    assert_eq!(due, written);
    let first = outbox.mails_due(later, 7).await.expect("mails");
    assert_eq!(first, written[..7]);
}

#[tokio::test]
async fn a_key_that_is_too_hot_is_named_in_the_log_and_the_client_is_told_to_wait() {
    let captured = captured();
    let api = TestApi::new(|app, _| conversations::router(app)).await;
    api.people.get("ada").await;
    api.table.fail("PutItem", Fault::Throttled, 10);
    let body = json!({});
    let reply = api.post(Some("ada"), "/api/v1/conversations", body).await;
    assert_eq!(reply.problem(), (503, "unavailable".to_owned()));
    assert_eq!(reply.header("retry-after"), "1");
    assert!(!reply.text.contains("KeyRange"), "{}", reply.text);
    let id = reply.header("x-request-id");
    let lines = parsed(&captured.text());
    let line = lines
        .iter()
        .find(|line| line["request_id"] == id && line["lambda_request_id"].is_string());
    let line = line.expect("the request's line");
    let cause = line["cause"].as_str().expect("a cause");
    assert!(
        cause.contains("TableWriteKeyRangeThroughputExceeded"),
        "{cause}"
    );
    assert_eq!(line["level"], "ERROR");
}
