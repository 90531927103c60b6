//! Runs are not lost: whatever fails before one begins, it waits on; whatever fails after that, it is not done twice.

use std::time::Duration;

use serde_json::json;
use test_support::Fault;

use crate::helpers::{World, handle, well, worker};

#[tokio::test]
async fn a_run_of_which_no_worker_was_told_is_told_of_again() {
    let world = World::new().await;
    let run = world.queued("Hello").await;
    // The news is lost.
    assert_eq!(world.api.app.run_queue.take().len(), 1);
    let told = async |after: u64| {
        world.api.app.clock.advance(Duration::from_secs(after));
        world.sweep().await.expect("an answer")["told"].as_u64()
    };
    assert_eq!(told(59).await, Some(0), "it may still come");
    assert_eq!(told(2).await, Some(1));
    // Told of once in a minute, then two, then four.
    assert_eq!(told(59).await, Some(0));
    assert_eq!(told(2).await, Some(1));
    assert_eq!(told(119).await, Some(0));
    assert_eq!(told(2).await, Some(1));
    assert_eq!(world.work().await.expect("an answer"), well());
    assert_eq!(world.run(&run).await["status"], "completed");
    assert_eq!(world.asked(), 1);
    assert_eq!(told(3_600).await, Some(0), "it does not wait any more");
}

#[tokio::test]
async fn while_the_table_is_away_it_waits() {
    let world = World::new().await;
    let run = world.queued("Hello").await;
    let told = world.api.app.run_queue.take();
    for operation in ["GetItem", "Query", "TransactWriteItems"] {
        world.api.table.fail(operation, Fault::Denied, 1_000);
        // Either the message fails or the batch: both come again.
        if let Ok(answer) = handle(&worker(&world.api), &told).await {
            let failed = json!([{"itemIdentifier": "m-0"}]);
            assert_eq!(answer["batchItemFailures"], failed, "{operation}");
        }
        world.api.table.heal();
        assert_eq!(world.run(&run).await["status"], "queued", "{operation}");
    }
    assert_eq!(world.asked(), 0);
    let answer = handle(&world.worker, &told).await;
    assert_eq!(answer.expect("an answer"), well());
    assert_eq!(world.run(&run).await["status"], "completed");
}

#[tokio::test]
async fn a_worker_that_dies_leaves_what_was_written_and_nobody_asks_again() {
    let world = World::new().await;
    let script = json!({"say": ["Once", " upon", " a"], "stall_after": 2});
    let run = world.queued(script).await;
    let told = world.api.app.run_queue.take();
    let dying = worker(&world.api);
    let written = async {
        while !world.api.table.dump().await.contains("EVENTS#") {
            tokio::task::yield_now().await;
        }
    };
    // What is not waited for any more is gone, as with its process.
    tokio::select! {
        answer = handle(&dying, &told) => panic!("it has ended: {answer:?}"),
        () = written => {}
    }
    world.api.table.fail("UpdateItem", Fault::Denied, 1_000);
    world.api.app.clock.advance(Duration::from_secs(11));
    assert_eq!(
        handle(&world.worker, &told).await.expect("an answer"),
        well()
    );
    let ended = world.run(&run).await;
    assert_eq!(ended["status"], "incomplete", "{ended}");
    let answer = &world.messages().await[1];
    assert_eq!(answer["content"], "Once upon");
    assert_eq!(world.asked(), 1);
}
