//! Proving an address, and changing it.

use std::time::Duration;

use axum::http::Method;
use serde_json::json;
use test_support::{Reply, TestApi};

use crate::helpers::{
    PASSWORD, api, bare, log_in, mailed_token, register, strict, subjects, text, tokens, trail,
    with_token,
};

const ADA: &str = "ada@example.com";
const NEW: &str = "ada@example.org";
const DAY: Duration = Duration::from_secs(24 * 3600);

async fn request(api: &TestApi, email: &str) -> Reply {
    let path = "/api/v1/auth/email-verification/request";
    api.post(None, path, json!({"email": email})).await
}

async fn confirm(api: &TestApi, token: &str) -> Reply {
    let path = "/api/v1/auth/email-verification/confirm";
    api.post(None, path, json!({"token": token})).await
}

async fn change(api: &TestApi, token: &str, password: &str, email: &str) -> Reply {
    let body = json!({"current_password": password, "new_email": email});
    with_token(api, token, (Method::PUT, "/api/v1/auth/me/email"), body).await
}

/// The address of an account, and whether it is proved.
async fn address(api: &TestApi, token: &str) -> (String, bool) {
    let path = (Method::GET, "/api/v1/auth/me");
    let me = with_token(api, token, path, json!(null)).await.body();
    (text(&me, "email"), me["email_verified"] == true)
}

#[tokio::test]
async fn where_it_is_required_nobody_logs_in_before_the_address_is_proved() {
    let api = strict(&api().await);
    register(&api, ADA).await;
    let unproved = log_in(&api, ADA, PASSWORD).await;
    let wrong = log_in(&api, ADA, "not the password at all").await;
    assert_eq!(bare(&unproved), bare(&wrong));
    let token = mailed_token(&api, ADA).await;
    assert_eq!(confirm(&api, &token).await.status, 204);
    let tokens = log_in(&api, ADA, PASSWORD).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    let trail = trail(&api, &text(&tokens.body(), "access_token")).await;
    let proved = trail.iter().filter(|action| *action == "email_verified");
    assert_eq!(proved.count(), 1, "{trail:?}");
}

#[tokio::test]
async fn a_token_proves_an_address_once_and_for_a_day() {
    let api = api().await;
    let access = text(&tokens(&api).await, "access_token");
    let token = mailed_token(&api, ADA).await;
    assert_eq!(address(&api, &access).await, (ADA.to_owned(), false));
    let (first, second) = tokio::join!(confirm(&api, &token), confirm(&api, &token));
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 400]);
    assert_eq!(address(&api, &access).await, (ADA.to_owned(), true));

    register(&api, "bob@example.com").await;
    let late = mailed_token(&api, "bob@example.com").await;
    api.app.clock.advance(DAY);
    assert!(api.table.dump().await.contains("VERIFY"));
    let late = confirm(&api, &late).await;
    assert_eq!(late.problem(), (400, "bad-token".to_owned()));
}

#[tokio::test]
async fn asking_again_tells_nothing_and_writes_only_to_an_unproved_account() {
    let api = api().await;
    register(&api, ADA).await;
    register(&api, "bob@example.com").await;
    let bob = mailed_token(&api, "bob@example.com").await;
    assert_eq!(confirm(&api, &bob).await.status, 204);
    api.app.clock.advance(Duration::from_secs(60));
    let reply = bare(&request(&api, ADA).await);
    for other in ["bob@example.com", "nobody@example.com", ADA] {
        assert_eq!(bare(&request(&api, other).await), reply, "{other}");
    }
    assert_eq!(
        subjects(&api, ADA).await,
        ["Confirm your address"; 2],
        "one at registering, one asked for, and no second within a minute"
    );
    assert_eq!(subjects(&api, "bob@example.com").await.len(), 1);
}

#[tokio::test]
async fn a_new_address_counts_when_its_token_is_used() {
    let api = api().await;
    let access = text(&tokens(&api).await, "access_token");
    let wrong = change(&api, &access, "not the password at all", NEW).await;
    assert_eq!(wrong.problem(), (403, "forbidden".to_owned()));
    assert_eq!(change(&api, &access, PASSWORD, NEW).await.status, 202);
    assert_eq!(address(&api, &access).await.0, ADA);
    assert_eq!(log_in(&api, NEW, PASSWORD).await.status, 401);
    let token = mailed_token(&api, NEW).await;
    assert_eq!(confirm(&api, &token).await.status, 204);
    assert_eq!(log_in(&api, NEW, PASSWORD).await.status, 200);
    assert_eq!(log_in(&api, ADA, PASSWORD).await.status, 401);
    let told = subjects(&api, ADA).await;
    assert_eq!(
        told.last().map(String::as_str),
        Some("Your address was changed")
    );
    assert_eq!(confirm(&api, &token).await.status, 400, "used");
}

#[tokio::test]
async fn the_old_address_is_free_again_and_the_new_one_taken() {
    let api = api().await;
    let access = text(&tokens(&api).await, "access_token");
    change(&api, &access, PASSWORD, NEW).await;
    confirm(&api, &mailed_token(&api, NEW).await).await;
    let other = "somebody else's long passphrase";
    for (email, password) in [(ADA, other), (NEW, other)] {
        let body = json!({"email": email, "password": password});
        let reply = api.post(None, "/api/v1/auth/register", body).await;
        assert_eq!(reply.status, 202);
    }
    assert_eq!(log_in(&api, ADA, other).await.status, 200, "a new account");
    assert_eq!(log_in(&api, NEW, other).await.status, 401, "taken");
    assert_eq!(log_in(&api, NEW, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn two_accounts_never_get_the_same_address() {
    let api = api().await;
    let mut news = Vec::new();
    for email in [ADA, "bob@example.com"] {
        register(&api, email).await;
        let access = text(&log_in(&api, email, PASSWORD).await.body(), "access_token");
        assert_eq!(change(&api, &access, PASSWORD, NEW).await.status, 202);
        news.push((access, mailed_token(&api, NEW).await));
    }
    let (first, second) = tokio::join!(confirm(&api, &news[0].1), confirm(&api, &news[1].1));
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    let won = usize::from(statuses[1] == 204);
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 400]);
    assert_eq!(address(&api, &news[won].0).await.0, NEW);
    assert_ne!(address(&api, &news[1 - won].0).await.0, NEW);
}

#[tokio::test]
async fn an_address_that_is_taken_meanwhile_stays_with_its_owner() {
    let api = api().await;
    let access = text(&tokens(&api).await, "access_token");
    change(&api, &access, PASSWORD, NEW).await;
    let token = mailed_token(&api, NEW).await;
    register(&api, NEW).await;
    assert_eq!(confirm(&api, &token).await.status, 400);
    assert_eq!(address(&api, &access).await.0, ADA);
}

#[tokio::test]
async fn an_address_is_the_same_in_every_spelling() {
    let api = api().await;
    register(&api, "Ada@Example.COM").await;
    for spelling in [" ada@example.com", "ADA@EXAMPLE.com ", "ada@ｅxample.com"] {
        let body = json!({"email": spelling, "password": "somebody else's long passphrase"});
        let reply = api.post(None, "/api/v1/auth/register", body).await;
        assert!([202, 422].contains(&reply.status.as_u16()), "{spelling}");
    }
    assert_eq!(log_in(&api, ADA, PASSWORD).await.status, 200);
    assert_eq!(api.table.dump().await.matches("\"EMAIL#").count(), 1);
}
