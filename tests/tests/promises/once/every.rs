//! Every operation that is done once, sent twice and broken off.

use std::time::Duration;

use engine::ProviderKeys;
use serde_json::Value;
use shared::store::CLAIM_LASTS;
use test_support::{Fault, TestApi};

use super::ready::{Ready, done_once};
use super::{claims, in_progress, is_replayed, reply_lost};
use crate::world::{Operation, World};

/// What ends the token that it comes with: who sends it again later is told that (401).
const ENDS_ITS_TOKEN: [&str; 2] = ["POST /api/v1/auth/logout", "POST /api/v1/auth/logout-all"];

/// Another process, which has just looked at the token: it remembers for half a minute what it was good for.
async fn further_process(world: &World, operation: &Operation, token: &str) -> TestApi {
    let function = world.function(operation);
    let build = |app| (function.router)(app, ProviderKeys::fixed([]));
    let process = world.api(operation).elsewhere(build);
    let known = process.app.authenticator.caller(token).await;
    known.expect("a token that holds");
    process
}

/// All rows but the counters of rate limits, and all letters.
async fn all(world: &World) -> Vec<String> {
    let everything = [String::new()];
    world.rows(&everything).await
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Every text in a body that could be a secret: it is long, and no hash of what whoever asks has sent.
fn secrets(body: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![body];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) if text.len() > 40 && !is_hash(text) => found.push(text.clone()),
            Value::Object(members) => open.extend(members.values()),
            Value::Array(list) => open.extend(list),
            _ => {}
        }
    }
    found
}

#[tokio::test]
async fn the_same_request_again_changes_nothing_and_gets_the_same_reply() {
    let world = World::new().await;
    let (mut played, mut sealed) = (0, 0);
    for (index, operation) in done_once().into_iter().enumerate() {
        let ready = Ready::new(&world, operation.clone(), &format!("ada{index}")).await;
        let name = &operation.name;
        let elsewhere = further_process(&world, &operation, &ready.token).await;
        let before = all(&world).await;
        let first = ready.send(world.api(&operation), "key").await;
        assert!(first.status.is_success(), "{name}: {}", first.text);
        let after = all(&world).await;
        let changed = after.iter().filter(|row| !before.contains(row));
        assert!(changed.count() > 1, "{name} has no effect");
        let asked = world.any().provider.take_requests().len();
        let again = ready.send(&elsewhere, "\"key\"").await;
        is_replayed(name, &first, &again);
        let same = all(&world).await;
        let more: Vec<&String> = same.iter().filter(|row| !after.contains(row)).collect();
        assert_eq!((more, same.len()), (vec![], after.len()), "{name}");
        let asked_again = world.any().provider.take_requests().len();
        assert!(asked_again == 0, "{name} asks a provider again: {asked}");
        for secret in secrets(&first.body()) {
            let open = after.iter().find(|row| row.contains(&secret));
            assert_eq!(open, None, "{name}");
            sealed += 1;
        }
        played += 1;
    }
    assert!(played >= 16 && sealed >= 4, "{played} {sealed}");
}

#[tokio::test]
async fn who_crashes_after_the_effect_has_told_so_with_it_and_nobody_repeats_it() {
    let world = World::new().await;
    for (index, operation) in done_once().into_iter().enumerate() {
        let ready = Ready::new(&world, operation.clone(), &format!("ada{index}")).await;
        let (name, api) = (&operation.name, world.api(&operation));
        // The only UpdateItem that is left is the one that stores the reply: with a claim all else is a transaction.
        api.table.fail("UpdateItem", Fault::Denied, 100);
        let first = ready.send(api, "key").await;
        assert!(first.status.is_success(), "{name}: {}", first.text);
        api.table.heal();
        let after = all(&world).await;
        let unanswered = claims(api).await.into_iter();
        let mut unanswered = unanswered.filter(|row| row["reply"].is_null());
        let row = unanswered.next().expect("a claim without a reply");
        assert_eq!(row["applied"]["BOOL"], true, "{name}: {row}");
        assert_eq!(unanswered.next(), None, "{name}");
        if !ENDS_ITS_TOKEN.contains(&name.as_str()) {
            let again = ready.send(api, "key").await;
            assert_eq!(again.problem(), in_progress(), "{name}");
            assert_eq!(again.header("retry-after"), "1", "{name}");
            api.app.clock.advance(CLAIM_LASTS + Duration::from_secs(1));
            let again = ready.send(api, "key").await;
            assert_eq!(again.problem(), reply_lost(), "{name}");
            let same = all(&world).await;
            assert_eq!(same, after, "{name}");
        }
        forget(api, &row).await;
    }
}

/// Takes a row away, so that it is not found for the next operation.
async fn forget(api: &TestApi, row: &Value) {
    let key = serde_json::json!({"pk": row["pk"], "sk": row["sk"]});
    let request = serde_json::json!({"TableName": "chatter", "Key": key});
    let answer = api.table.raw("DeleteItem", request).await;
    assert!(answer["__type"].is_null(), "{answer}");
}

#[tokio::test]
async fn a_request_that_fails_before_its_effect_can_be_made_again_at_once() {
    let world = World::new().await;
    for (index, operation) in done_once().into_iter().enumerate() {
        let ready = Ready::new(&world, operation.clone(), &format!("ada{index}")).await;
        let (name, api) = (&operation.name, world.api(&operation));
        let before = all(&world).await;
        api.table.fail("TransactWriteItems", Fault::Denied, 100);
        let failed = ready.send(api, "key").await;
        assert_eq!(failed.problem(), (500, "internal".to_owned()), "{name}");
        api.table.heal();
        assert_eq!(all(&world).await, before, "{name}");
        let again = ready.send(api, "key").await;
        assert!(again.status.is_success(), "{name}: {}", again.text);
        assert_eq!(again.header("idempotency-replayed"), "", "{name}");
    }
}

#[tokio::test]
async fn without_the_table_no_request_with_a_key_is_done() {
    let world = World::new().await;
    for (index, operation) in done_once().into_iter().enumerate() {
        let ready = Ready::new(&world, operation.clone(), &format!("ada{index}")).await;
        let (name, api) = (&operation.name, world.api(&operation));
        let before = all(&world).await;
        api.table.fail("PutItem", Fault::Denied, 100);
        let failed = ready.send(api, "key").await;
        assert_eq!(failed.problem(), (500, "internal".to_owned()), "{name}");
        api.table.heal();
        assert_eq!(all(&world).await, before, "{name}");
    }
}
