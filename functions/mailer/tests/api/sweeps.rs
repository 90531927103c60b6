//! What the schedule finds.

use std::time::Duration;

use serde_json::json;
use shared::http::Deadline;
use stand_ins::ses::SesFault;

use crate::helpers::{World, failed, handle, handle_before, sweep, told};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn a_mail_of_which_nobody_was_told_is_found_and_a_new_one_is_left_to_the_queue() {
    let world = World::new().await;
    world.write_to("ada").await;
    world.api.app.clock.advance(MINUTE);
    world.write_to("bob").await;
    let swept = world.swept_after(Duration::ZERO).await.expect("an answer");
    assert_eq!(swept, json!({"sent": 1, "failed": 0, "given_up": 0}));
    assert_eq!(world.recipients(), ["ada@people.test"]);
    world.swept_after(MINUTE).await.expect("an answer");
    assert_eq!(world.recipients(), ["bob@people.test"]);
    let swept = world.swept_after(MINUTE).await.expect("an answer");
    assert_eq!(swept, json!({"sent": 0, "failed": 0, "given_up": 0}));
}

#[tokio::test]
async fn mails_leave_in_the_order_in_which_they_were_written() {
    let world = World::new().await;
    let mut expected = Vec::new();
    // More than are looked up at once.
    for number in 0..30 {
        world.write_to(&format!("p{number}")).await;
        expected.push(format!("p{number}@people.test"));
        world.api.app.clock.advance(Duration::from_secs(1));
    }
    world.swept_after(MINUTE).await.expect("an answer");
    assert_eq!(world.recipients(), expected);
}

#[tokio::test]
async fn mails_that_fail_keep_no_other_waiting() {
    let world = World::new().await;
    for number in 0..60 {
        world.write_to(&format!("p{number}")).await;
    }
    world.api.app.clock.advance(Duration::from_secs(1));
    world.write_to("ada").await;
    world
        .ses
        .fail(SesFault::Refused(400, "MessageRejected"), 60);
    let swept = world.swept_after(2 * MINUTE).await.expect("an answer");
    assert_eq!(swept, json!({"sent": 1, "failed": 60, "given_up": 0}));
    assert_eq!(world.recipients(), ["ada@people.test"]);
    assert_eq!(world.ses.take_calls(), 61, "none was tried twice");
}

#[tokio::test]
async fn pauses_grow_with_each_attempt() {
    let world = World::new().await;
    let id = world.write_to("ada").await;
    world.ses.fail(SesFault::Refused(400, "MessageRejected"), 3);
    world.told(&[id]).await.expect("an answer");
    assert_eq!(world.ses.take_calls(), 1);
    for seconds in [30, 60, 120] {
        let nearly = Duration::from_secs(seconds - 1);
        world.api.app.clock.advance(nearly);
        let answer = world.told(&[id]).await.expect("an answer");
        assert_eq!((answer, world.ses.take_calls()), (failed(&[]), 0));
        world.api.app.clock.advance(Duration::from_secs(1));
        world.told(&[id]).await.expect("an answer");
        assert_eq!(world.ses.take_calls(), 1, "after {seconds} seconds");
    }
    assert_eq!(
        world.recipients(),
        ["ada@people.test"],
        "the fourth attempt"
    );
}

#[tokio::test]
async fn after_four_days_a_mail_is_given_up() {
    let world = World::new().await;
    let old = world.write_to("ada").await;
    world.ses.fail(SesFault::Unavailable, 1);
    world.told(&[old]).await.expect_err("SES is away");
    world.api.app.clock.advance(DAY);
    world.write_to("bob").await;
    let swept = world.swept_after(3 * DAY).await.expect("an answer");
    assert_eq!(swept, json!({"sent": 1, "failed": 0, "given_up": 1}));
    assert_eq!(world.recipients(), ["bob@people.test"]);
    assert!(!world.lies_there(old).await);
    // Its news may come still.
    let answer = handle(&world.further(), told(&[old])).await;
    assert_eq!(answer.expect("an answer"), failed(&[]));
}

#[tokio::test]
async fn a_sweep_with_too_little_time_leaves_the_mails_to_the_next() {
    let world = World::new().await;
    world.write_to("ada").await;
    world.api.app.clock.advance(2 * MINUTE);
    let deadline = Deadline::after(Duration::from_secs(20));
    let swept = handle_before(&world.mailer, sweep(), deadline).await;
    assert_eq!(swept.expect("an answer")["sent"], 0);
    let swept = world.swept_after(Duration::ZERO).await.expect("an answer");
    assert_eq!(swept["sent"], 1);
}

#[tokio::test]
async fn an_empty_outbox_costs_one_query_for_each_of_its_partitions() {
    let world = World::new().await;
    world.swept_after(MINUTE).await.expect("an answer");
    let calls = world.api.table.take_calls();
    let operations: Vec<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
    assert_eq!(operations, ["Query"; 16]);
}
