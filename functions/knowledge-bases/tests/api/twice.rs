//! Every message twice, at once, in another order, and once more after it is done.

use futures_util::future::join_all;
use serde_json::json;
use test_support::dies_after;

use crate::helpers::{ADA, World, handle, worker};

#[tokio::test]
async fn messages_that_come_twice_and_at_once_do_what_one_does() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    let mut documents = Vec::new();
    for number in 0..6 {
        let text = format!("Document {number} is about topic{number}.");
        documents.push(world.text(&base, &format!("d{number}"), &text).await);
    }
    let told = world.told();
    assert_eq!(told.len(), 6);
    let reversed: Vec<_> = told.iter().rev().cloned().collect();
    let workers = [worker(&world.api), worker(&world.api), worker(&world.api)];
    let batches = [told.clone(), reversed.clone(), told.clone()];
    let worked = workers
        .iter()
        .zip(&batches)
        .map(|(worker, told)| handle(worker, told));
    for answer in join_all(worked).await {
        answer.expect("an answer");
    }
    world.work_all().await;
    for told in [told, reversed] {
        handle(&world.worker, &told).await.expect("an answer");
    }
    for (number, document) in documents.iter().enumerate() {
        let shown = world.get(document).await;
        assert_eq!(shown["status"], "ready", "{shown}");
        assert_eq!(
            world.names(&base, &format!("topic{number}")).await[0],
            format!("d{number}")
        );
    }
    let all = json!({"query": "document", "mode": "vector", "limit": 50});
    assert_eq!(world.found(&base, all).await.len(), 6);
    assert_eq!(
        world.embedded(),
        6 + 7,
        "each chunk once, and each question"
    );
}

#[tokio::test]
async fn a_worker_that_dies_anywhere_loses_nothing() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    let mut deaths = 0;
    for polls in 1.. {
        let text = format!("The fjords of Norway are deep, and so is number {polls}.");
        let document = world.text(&base, "One", &text).await;
        let told = world.told();
        let mortal = worker(&world.api);
        let survived = dies_after(polls, handle(&mortal, &told)).await;
        deaths += usize::from(!survived);
        // The lease is over, and the pause after it.
        for _ in 0..2 {
            world.wait(61);
            world.sweep().await;
            world.work_all().await;
        }
        let shown = world.get(&document).await;
        assert_eq!(shown["status"], "ready", "after {polls} polls: {shown}");
        let body = json!({"query": "deep", "mode": "vector"});
        let found = world.found(&base, body).await;
        assert_eq!(found.len(), 1, "after {polls} polls");
        assert_eq!(world.api.delete(ADA, &document).await.status, 204);
        world.work_all().await;
        // What a dead worker wrote and no manifest has is deleted when it is old.
        assert!(world.objects("").await.is_empty(), "after {polls} polls");
        if survived {
            break;
        }
    }
    assert!(deaths > 15, "it died only {deaths} times");
}
