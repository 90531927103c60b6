//! What happens when SES or the table fails.

use std::time::Duration;

use mailer::{Mailer, Transport};
use shared::Error;
use stand_ins::ses::SesFault;
use test_support::Fault;

use crate::helpers::{SENDER, World, failed, handle, sdk, sweep, told};

const LEASE: Duration = Duration::from_secs(120);
const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn what_would_meet_every_mail_fails_the_batch_and_nothing_more_is_begun() {
    for (status, code) in [
        (429, "TooManyRequestsException"),
        (400, "LimitExceededException"),
        (400, "SendingPausedException"),
        (400, "AccountSuspendedException"),
        (400, "MailFromDomainNotVerifiedException"),
        (404, "NotFoundException"),
        (403, "AccessDeniedException"),
        (400, "SomethingNew"),
        (503, "ServiceUnavailable"),
    ] {
        let world = World::new().await;
        let ids = [world.write_to("ada").await, world.write_to("bob").await];
        world.ses.fail(SesFault::Refused(status, code), 1);
        let answer = world.told(&ids).await;
        assert!(
            matches!(answer, Err(Error::Unavailable(_))),
            "{code}: {answer:?}"
        );
        assert_eq!(world.ses.take_calls(), 1, "{code}");
        // What was not begun is told again, or found; what failed has its pause first.
        assert_eq!(world.told(&ids).await.expect(code), failed(&[]));
        assert_eq!(world.recipients(), ["bob@people.test"], "{code}");
        world.swept_after(2 * MINUTE).await.expect(code);
        assert_eq!(world.recipients(), ["ada@people.test"], "{code}");
    }
}

#[tokio::test]
async fn a_mail_that_ses_refuses_fails_alone() {
    for code in ["MessageRejected", "BadRequestException"] {
        let world = World::new().await;
        let ids = [world.write_to("ada").await, world.write_to("bob").await];
        world.ses.fail(SesFault::Refused(400, code), 1);
        assert_eq!(world.told(&ids).await.expect(code), failed(&[0]));
        assert_eq!(world.recipients(), ["bob@people.test"]);
        assert!(world.lies_there(ids[0]).await);
        world.swept_after(2 * MINUTE).await.expect(code);
        assert_eq!(world.recipients(), ["ada@people.test"]);
    }
}

#[tokio::test]
async fn an_ses_that_hangs_is_not_waited_for_and_its_mail_is_sent_again() {
    let world = World::new().await;
    let id = world.write_to("ada").await;
    let transport = Transport::ses_with_timeout(
        &sdk(&world.api, &world.ses),
        SENDER,
        Duration::from_millis(300),
    );
    let hasty = Mailer::with(&world.api.app, transport);
    world.ses.fail(SesFault::Late(Duration::from_secs(600)), 1);
    let answer = handle(&hasty, told(&[id])).await;
    assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
    assert_eq!(world.ses.take_calls(), 1, "the SDK does not send it again");
    world.swept_after(2 * MINUTE).await.expect("an answer");
    // Whether the first has left can't be known.
    assert_eq!(world.recipients(), ["ada@people.test"; 2]);
}

#[tokio::test]
async fn a_reply_of_ses_that_is_lost_costs_a_second_mail_and_no_third() {
    let world = World::new().await;
    let id = world.write_to("ada").await;
    world.ses.fail(SesFault::ReplyLost, 1);
    world.told(&[id]).await.expect_err("who knows");
    assert_eq!(world.recipients(), ["ada@people.test"]);
    world.swept_after(2 * MINUTE).await.expect("an answer");
    assert_eq!(world.recipients(), ["ada@people.test"]);
    world.swept_after(2 * MINUTE).await.expect("an answer");
    assert_eq!(world.ses.take_calls(), 2);
}

#[tokio::test]
async fn a_process_that_ends_between_sending_and_forgetting_costs_a_second_mail() {
    let world = World::new().await;
    let id = world.write_to("ada").await;
    world.api.table.fail("DeleteItem", Fault::Throttled, 10);
    world.told(&[id]).await.expect_err("the table is away");
    world.api.table.heal();
    assert_eq!(world.recipients(), ["ada@people.test"]);
    // It is this sender's alone until the lease is over, because it could still be at it.
    let further = world.further();
    world
        .api
        .app
        .clock
        .advance(LEASE.saturating_sub(Duration::from_secs(1)));
    let answer = handle(&further, told(&[id])).await;
    assert_eq!(answer.expect("an answer"), failed(&[]));
    assert_eq!(world.ses.take_calls(), 1);
    world.api.app.clock.advance(2 * MINUTE);
    handle(&further, sweep()).await.expect("an answer");
    assert_eq!(world.recipients(), ["ada@people.test"]);
    assert!(!world.lies_there(id).await);
}

#[tokio::test]
async fn a_process_that_could_not_forget_a_mail_does_not_send_it_again() {
    let world = World::new().await;
    let id = world.write_to("ada").await;
    world.api.table.fail("DeleteItem", Fault::Throttled, 10);
    world.told(&[id]).await.expect_err("the table is away");
    world.api.table.heal();
    world
        .swept_after(LEASE + 2 * MINUTE)
        .await
        .expect("an answer");
    assert_eq!(world.ses.take_calls(), 1);
    assert!(!world.lies_there(id).await);
}

#[tokio::test]
async fn a_table_that_is_away_fails_the_event_and_nothing_is_sent() {
    let world = World::new().await;
    let id = world.write_to("ada").await;
    world.api.app.clock.advance(2 * MINUTE);
    for operation in ["UpdateItem", "Query"] {
        world.api.table.fail(operation, Fault::Throttled, 100);
        let event = if operation == "Query" {
            sweep()
        } else {
            told(&[id])
        };
        let answer = handle(&world.mailer, event).await;
        assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
        world.api.table.heal();
    }
    assert_eq!(world.ses.take_calls(), 0);
}

#[tokio::test]
async fn a_reply_of_the_table_that_is_lost_delays_no_mail() {
    let world = World::new().await;
    let id = world.write_to("ada").await;
    world.api.table.fail("UpdateItem", Fault::ReplyLost, 1);
    world.told(&[id]).await.expect("an answer");
    assert_eq!(world.recipients(), ["ada@people.test"]);
    assert!(!world.lies_there(id).await);
}

#[tokio::test]
async fn who_gives_a_mail_back_too_late_takes_it_from_nobody() {
    let world = World::new().await;
    let id = world.write_to("ada").await;
    #[expect(clippy::disallowed_methods, reason = "this is the function that may")]
    let outbox = world.api.app.store.outbox();
    let clock = &world.api.app.clock;
    let until = clock.now().plus(LEASE);
    let slow = outbox
        .mail_take(id, clock.now(), until)
        .await
        .expect("a reply");
    clock.advance(LEASE);
    let until = clock.now().plus(LEASE);
    let other = outbox
        .mail_take(id, clock.now(), until)
        .await
        .expect("a reply");
    assert_eq!(other.map(|mail| mail.attempts), Some(2));
    let slow = slow.expect("it was due");
    let given_back = outbox.mail_give_back(&slow, clock.now()).await;
    given_back.expect("nothing happens");
    let third = outbox.mail_take(id, clock.now(), until).await;
    assert!(third.expect("a reply").is_none(), "it is the other's");
}
