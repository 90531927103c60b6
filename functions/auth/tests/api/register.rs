//! `POST /api/v1/auth/register`

use serde_json::json;
use test_support::{Body, Fault};

use crate::helpers::{PASSWORD, api, log_in, register};

#[tokio::test]
async fn a_person_can_log_in_after_registering() {
    let api = api().await;
    let reply = register(&api, "ada@example.com").await;
    assert_eq!(reply.status, 202, "{}", reply.text);
    assert_eq!(log_in(&api, "Ada@Example.com", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn an_address_that_is_taken_gets_the_same_answer_and_nothing_changes() {
    let api = api().await;
    let first = register(&api, "ada@example.com").await;
    let other = json!({"email": "ADA@example.com", "password": "another long enough password"});
    let second = api.post(None, "/api/v1/auth/register", other).await;
    assert_eq!((second.status, &second.text), (first.status, &first.text));
    assert_eq!(log_in(&api, "ada@example.com", PASSWORD).await.status, 200);
    assert_eq!(
        log_in(&api, "ada@example.com", "another long enough password")
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn two_registrations_at_once_make_one_account() {
    let api = api().await;
    let tries = (0..5).map(|index| {
        let body = json!({"email": "ada@example.com", "password": format!("a long enough password {index}")});
        api.post(None, "/api/v1/auth/register", body)
    });
    for reply in futures_util::future::join_all(tries).await {
        assert_eq!(reply.status, 202, "{}", reply.text);
    }
    let mut good = 0;
    for index in 0..5 {
        let reply = log_in(
            &api,
            "ada@example.com",
            &format!("a long enough password {index}"),
        )
        .await;
        good += usize::from(reply.status == 200);
    }
    assert_eq!(good, 1);
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_by_name() {
    let api = api().await;
    let good = json!({"email": "ada@example.com", "password": PASSWORD});
    for (field, value) in [
        ("email", json!("ada")),
        ("email", json!(7)),
        ("email", json!(null)),
        ("password", json!("fourteen chars")),
        ("password", json!("x".repeat(1025))),
        ("name", json!("")),
        ("name", json!("a\nb")),
        ("role", json!("owner")),
        ("tenant_id", json!("ten_0199f0a0b1c27d3e8f405162738495a6")),
    ] {
        let mut body = good.clone();
        body[field] = value.clone();
        let reply = api.post(None, "/api/v1/auth/register", body).await;
        assert_eq!(
            reply.problem(),
            (422, "invalid-request".to_owned()),
            "{field} {value}"
        );
        assert_eq!(reply.errors()[0].0, format!("/{field}"), "{}", reply.text);
    }
    assert_eq!(api.table.take_calls(), [], "nothing was written");
}

#[tokio::test]
async fn a_huge_password_is_refused_before_it_is_hashed() {
    let api = api().await;
    let body = json!({"email": "ada@example.com", "password": "x".repeat(1024 * 1024)});
    let reply = api.post(None, "/api/v1/auth/register", body).await;
    assert_eq!(reply.problem(), (413, "body-too-large".to_owned()));
}

#[tokio::test]
async fn bodies_that_are_no_registration_are_problems_and_never_faults() {
    let api = api().await;
    let json = Some("application/json");
    for (content_type, body, status) in [
        (json, "", 400),
        (json, "{", 400),
        (json, "null", 422),
        (json, "[]", 422),
        (json, "\"x\"", 422),
        (json, "{\"email\":\"\\ud800\"}", 400),
        (json, &"[".repeat(50_000), 400),
        (None, "{}", 415),
        (Some("text/plain"), "{}", 415),
        (Some("application/x-www-form-urlencoded"), "email=a", 415),
    ] {
        let body = Body::Raw(content_type, body.as_bytes().to_vec());
        let reply = api
            .send(
                None,
                axum::http::Method::POST,
                "/api/v1/auth/register",
                body,
            )
            .await;
        let expected_for_depth = reply.status == 422;
        assert!(
            reply.status == status || expected_for_depth,
            "{status}: {}",
            reply.text
        );
        reply.problem();
    }
}

#[tokio::test]
async fn a_table_that_is_throttled_is_a_503_with_a_time_to_come_back() {
    let api = api().await;
    api.table.fail("TransactWriteItems", Fault::Throttled, 20);
    let reply = register(&api, "ada@example.com").await;
    assert_eq!(reply.problem(), (503, "unavailable".to_owned()));
    assert_eq!(reply.header("retry-after"), "1");
    api.table.heal();
    assert_eq!(register(&api, "ada@example.com").await.status, 202);
}
