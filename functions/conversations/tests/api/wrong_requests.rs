//! What every function does with requests that fit no route, and what every response has.

use axum::http::Method;
use serde_json::json;
use test_support::{Body, Fault};

use crate::helpers::{ADA, PATH, api, create};

#[tokio::test]
async fn what_no_route_takes_is_a_problem_of_its_own() {
    let api = api().await;
    assert_eq!(
        api.get(ADA, "/api/v1/nothing").await.problem(),
        (404, "no-such-route".to_owned())
    );
    assert_eq!(
        api.get(ADA, &format!("{PATH}/")).await.problem(),
        (404, "no-such-route".to_owned())
    );
    let reply = api
        .send(ADA, Method::PUT, PATH, Body::Json(json!({})))
        .await;
    assert_eq!(reply.problem(), (405, "method-not-allowed".to_owned()));
    let mut allowed: Vec<&str> = reply.header("allow").split(',').map(str::trim).collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "OPTIONS", "POST"]);
}

#[tokio::test]
async fn a_client_that_accepts_no_json_is_told_before_anything_is_done() {
    let api = api().await;
    let headers = [("accept", "text/html")];
    let reply = api
        .send_with(ADA, Method::POST, PATH, Body::Json(json!({})), &headers)
        .await;
    assert_eq!(reply.problem(), (406, "not-acceptable".to_owned()));
    let calls = api.table.take_calls();
    assert_eq!(calls.len(), 1, "only who calls was read: {calls:?}");
}

#[tokio::test]
async fn a_uri_that_is_too_long_is_told() {
    let api = api().await;
    let reply = api
        .get(ADA, &format!("{PATH}?cursor={}", "x".repeat(9000)))
        .await;
    assert_eq!(reply.problem(), (414, "uri-too-long".to_owned()));
}

#[tokio::test]
async fn every_response_has_an_id_and_the_security_headers() {
    let api = api().await;
    let path = create(&api, ADA, "Oslo").await;
    let replies = [
        api.get(ADA, &path).await,
        api.get(None, &path).await,
        api.get(ADA, "/nothing").await,
        api.send(ADA, Method::OPTIONS, &path, Body::Empty).await,
        api.send(ADA, Method::HEAD, &path, Body::Empty).await,
        api.delete(ADA, &path).await,
    ];
    let mut ids = Vec::new();
    for reply in &replies {
        for (name, value) in [
            ("cache-control", "no-store"),
            (
                "content-security-policy",
                "default-src 'none'; frame-ancestors 'none'",
            ),
            ("referrer-policy", "no-referrer"),
            (
                "strict-transport-security",
                "max-age=31536000; includeSubDomains",
            ),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(reply.header(name), value, "{name} of {}", reply.status);
        }
        assert_eq!(reply.header("server"), "");
        ids.push(reply.header("x-request-id").to_owned());
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), replies.len());
    assert!(ids.iter().all(|id| id.starts_with("req_")), "{ids:?}");
}

#[tokio::test]
async fn a_fault_of_the_table_shows_nothing_of_itself() {
    let api = api().await;
    let path = create(&api, ADA, "Oslo").await;
    for (fault, times, expected) in [
        (Fault::Denied, 1, (500, "internal".to_owned())),
        (Fault::Throttled, 20, (503, "unavailable".to_owned())),
    ] {
        api.table.fail("GetItem", fault, times);
        let reply = api.get(ADA, &path).await;
        assert_eq!(reply.problem(), expected);
        for leak in ["dynamo", "Exception", "on command", "chatter", "127.0.0.1"] {
            let text = reply.text.replace("urn:chatter:problem", "");
            assert!(!text.contains(leak), "{leak} in {text}");
        }
        api.table.heal();
    }
    assert_eq!(
        api.get(ADA, &path).await.status,
        200,
        "the next request works"
    );
}

#[tokio::test]
async fn a_table_that_is_throttled_for_a_moment_is_not_noticed() {
    let api = api().await;
    let path = create(&api, ADA, "Oslo").await;
    api.table.fail("GetItem", Fault::Throttled, 2);
    assert_eq!(api.get(ADA, &path).await.status, 200);
}
