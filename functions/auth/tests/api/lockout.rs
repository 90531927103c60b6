//! What happens to an account whose password somebody guesses.

use std::time::Duration;

use serde_json::json;
use shared::model::Email;
use shared::store::FailedLogins;
use test_support::TestApi;

use crate::helpers::{PASSWORD, api, bare, counted, log_in, mailed_token, register};

const ADA: &str = "ada@example.com";
const WRONG: &str = "not the password at all";

fn seconds(api: &TestApi, seconds: u64) {
    api.app.clock.advance(Duration::from_secs(seconds));
}

#[expect(clippy::disallowed_methods, reason = "what is counted has no route")]
async fn failures(api: &TestApi) -> Option<FailedLogins> {
    let email = Email::parse("/email", ADA).expect("an address");
    let identity = api.app.store.identity();
    let found = identity.failed_logins(&email, api.app.clock.now());
    found.await.expect("a read")
}

#[expect(clippy::disallowed_methods, reason = "guessing so often takes days")]
async fn fail(api: &TestApi, times: u32) {
    let email = Email::parse("/email", ADA).expect("an address");
    for _ in 0..times {
        let failed = api.app.store.identity();
        let failed = failed.login_failed(&email, api.app.clock.now());
        failed.await.expect("a write");
    }
}

#[tokio::test]
async fn after_five_failures_from_anywhere_each_further_one_doubles_the_wait() {
    let api = api().await;
    register(&api, ADA).await;
    for host in 1..=5 {
        let api = api.from_source(&format!("198.51.100.{host}"));
        assert_eq!(log_in(&api, ADA, WRONG).await.status, 401, "{host}");
    }
    let api = api.from_source("198.51.100.6");
    for wait in [1, 2, 4, 8] {
        let locked = log_in(&api, ADA, WRONG).await;
        assert_eq!(locked.problem(), (429, "locked-out".to_owned()));
        assert_eq!(locked.header("retry-after"), wait.to_string());
        seconds(&api, wait);
        assert_eq!(log_in(&api, ADA, WRONG).await.status, 401, "after {wait} s");
    }
}

#[tokio::test]
async fn while_it_is_locked_the_right_password_gets_the_same_answer_and_costs_no_hash() {
    let api = api().await;
    register(&api, ADA).await;
    register(&api, "bob@example.com").await;
    fail(&api, 8).await;
    let (api, hasher) = counted(&api);
    let wrong = log_in(&api, ADA, WRONG).await;
    assert_eq!(wrong.status, 429);
    assert_eq!(bare(&log_in(&api, ADA, PASSWORD).await), bare(&wrong));
    assert_eq!(hasher.computed(), 0);
    let other = log_in(&api, "bob@example.com", PASSWORD).await;
    assert_eq!(other.status, 200, "another account from the same place");
    seconds(&api, 8);
    assert_eq!(log_in(&api, ADA, PASSWORD).await.status, 200);
    assert_eq!(failures(&api).await, None, "a good login forgets them");
}

#[tokio::test]
async fn an_address_without_an_account_is_locked_like_one_with_an_account() {
    let api = api().await;
    register(&api, ADA).await;
    for email in [ADA, "nobody@example.com"] {
        for _ in 0..5 {
            assert_eq!(log_in(&api, email, WRONG).await.status, 401);
        }
    }
    let known = log_in(&api, ADA, WRONG).await;
    let unknown = log_in(&api, "nobody@example.com", WRONG).await;
    assert_eq!(known.status, 429);
    assert_eq!(bare(&known), bare(&unknown));
}

#[tokio::test]
async fn failures_at_the_same_time_are_all_counted_and_each_costs_one_hash() {
    let api = api().await;
    register(&api, ADA).await;
    let (api, hasher) = counted(&api);
    let replies = (0..50).map(|_| log_in(&api, ADA, WRONG));
    let replies = futures_util::future::join_all(replies).await;
    let with = |status: u16| {
        let same = replies.iter().filter(|reply| reply.status == status);
        u32::try_from(same.count()).expect("few")
    };
    let (refused, locked) = (with(401), with(429));
    assert_eq!(refused + locked, 50);
    assert!(refused >= 5, "{refused} were looked at");
    let counted = failures(&api).await.expect("failures").failures;
    assert_eq!(counted, refused);
    assert_eq!(hasher.computed(), u64::from(refused));
}

#[tokio::test]
async fn after_a_hundred_failures_only_a_password_set_by_mail_opens_the_account() {
    let api = api().await;
    register(&api, ADA).await;
    fail(&api, 100).await;
    seconds(&api, 3600);
    assert_eq!(
        log_in(&api, ADA, PASSWORD).await.problem(),
        (401, "bad-credentials".to_owned())
    );
    let request = json!({"email": ADA});
    api.post(None, "/api/v1/auth/password-reset/request", request)
        .await;
    let new = "an entirely different passphrase";
    let confirmation = json!({"token": mailed_token(&api, ADA).await, "new_password": new});
    let confirmed = api
        .post(None, "/api/v1/auth/password-reset/confirm", confirmation)
        .await;
    assert_eq!(confirmed.status, 204, "{}", confirmed.text);
    assert_eq!(log_in(&api, ADA, new).await.status, 200);
}

#[tokio::test]
async fn asking_for_a_new_password_never_locks_the_account() {
    let api = api().await;
    register(&api, ADA).await;
    for _ in 0..200 {
        let request = json!({"email": ADA});
        let path = "/api/v1/auth/password-reset/request";
        assert_eq!(api.post(None, path, request).await.status, 202);
    }
    assert_eq!(log_in(&api, ADA, PASSWORD).await.status, 200);
    let letters = api.letters().await;
    let resets = letters
        .iter()
        .filter(|(_, subject, _)| subject == "Set a new password");
    assert_eq!(resets.count(), 1, "one mail a minute");
}
