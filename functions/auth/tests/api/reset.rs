//! `POST /api/v1/auth/password-reset/…`

use std::time::Duration;

use serde_json::json;
use test_support::{Reply, TestApi};

use crate::helpers::{
    PASSWORD, api, bare, is_alive, log_in, mailed_token, refreshes, register, subjects, text,
    tokens, trail,
};

const ADA: &str = "ada@example.com";
const NEW: &str = "an entirely different passphrase";

async fn request(api: &TestApi, email: &str) -> Reply {
    let path = "/api/v1/auth/password-reset/request";
    api.post(None, path, json!({"email": email})).await
}

async fn confirm(api: &TestApi, token: &str, password: &str) -> Reply {
    let path = "/api/v1/auth/password-reset/confirm";
    let body = json!({"token": token, "new_password": password});
    api.post(None, path, body).await
}

/// Asks for a token and reads it from the mail.
async fn token(api: &TestApi) -> String {
    assert_eq!(request(api, ADA).await.status, 202);
    mailed_token(api, ADA).await
}

/// A session of the same microsecond as a reset would count as one from before.
fn later(api: &TestApi) {
    api.app.clock.advance(Duration::from_secs(1));
}

#[tokio::test]
async fn a_token_from_the_mail_sets_a_new_password_once() {
    let api = api().await;
    register(&api, ADA).await;
    let token = token(&api).await;
    let set = confirm(&api, &token, NEW).await;
    assert_eq!((set.status.as_u16(), set.text.as_str()), (204, ""));
    assert_eq!(log_in(&api, ADA, PASSWORD).await.status, 401);
    assert_eq!(log_in(&api, ADA, NEW).await.status, 200);
    let again = confirm(&api, &token, "and another passphrase again").await;
    assert_eq!(again.problem(), (400, "bad-token".to_owned()));
    assert_eq!(log_in(&api, ADA, NEW).await.status, 200);
}

#[tokio::test]
async fn everything_that_was_open_ends_and_the_owner_is_told() {
    let api = api().await;
    let before = [tokens(&api).await, tokens(&api).await];
    let token = token(&api).await;
    confirm(&api, &token, NEW).await;
    for tokens in &before {
        assert!(!is_alive(&api, &text(tokens, "access_token")).await);
        assert!(!refreshes(&api, &text(tokens, "refresh_token")).await);
    }
    let subjects = subjects(&api, ADA).await;
    assert_eq!(
        subjects[subjects.len() - 2..],
        ["Set a new password", "Your password was changed"]
    );
    later(&api);
    let fresh = log_in(&api, ADA, NEW).await.body();
    let trail = trail(&api, &text(&fresh, "access_token")).await;
    assert_eq!(
        trail[trail.len() - 3..],
        [
            "password_reset_requested",
            "password_reset",
            "login_succeeded"
        ]
    );
}

#[tokio::test]
async fn whether_an_address_has_an_account_is_not_told() {
    let api = api().await;
    register(&api, ADA).await;
    let mut replies = Vec::new();
    for email in [ADA, "nobody@example.com"] {
        api.table.take_calls();
        let reply = request(&api, email).await;
        let calls = api.table.take_calls().into_iter();
        let calls: Vec<String> = calls.map(|call| call.operation).collect();
        replies.push((bare(&reply), calls));
    }
    assert_eq!(replies[0], replies[1]);
    assert_eq!(subjects(&api, "nobody@example.com").await, [""; 0]);
}

#[tokio::test]
async fn a_token_is_random_and_not_in_the_table() {
    let api = api().await;
    register(&api, ADA).await;
    let token = token(&api).await;
    let secret = token.splitn(4, '_').last().expect("a secret");
    // 32 bytes in base64url.
    assert!(secret.len() >= 43, "{secret}");
    assert!(!api.table.dump().await.contains(secret));
}

#[tokio::test]
async fn of_two_who_use_a_token_at_once_one_sets_the_password() {
    let api = api().await;
    register(&api, ADA).await;
    let token = token(&api).await;
    let passwords = [
        "the first of two passphrases",
        "the second of two passphrases",
    ];
    let (first, second) = tokio::join!(
        confirm(&api, &token, passwords[0]),
        confirm(&api, &token, passwords[1])
    );
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    let won = usize::from(statuses[1] == 204);
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 400]);
    assert_eq!(log_in(&api, ADA, passwords[won]).await.status, 200);
    assert_eq!(log_in(&api, ADA, passwords[1 - won]).await.status, 401);
}

#[tokio::test]
async fn a_token_ends_after_ten_minutes_though_its_row_is_still_there() {
    let api = api().await;
    register(&api, ADA).await;
    let token = token(&api).await;
    api.app.clock.advance(Duration::from_secs(600));
    assert!(api.table.dump().await.contains("RESET"));
    let late = confirm(&api, &token, NEW).await;
    assert_eq!(late.problem(), (400, "bad-token".to_owned()));
    assert_eq!(log_in(&api, ADA, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_new_token_makes_the_one_before_worthless() {
    let api = api().await;
    register(&api, ADA).await;
    let first = token(&api).await;
    api.app.clock.advance(Duration::from_secs(60));
    let second = token(&api).await;
    assert_ne!(first, second);
    assert_eq!(confirm(&api, &first, NEW).await.status, 400);
    assert_eq!(confirm(&api, &second, NEW).await.status, 204);
}

#[tokio::test]
async fn a_password_that_breaks_a_rule_leaves_the_token_good() {
    let api = api().await;
    register(&api, ADA).await;
    let token = token(&api).await;
    for bad in ["short", "ada@example.com", "passwordpassword"] {
        let reply = confirm(&api, &token, bad).await;
        assert_eq!(reply.status, 422, "{}", reply.text);
        assert_eq!(reply.errors()[0].0, "/new_password");
    }
    assert_eq!(confirm(&api, &token, NEW).await.status, 204);
}

#[tokio::test]
async fn the_link_begins_with_the_configured_address_whatever_the_request_says() {
    let api = api().await;
    register(&api, ADA).await;
    let path = "/api/v1/auth/password-reset/request";
    let body = test_support::Body::Json(json!({"email": ADA}));
    let headers = [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
    ];
    let method = axum::http::Method::POST;
    let reply = api.send_with(None, method, path, body, &headers).await;
    assert_eq!(reply.status, 202);
    let letters = api.letters().await;
    let (_, _, text) = letters.last().expect("a letter");
    assert!(text.contains("http://app.chatter.test/reset-password#token=chatter_pr_"));
    assert!(!text.contains("evil"), "{text}");
}

#[tokio::test]
async fn what_is_no_token_of_this_kind_is_refused() {
    let api = api().await;
    let tokens = tokens(&api).await;
    let verify = mailed_token(&api, ADA).await;
    let good = token(&api).await;
    for wrong in [
        "",
        "chatter_pr_",
        &verify,
        &text(&tokens, "access_token"),
        &text(&tokens, "refresh_token"),
        &format!("{good}x"),
        &good.replace("chatter_pr", "chatter_ev"),
    ] {
        let reply = confirm(&api, wrong, NEW).await;
        assert_eq!(reply.problem(), (400, "bad-token".to_owned()), "{wrong}");
    }
    assert!(!is_alive(&api, &good).await, "no access token either");
    assert!(!refreshes(&api, &good).await, "nor a refresh token");
    assert_eq!(confirm(&api, &good, NEW).await.status, 204);
}
