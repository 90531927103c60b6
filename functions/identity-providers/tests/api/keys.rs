//! How long the keys of an issuer are believed.

use std::time::Duration;

use stand_ins::issuer::{Fault, StandInIssuer};
use test_support::TestApi;

use crate::helpers::*;

const ASKED: [&str; 2] = ["/.well-known/openid-configuration", "/keys"];

/// Conversations, where an issuer is trusted that this process has not met yet.
async fn trusting() -> (TestApi, StandInIssuer) {
    let (api, issuer) = (api().await, issuer().await);
    trust(&api, "ada", &issuer.url).await;
    issuer.take_requests();
    (api.beside(conversations::router), issuer)
}

fn wait(api: &TestApi, seconds: u64) {
    api.app.clock.advance(Duration::from_secs(seconds));
}

#[tokio::test]
async fn keys_are_fetched_once_in_ten_minutes() {
    let (api, issuer) = trusting().await;
    let token = issuer.sign(&kim(&issuer));
    for (pause, asked) in [(0, true), (0, false), (599, false), (1, true), (599, false)] {
        wait(&api, pause);
        assert_eq!(status(&api, &token).await, 200);
        let requests = issuer.take_requests();
        assert_eq!(
            requests,
            if asked { ASKED.to_vec() } else { vec![] },
            "{pause}"
        );
    }
}

#[tokio::test]
async fn requests_that_come_together_ask_once() {
    let (api, issuer) = trusting().await;
    issuer.fail(Fault::Slow(50));
    let token = issuer.sign(&kim(&issuer));
    let (one, two, three) = tokio::join!(
        status(&api, &token),
        status(&api, &token),
        status(&api, &token)
    );
    assert_eq!((one, two, three), (200, 200, 200));
    assert_eq!(issuer.take_requests(), ASKED);
}

#[tokio::test]
async fn a_new_key_is_learned_at_once_but_ids_that_are_made_up_ask_once_a_minute() {
    let (api, issuer) = trusting().await;
    let old = issuer.sign(&kim(&issuer));
    assert_eq!(status(&api, &old).await, 200);
    issuer.take_requests();
    issuer.rotate().expect("a key");
    let new = issuer.sign(&kim(&issuer));
    // Less than a minute after it was asked last.
    assert_eq!(status(&api, &new).await, 401);
    assert!(issuer.take_requests().is_empty());
    wait(&api, 60);
    assert_eq!(status(&api, &new).await, 200);
    assert_eq!(issuer.take_requests(), ASKED);
    // The old one is gone with that.
    assert_eq!(status(&api, &old).await, 401);
    wait(&api, 60);
    for number in 0..20 {
        let header = serde_json::json!({"kid": format!("made-up-{number}")});
        let token = issuer.sign_with(&header, &kim(&issuer));
        assert_eq!(status(&api, &token).await, 401);
    }
    assert_eq!(issuer.take_requests(), ASKED);
}

#[tokio::test]
async fn known_keys_are_good_for_an_hour_without_their_issuer() {
    let (api, issuer) = trusting().await;
    let token = issuer.sign(&kim(&issuer));
    assert_eq!(status(&api, &token).await, 200);
    issuer.take_requests();
    issuer.fail(Fault::Status(500));
    // Asked once a minute, after the ten minutes for which it is not asked.
    for (pause, expected) in [(599, 0), (1, 1), (59, 0), (1, 1), (2939, 1)] {
        wait(&api, pause);
        assert_eq!(status(&api, &token).await, 200, "{pause}");
        assert_eq!(issuer.take_requests().len(), expected, "{pause}");
    }
    wait(&api, 1);
    let reply = get(&api, &token, CONVERSATIONS).await;
    assert_eq!(reply.problem(), (503, "unavailable".to_owned()));
    assert!(!reply.text.contains("SECRET"), "{}", reply.text);
    issuer.heal();
    wait(&api, 60);
    assert_eq!(status(&api, &token).await, 200);
}

#[tokio::test]
async fn an_issuer_that_never_answered_is_asked_once_a_minute() {
    let (api, issuer) = trusting().await;
    let token = issuer.sign(&kim(&issuer));
    issuer.fail(Fault::Html);
    for _ in 0..3 {
        let reply = get(&api, &token, CONVERSATIONS).await;
        assert_eq!(reply.problem(), (503, "unavailable".to_owned()));
        assert_eq!(reply.header("retry-after"), "1");
    }
    assert_eq!(issuer.take_requests().len(), 1);
    issuer.heal();
    assert_eq!(status(&api, &token).await, 503);
    wait(&api, 60);
    assert_eq!(status(&api, &token).await, 200);
}
