//! How much hashing requests cause, and what becomes of hashes of another day.

use axum::http::Method;
use serde_json::json;
use shared::model::Email;

use crate::helpers::{PASSWORD, api, counted, log_in, register, strict, text, tokens, with_token};

const ADA: &str = "ada@example.com";
const WRONG: &str = "not the password at all";

/// The hash of [`PASSWORD`] with 1 MiB and one pass: less than any that is allowed today.
const WEAK: &str = "$argon2id$v=19$m=1024,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$5Tx9YkNNWfq1gl0Huxrt8T0TE4IsPYoxCIG6y6JJZ6I";

#[tokio::test]
async fn every_refusal_of_a_login_costs_exactly_one_hash() {
    let api = api().await;
    register(&api, ADA).await;
    let (lenient, hasher) = counted(&api);
    for (email, password) in [
        (ADA, WRONG),
        (ADA, ""),
        ("nobody@example.com", PASSWORD),
        ("not an address", PASSWORD),
    ] {
        let before = hasher.computed();
        assert_eq!(log_in(&lenient, email, password).await.status, 401);
        assert_eq!(hasher.computed(), before + 1, "{email}");
    }
    let (strict, hasher) = counted(&strict(&api));
    assert_eq!(log_in(&strict, ADA, PASSWORD).await.status, 401);
    assert_eq!(hasher.computed(), 1, "the address is not proved");
}

#[tokio::test]
async fn what_is_too_long_to_be_a_password_is_never_hashed() {
    let api = api().await;
    let (api, hasher) = counted(&api);
    let huge = "x".repeat(1024 * 1024);
    assert_eq!(log_in(&api, ADA, &huge).await.status, 413);
    let long = "x".repeat(1025);
    assert_eq!(log_in(&api, ADA, &long).await.status, 401);
    let body = json!({"email": ADA, "password": long});
    let registered = api.post(None, "/api/v1/auth/register", body).await;
    assert_eq!(registered.status, 422);
    assert_eq!(hasher.computed(), 0);
}

#[tokio::test]
async fn passwords_count_exactly_as_they_are_sent() {
    let api = api().await;
    for (index, password) in [
        "x".repeat(64),
        "y".repeat(128),
        "  blanks at both ends  ".to_owned(),
        "a key 🔑 and an ümlaut".to_owned(),
        "a nul \0 in the middle of it".to_owned(),
    ]
    .iter()
    .enumerate()
    {
        let email = format!("person{index}@example.com");
        let body = json!({"email": email, "password": password});
        let registered = api.post(None, "/api/v1/auth/register", body).await;
        // Characters that repeat are among the ones that everybody knows.
        if index < 2 {
            assert_eq!(registered.status, 422, "{}", registered.text);
            continue;
        }
        assert_eq!(registered.status, 202, "{}", registered.text);
        assert_eq!(log_in(&api, &email, password).await.status, 200);
        for near in [
            password.trim().to_owned() + "x",
            format!("{password}x"),
            password.to_uppercase(),
            password.replace('\0', ""),
        ] {
            if near != *password {
                assert_eq!(log_in(&api, &email, &near).await.status, 401, "{near:?}");
            }
        }
    }
    for length in [64, 128] {
        let password: String = ('!'..='~').cycle().step_by(7).take(length).collect();
        let email = format!("long{length}@example.com");
        let body = json!({"email": email, "password": password});
        let registered = api.post(None, "/api/v1/auth/register", body).await;
        assert_eq!(registered.status, 202, "{}", registered.text);
        assert_eq!(log_in(&api, &email, &password).await.status, 200);
        assert_eq!(log_in(&api, &email, &password[1..]).await.status, 401);
        let cut = &password[..length - 1];
        assert_eq!(log_in(&api, &email, cut).await.status, 401);
    }
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "a weak hash comes from another day"
)]
async fn a_hash_of_another_day_is_replaced_at_the_next_login_and_not_again() {
    let api = api().await;
    register(&api, ADA).await;
    let email = Email::parse("/email", ADA).expect("an address");
    let identity = api.app.store.identity();
    let stored = async || {
        let id = identity.user_find(&email).await.expect("a read");
        let id = id.expect("a user");
        let found = identity.user_get(id).await.expect("a read");
        (id, found.expect("a user").0.password_hash)
    };
    let (id, strong) = stored().await;
    let weakened = identity.user_rehash(id, &strong, WEAK).await;
    weakened.expect("a write");
    let (api, hasher) = counted(&api);
    assert_eq!(log_in(&api, ADA, WRONG).await.status, 401);
    assert_eq!(stored().await.1, WEAK, "a wrong password replaces nothing");
    assert_eq!(log_in(&api, ADA, PASSWORD).await.status, 200);
    let (_, replaced) = stored().await;
    assert!(replaced.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_eq!(hasher.computed(), 3, "two checks and a new hash");
    assert_eq!(log_in(&api, ADA, PASSWORD).await.status, 200);
    assert_eq!(stored().await.1, replaced);
    assert_eq!(hasher.computed(), 4, "only a check");
    // Somebody changed the password between the check and the new hash: that one stays.
    let rehashed = identity.user_rehash(id, WEAK, &strong).await;
    rehashed.expect("nothing to do");
    assert_eq!(stored().await.1, replaced);
}

#[tokio::test]
async fn the_names_of_the_product_and_of_the_account_make_no_password() {
    let api = api().await;
    for password in [
        "fourteen chars",
        "passwordpassword",
        "chatterchatterchatter",
        "ada@example.com",
        "123456789012345",
    ] {
        let body = json!({"email": ADA, "password": password});
        let reply = api.post(None, "/api/v1/auth/register", body).await;
        assert_eq!(reply.status, 422, "{password}: {}", reply.text);
        assert_eq!(reply.errors()[0].0, "/password");
    }
}

#[tokio::test]
async fn a_wrong_current_password_costs_one_hash_and_a_weak_new_one_none() {
    let api = api().await;
    let token = text(&tokens(&api).await, "access_token");
    let (api, hasher) = counted(&api);
    let change = (Method::PUT, "/api/v1/auth/me/password");
    let body =
        json!({"current_password": WRONG, "new_password": "an entirely different passphrase"});
    let wrong = with_token(&api, &token, change.clone(), body).await;
    assert_eq!(wrong.problem(), (403, "forbidden".to_owned()));
    assert_eq!(hasher.computed(), 1);
    let body = json!({"current_password": PASSWORD, "new_password": "short"});
    assert_eq!(with_token(&api, &token, change, body).await.status, 422);
    assert_eq!(hasher.computed(), 1);
}
