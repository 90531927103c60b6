//! What a turn costs in DynamoDB.

use serde_json::json;
use test_support::{Call, TestApi};

use crate::helpers::{api, conversation, fill, say};

/// The calls of one turn in a conversation of that many messages.
async fn calls_of_a_turn(api: &TestApi, length: u64) -> Vec<Call> {
    let truncate = json!({"settings": {"context_overflow": "truncate"}});
    let path = conversation(api, truncate).await;
    // Messages of an ordinary length: 50 of them are more than the window holds.
    fill(api, &path, length, |sequence| format!("{sequence:0300}")).await;
    // Who calls, and which keys the tenant brought, is read once in half a minute.
    let warm = conversation(api, json!({})).await;
    say(api, &warm, "Hi").await;
    api.table.take_calls();
    let reply = say(api, &path, json!({"say": ["Hello", " there"]})).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let mut calls = api.table.take_calls();
    calls.sort_by(|a, b| a.operation.cmp(&b.operation));
    calls
}

fn units(calls: &[Call], operations: &[&str]) -> f64 {
    let wanted = calls
        .iter()
        .filter(|call| operations.contains(&call.operation.as_str()));
    wanted.map(|call| call.units).sum()
}

#[tokio::test]
async fn a_turn_costs_the_same_however_old_the_conversation_is_and_keeps_its_budget() {
    let api = api().await;
    let young = calls_of_a_turn(&api, 20).await;
    let old = calls_of_a_turn(&api, 1_000).await;
    assert_eq!(old, young);
    let operations: Vec<&str> = old.iter().map(|call| call.operation.as_str()).collect();
    assert_eq!(
        operations,
        [
            "GetItem",
            "PutItem",
            "Query",
            "TransactWriteItems",
            "TransactWriteItems"
        ]
    );
    let reads = units(&old, &["GetItem", "Query"]);
    let writes = units(&old, &["PutItem", "TransactWriteItems"]);
    assert!(reads > 0.0 && reads <= 4.0, "{reads} read units: {old:?}");
    assert!(
        writes > 0.0 && writes <= 14.0,
        "{writes} write units: {old:?}"
    );
}
