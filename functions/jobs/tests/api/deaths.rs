//! Workers that die, wherever.

use serde_json::json;
use test_support::dies_after;

use crate::helpers::{World, handle, well, worker};

#[tokio::test]
async fn a_worker_may_die_anywhere_and_the_title_is_there_once() {
    let world = World::new().await;
    let mut deaths = 0;
    for polls in 1.. {
        let (conversation, job) = world.untitled().await;
        let told = world.told();
        let mortal = worker(&world.api);
        let survived = dies_after(polls, handle(&mortal, &told)).await;
        deaths += usize::from(!survived);
        // The lease is over, and the pause after it.
        for _ in 0..2 {
            world.wait(61);
            world.sweep().await;
            assert_eq!(world.work().await, well());
        }
        let done = world.get(&job).await;
        assert_eq!(done["status"], "completed", "after {polls} polls: {done}");
        assert_eq!(
            done["result"]["changed"], true,
            "after {polls} polls: {done}"
        );
        let shown = world.get(&conversation).await;
        assert_eq!(shown["title"], "Fjords of Norway", "after {polls} polls");
        world.wait(3_600);
        assert_eq!(world.sweep().await, 0, "after {polls} polls it waits still");
        if survived {
            break;
        }
    }
    assert!(deaths > 5, "it died only {deaths} times");
}

#[tokio::test]
async fn a_job_that_kills_its_workers_has_failed_after_five_of_them() {
    let world = World::new().await;
    world.title_is(json!({"say": ["Never"], "head_delay_ms": 60_000}));
    let (_, job) = world.untitled().await;
    for attempt in 1..=5 {
        let told = world.told();
        let mortal = worker(&world.api);
        let begun = async {
            while world.asked() == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = handle(&mortal, &told) => panic!("it lived"),
            () = begun => {}
        }
        let running = world.get(&job).await;
        assert_eq!(
            (&running["status"], &running["attempts"]),
            (&json!("running"), &json!(attempt))
        );
        // Nobody begins it while the dead one could be alive.
        assert_eq!(
            handle(&world.worker, &told).await.expect("an answer"),
            well()
        );
        assert_eq!(world.asked(), 0);
        world.wait(61);
        assert_eq!(world.sweep().await, 1);
    }
    assert_eq!(world.work().await, well());
    assert_eq!(world.asked(), 0);
    let failed = world.get(&job).await;
    assert_eq!(failed["status"], "failed", "{failed}");
    assert_eq!(
        failed["problem"]["type"],
        "urn:chatter:problem:job-interrupted"
    );
}

#[tokio::test]
async fn a_worker_that_was_only_slow_writes_nothing_after_another_took_over() {
    let world = World::new().await;
    world.title_is(json!({"say": ["Late"], "head_delay_ms": 400}));
    let (conversation, job) = world.untitled().await;
    let told = world.told();
    let slow = worker(&world.api);
    let (slow, ()) = tokio::join!(handle(&slow, &told), async {
        while world.asked() == 0 {
            tokio::task::yield_now().await;
        }
        world.title_is(json!({"say": ["In time"]}));
        world.wait(61);
        assert_eq!(world.sweep().await, 1);
        assert_eq!(world.work().await, well());
        assert_eq!(world.status(&job).await, "completed");
    });
    assert_eq!(slow.expect("an answer"), well());
    let done = world.get(&job).await;
    assert_eq!(done["result"]["title"], "In time", "{done}");
    assert_eq!(done["attempts"], 2);
    assert_eq!(world.get(&conversation).await["title"], "In time");
}

#[tokio::test]
async fn a_table_that_is_away_loses_nothing() {
    use stand_ins::meter::Fault;
    let world = World::new().await;
    let (conversation, job) = world.untitled().await;
    let told = world.told();
    // Before it has begun the message fails and comes again.
    world.api.table.fail("GetItem", Fault::Throttled, 20);
    handle(&world.worker, &told).await.expect_err("an error");
    world.api.table.heal();
    assert_eq!(world.status(&job).await, "pending");
    // The reply to the end is lost: it is written once.
    world
        .api
        .table
        .fail("TransactWriteItems", Fault::ReplyLost, 1);
    assert_eq!(
        handle(&world.worker, &told).await.expect("an answer"),
        well()
    );
    world.api.table.heal();
    let done = world.get(&job).await;
    assert_eq!(
        (&done["status"], &done["attempts"]),
        (&json!("completed"), &json!(1)),
        "{done}"
    );
    assert_eq!(world.get(&conversation).await["title"], "Fjords of Norway");
}
