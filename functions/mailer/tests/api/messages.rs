//! What SQS tells.

use serde_json::json;
use shared::http::Deadline;
use shared::mail::Letter;
use shared::model::OutboxId;
use std::time::Duration;

use crate::helpers::{
    APP_URL, SENDER, TOKEN, World, address, batch, failed, handle, handle_before, told,
};

#[tokio::test]
async fn a_mail_leaves_as_it_was_written_and_is_forgotten() {
    let world = World::new().await;
    let id = world.write_to("ada").await;
    assert_eq!(world.told(&[id]).await.expect("an answer"), failed(&[]));
    let sent = world.ses.take_sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["FromEmailAddress"], SENDER);
    let to = json!({"ToAddresses": ["ada@people.test"]});
    assert_eq!(sent[0]["Destination"], to);
    let message = &sent[0]["Content"]["Simple"];
    assert_eq!(message["Subject"]["Data"], "Set a new password");
    let text = message["Body"]["Text"]["Data"].as_str().expect("a text");
    let link = format!("\n{APP_URL}/reset-password#token={TOKEN}\n");
    assert!(text.contains(&link), "{text}");
    assert_eq!(message["Body"]["Text"]["Charset"], "UTF-8");
    assert!(!world.lies_there(id).await);
}

#[tokio::test]
async fn two_mailers_that_are_told_at_once_send_one_mail() {
    let world = World::new().await;
    let further = world.further();
    for _ in 0..10 {
        let id = world.write_to("ada").await;
        let ids = [id];
        let (one, other) = tokio::join!(world.told(&ids), handle(&further, told(&ids)));
        assert_eq!(one.expect("an answer"), failed(&[]));
        assert_eq!(other.expect("an answer"), failed(&[]));
        assert_eq!(world.ses.take_calls(), 1);
    }
}

#[tokio::test]
async fn news_that_comes_again_after_its_mail_has_left_succeeds_and_sends_nothing() {
    let world = World::new().await;
    let id = world.write_to("ada").await;
    let answer = world.told(&[id, id]).await.expect("an answer");
    assert_eq!(answer, failed(&[]));
    let again = handle(&world.further(), told(&[id])).await;
    assert_eq!(again.expect("an answer"), failed(&[]));
    assert_eq!(world.ses.take_calls(), 1);
}

#[tokio::test]
async fn a_blank_letter_goes_nowhere_and_is_forgotten() {
    let world = World::new().await;
    let id = world.write(&Letter::blank()).await;
    assert_eq!(world.told(&[id]).await.expect("an answer"), failed(&[]));
    assert_eq!(world.ses.take_calls(), 0);
    assert!(!world.lies_there(id).await);
}

#[tokio::test]
async fn messages_that_can_t_be_read_fail_each_time_and_the_others_are_done_in_their_order() {
    let world = World::new().await;
    let mut bodies = Vec::new();
    for name in ["ada", "bob", "cleo"] {
        let id = world.write_to(name).await;
        bodies.push(format!(
            r#"{{"type":"mail_waits","version":1,"id":"{id}"}}"#
        ));
    }
    bodies.insert(1, bodies[0].replace("\"version\":1", "\"version\":2"));
    bodies.insert(3, "not JSON".to_owned());
    let answer = handle(&world.mailer, batch(&bodies)).await;
    assert_eq!(answer.expect("an answer"), failed(&[1, 3]));
    let expected = ["ada", "bob", "cleo"].map(|name| format!("{name}@people.test"));
    assert_eq!(world.recipients(), expected);
    for _ in 0..4 {
        let poison = [bodies[1].clone(), bodies[3].clone()];
        let answer = handle(&world.mailer, batch(&poison)).await;
        assert_eq!(answer.expect("an answer"), failed(&[0, 1]));
    }
    assert_eq!(world.ses.take_calls(), 3);
}

#[tokio::test]
async fn a_mail_that_can_t_be_opened_fails_alone_and_is_kept() {
    let world = World::new().await;
    let store = &world.api.app.store;
    let post = &world.api.app.post;
    let mut broken = post.seal(&Letter::blank()).await.expect("a mail");
    // Sealed for another mail.
    broken.id = OutboxId::new();
    store.mail_put(&broken).await.expect("a row");
    let good = world.write_to("ada").await;
    let answer = world.told(&[broken.id, good]).await.expect("an answer");
    assert_eq!(answer, failed(&[0]));
    assert_eq!(world.recipients(), ["ada@people.test"]);
    assert!(world.lies_there(broken.id).await);
}

#[tokio::test]
async fn with_too_little_time_for_a_mail_its_message_goes_back() {
    let world = World::new().await;
    let id = world.write_to("ada").await;
    let deadline = Deadline::after(Duration::from_secs(20));
    let answer = handle_before(&world.mailer, told(&[id]), deadline).await;
    assert_eq!(answer.expect("an answer"), failed(&[0]));
    assert_eq!(world.ses.take_calls(), 0);
    assert_eq!(world.told(&[id]).await.expect("an answer"), failed(&[]));
    assert_eq!(world.ses.take_calls(), 1, "it was not even taken");
}

#[tokio::test]
async fn a_tenant_s_name_can_add_no_header() {
    let world = World::new().await;
    let name = "Evil\r\nBcc: eve@people.test\r\n\r\nBuy!";
    let letter = Letter::invitation(&address("ada"), name, APP_URL, TOKEN);
    let id = world.write(&letter).await;
    world.told(&[id]).await.expect("an answer");
    let sent = world.ses.take_sent();
    let subject = &sent[0]["Content"]["Simple"]["Subject"]["Data"];
    assert_eq!(subject, "Join Evil Bcc: eve@people.test Buy!");
    let to = json!({"ToAddresses": ["ada@people.test"]});
    assert_eq!(sent[0]["Destination"], to);
}
