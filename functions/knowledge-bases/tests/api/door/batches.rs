//! Files that are put into a vector store together.

use axum::http::Method;
use serde_json::{Value, json};
use test_support::Body;

use super::{STORES, failure};
use crate::helpers::{ADA, World};

#[tokio::test]
async fn a_batch_says_how_far_its_files_are() {
    let world = World::new().await;
    let store = world.store(json!({})).await;
    let mut files = Vec::new();
    for number in 0..3 {
        files.push(world.upload("a.txt", &format!("Topic {number}")).await);
    }
    let alone = world.upload("b.txt", "Another topic").await;
    world.put_in(&store, &alone).await;
    let path = format!("{STORES}/{store}/file_batches");
    let body = json!({"file_ids": files, "attributes": {"a": 1}});
    let reply = world.api.post(ADA, &path, body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let batch = reply.body();
    let id = batch["id"].as_str().expect("an id");
    assert!(id.starts_with("vsfb_"), "{id}");
    assert_eq!(batch["object"], "vector_store.files_batch");
    assert_eq!(batch["status"], "in_progress");
    assert_eq!(batch["file_counts"]["in_progress"], 3, "{batch}");
    world.work_all().await;
    let path = format!("{path}/{id}");
    let done = world.get(&path).await;
    assert_eq!(done["status"], "completed");
    let counts = json!({"in_progress": 0, "completed": 3, "failed": 0, "cancelled": 0, "total": 3});
    assert_eq!(done["file_counts"], counts);
    let list = format!("{path}/files");
    let newest: Vec<String> = files.iter().rev().cloned().collect();
    assert_eq!(world.listed(&list).await, (newest.clone(), false));
    let after = format!("{list}?limit=1&after={}", newest[0]);
    assert_eq!(world.listed(&after).await, (vec![newest[1].clone()], true));
    let before = format!("{list}?order=asc&limit=1&before={}", files[2]);
    assert_eq!(world.listed(&before).await, (vec![files[1].clone()], true));
    let failed = format!("{list}?filter=failed");
    assert_eq!(world.listed(&failed).await.0.len(), 0);
    // What is done can't be stopped any more.
    let cancelled = cancel(&world, &path).await;
    assert_eq!(cancelled["file_counts"], counts);
}

#[tokio::test]
async fn a_batch_that_is_cancelled_stops_what_is_not_done() {
    let world = World::new().await;
    let store = world.store(json!({})).await;
    let files = [
        world.upload("a.txt", "One").await,
        world.upload("b.txt", "Two").await,
    ];
    let path = format!("{STORES}/{store}/file_batches");
    let each =
        json!({"files": [{"file_id": files[0], "attributes": {"a": true}}, {"file_id": files[1]}]});
    let batch = world.api.post(ADA, &path, each).await.body();
    let path = format!("{path}/{}", batch["id"].as_str().expect("an id"));
    let cancelled = cancel(&world, &path).await;
    assert_eq!(cancelled["status"], "cancelled", "{cancelled}");
    assert_eq!(cancelled["file_counts"]["cancelled"], 2);
    world.work_all().await;
    assert_eq!(world.get(&path).await, cancelled);
    let shown = world
        .get(&format!("{STORES}/{store}/files/{}", files[0]))
        .await;
    assert_eq!(
        (&shown["status"], &shown["last_error"]),
        (&json!("cancelled"), &Value::Null)
    );
    assert_eq!(shown["attributes"], json!({"a": true}));
    // What nobody finds is none.
    let other = world.store(json!({})).await;
    let elsewhere = path.replace(&store, &other);
    assert_eq!(failure(&world.api.get(ADA, &elsewhere).await).0, 404);
}

#[tokio::test]
async fn batches_that_are_wrong_are_refused_before_anything_is_put_in() {
    let world = World::new().await;
    let store = world.store(json!({})).await;
    let file = world.upload("a.txt", "One").await;
    let path = format!("{STORES}/{store}/file_batches");
    let nobodys = "file_0199f0a0b1c27d3e8f405162738495a6";
    for (body, param) in [
        (json!({}), "file_ids"),
        (json!({"file_ids": []}), "file_ids"),
        (
            json!({"file_ids": [file], "files": [{"file_id": file}]}),
            "file_ids",
        ),
        (json!({"file_ids": [file, nobodys]}), "file_ids[0]"),
        (
            json!({"file_ids": [file], "attributes": {"a": [1]}}),
            "attributes",
        ),
        (
            json!({"files": [{"file_id": file}], "attributes": {"a": 1}}),
            "attributes",
        ),
    ] {
        let reply = world.api.post(ADA, &path, body.clone()).await;
        assert_eq!(reply.status, 400, "{body}: {}", reply.text);
        let named = failure(&reply).2;
        let named = named.expect("a parameter");
        assert!(
            named.starts_with(param.trim_end_matches("[0]")),
            "{body}: {named}"
        );
    }
    let files = world.listed(&format!("{STORES}/{store}/files")).await;
    assert_eq!(files.0.len(), 0);
}

async fn cancel(world: &World, path: &str) -> Value {
    let path = format!("{path}/cancel");
    let reply = world.api.send(ADA, Method::POST, &path, Body::Empty).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.body()
}
