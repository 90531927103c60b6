//! `POST /api/v1/auth/login`

use serde_json::json;
use test_support::Fault;

use crate::helpers::{PASSWORD, api, log_in, register, text};

#[tokio::test]
async fn a_login_gives_tokens_that_hold() {
    let api = api().await;
    register(&api, "ada@example.com").await;
    let reply = log_in(&api, "ada@example.com", PASSWORD).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("cache-control"), "no-store");
    let body = reply.body();
    assert_eq!(
        (&body["token_type"], &body["expires_in"]),
        (&json!("Bearer"), &json!(600))
    );
    let bearer = format!("Bearer {}", text(&body, "access_token"));
    let me = api
        .send_with(
            None,
            axum::http::Method::GET,
            "/api/v1/auth/me",
            test_support::Body::Empty,
            &[("authorization", &bearer)],
        )
        .await;
    assert_eq!(me.status, 200, "{}", me.text);
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_password_get_the_same_answer() {
    let api = api().await;
    register(&api, "ada@example.com").await;
    let wrong = log_in(&api, "ada@example.com", "not the password at all").await;
    assert_eq!(wrong.problem(), (401, "bad-credentials".to_owned()));
    for (email, password) in [
        ("bob@example.com", PASSWORD),
        ("not an address", PASSWORD),
        ("ada@example.com", "short"),
        ("ada@example.com", ""),
        ("ada@example.com", &format!("{PASSWORD}x")),
        ("ada@example.com", &PASSWORD.to_uppercase()),
        ("ada@example.com", &"x".repeat(2000)),
    ] {
        let reply = log_in(&api, email, password).await;
        let without_id = |reply: &test_support::Reply| {
            let mut body = reply.body();
            body["request_id"] = json!(null);
            let mut headers = reply.headers.clone();
            headers.remove("x-request-id");
            headers.remove("traceparent");
            // It counts down.
            headers.remove("ratelimit");
            (reply.status, body, headers)
        };
        assert_eq!(without_id(&reply), without_id(&wrong), "{email} {password}");
    }
}

#[tokio::test]
async fn an_unknown_address_takes_the_same_reads_as_a_wrong_password() {
    let api = api().await;
    register(&api, "ada@example.com").await;
    let mut operations = Vec::new();
    for email in ["ada@example.com", "bob@example.com"] {
        api.table.take_calls();
        assert_eq!(
            log_in(&api, email, "not the password at all").await.status,
            401
        );
        let calls = api.table.take_calls().into_iter();
        operations.push(calls.map(|call| call.operation).collect::<Vec<_>>());
    }
    // The failures so far, the address, the account; the failure is counted and noted in the trail.
    assert_eq!(
        operations[0],
        [
            "GetItem",
            "GetItem",
            "Query",
            "UpdateItem",
            "GetItem",
            "TransactWriteItems"
        ]
    );
    assert_eq!(operations[0], operations[1]);
}

#[tokio::test]
async fn a_table_that_is_away_is_no_wrong_password() {
    let api = api().await;
    register(&api, "ada@example.com").await;
    api.table.fail("GetItem", Fault::Denied, 1);
    let reply = log_in(&api, "ada@example.com", PASSWORD).await;
    assert_eq!(reply.problem(), (500, "internal".to_owned()));
    assert!(
        !reply.text.contains("AccessDenied") && !reply.text.contains("on command"),
        "{}",
        reply.text
    );
}

#[tokio::test]
async fn neither_tokens_nor_password_are_in_the_table() {
    let api = api().await;
    let tokens = crate::helpers::tokens(&api).await;
    let secret = text(&tokens, "refresh_token");
    // Its last characters: the secret may have a `_` anywhere.
    let secret = &secret[secret.len() - 40..];
    let dump = api.table.dump().await;
    assert!(dump.contains("ada@example.com"), "the dump is one: {dump}");
    assert!(dump.contains("$argon2id$v=19$m=19456,t=2,p=1$"));
    for canary in [PASSWORD, secret, &text(&tokens, "access_token")] {
        assert!(!dump.contains(canary), "{canary}");
    }
}
