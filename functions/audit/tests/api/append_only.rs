//! Writing the trail.

use futures_util::future::join_all;
use serde_json::json;

use crate::helpers::{PATH, VERIFY, api, get};

#[tokio::test]
async fn twenty_at_once_make_one_chain_without_gaps() {
    let api = api().await;
    // Ten readers here and ten in another process.
    let other = api.elsewhere(audit::router);
    api.people.get("ada").await;
    let path = format!("{PATH}?limit=1");
    let reads = (0..20).map(async |number| {
        let process = if number % 2 == 0 { &api } else { &other };
        process.get(Some("ada"), &path).await
    });
    for reply in join_all(reads).await {
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    let list = get(&api, &format!("{PATH}?action=audit_read")).await;
    let records = list["data"].as_array().expect("a list");
    assert_eq!(records.len(), 21);
    let numbers: Vec<u64> = records
        .iter()
        .filter_map(|record| record["sequence"].as_u64())
        .collect();
    assert_eq!(numbers, (3..=23).rev().collect::<Vec<u64>>());
    let body = get(&api, VERIFY).await;
    assert_eq!(
        (&body["verified"], &body["checked"]),
        (&json!(true), &json!(24))
    );
}
