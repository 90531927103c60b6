//! What the tests of this group say often.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::TestApi;

pub(crate) const PATH: &str = "/api/v1/audit";
pub(crate) const VERIFY: &str = "/api/v1/audit/verify";

/// Ada, who owns her tenant.
pub(crate) const ADA: Option<&str> = Some("ada");

/// The first day.
pub(crate) const DAY: &str = "2026-01-01";

/// The function on a new table.
pub(crate) async fn api() -> TestApi {
    TestApi::new(|app, _| audit::router(app)).await
}

/// Lets a day go by.
pub(crate) fn next_day(api: &TestApi) {
    api.app.clock.advance(Duration::from_secs(24 * 3600));
}

/// Makes some records in Ada's trail, each with a target of its own.
pub(crate) async fn happen(api: &TestApi, count: usize) {
    for _ in 0..count {
        api.people.log_in_again("ada").await;
    }
}

/// The body of a reply that must be 200.
pub(crate) async fn get(api: &TestApi, path: &str) -> Value {
    let reply = api.get(ADA, path).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.text);
    reply.body()
}

/// What verifying those days says, without the words.
pub(crate) async fn verdict(api: &TestApi, query: &str) -> Value {
    let body = get(api, &format!("{VERIFY}{query}")).await;
    let broken = &body["first_broken"];
    if broken.is_null() {
        return body["verified"].clone();
    }
    assert_eq!(body["verified"], false);
    assert!(
        broken["detail"]
            .as_str()
            .is_some_and(|text| text.len() > 10)
    );
    json!([broken["reason"], broken["day"], broken["sequence"]])
}

/// A row of Ada's trail, as the table has it.
pub(crate) async fn row(api: &TestApi, day: &str, sequence: u64) -> Value {
    let key = key(api, &format!("{day}#{sequence:010}")).await;
    let request = json!({"TableName": "chatter", "Key": key, "ConsistentRead": true});
    let answer = api.table.raw("GetItem", request).await;
    assert!(answer["Item"].is_object(), "{day} {sequence}: {answer}");
    answer["Item"].clone()
}

/// The key of a row of Ada's trail.
pub(crate) async fn key(api: &TestApi, sk: &str) -> Value {
    let tenant = api.people.get("ada").await.tenant;
    json!({"pk": {"S": format!("AUDIT#{tenant}")}, "sk": {"S": sk}})
}

/// Puts a row past the API.
pub(crate) async fn put(api: &TestApi, item: &Value) {
    let request = json!({"TableName": "chatter", "Item": item});
    let answer = api.table.raw("PutItem", request).await;
    assert!(answer.get("__type").is_none(), "{answer}");
}

/// Deletes a row past the API.
pub(crate) async fn delete(api: &TestApi, sk: &str) {
    let request = json!({"TableName": "chatter", "Key": key(api, sk).await});
    let answer = api.table.raw("DeleteItem", request).await;
    assert!(answer.get("__type").is_none(), "{answer}");
}
