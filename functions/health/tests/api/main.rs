//! The API of `health` as a client sees it.

#![expect(clippy::expect_used, reason = "a test that can't go on has failed")]

mod check;
mod docs_in_production;

use axum::http::Method;
use serde_json::Value;
use test_support::{Body, Fault, Reply, TestApi};

async fn api() -> TestApi {
    TestApi::new(health::router_with).await
}

fn status_of(reply: &Reply, name: &str) -> Value {
    let checks = reply.body()["checks"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    checks
        .iter()
        .find(|check| check["name"] == name)
        .map(|check| check["status"].clone())
        .unwrap_or_default()
}

#[tokio::test]
async fn it_lives_whatever_else_does_not() {
    let api = api().await;
    api.table.fail("*", Fault::Denied, 100);
    let reply = api.get(None, "/healthz").await;
    assert_eq!(
        (reply.status.as_u16(), reply.text.as_str()),
        (200, r#"{"status":"ok"}"#)
    );
    assert_eq!(api.table.take_calls(), []);
}

#[tokio::test]
async fn readiness_has_a_result_for_each_dependency_and_fails_with_any() {
    let api = api().await;
    // The table and the provider are there; the queue, the bucket and the secrets are not.
    let reply = api.get(None, "/readyz").await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.body()["status"], "not_ready");
    for (name, status) in [
        ("table", "ok"),
        ("provider:scripted", "ok"),
        ("provider:scripted-claude", "ok"),
        ("provider:scripted-gemini", "ok"),
        ("provider:scripted-bedrock", "ok"),
        ("signing_keys", "failed"),
        ("data_keys", "failed"),
        ("bucket", "failed"),
        ("queue", "failed"),
        ("mail_queue", "failed"),
        ("run_queue", "failed"),
        ("provider_keys", "failed"),
    ] {
        assert_eq!(status_of(&reply, name), status, "{name}: {}", reply.text);
    }
    assert!(
        !reply.text.contains("127.0.0.1") && !reply.text.contains("Exception"),
        "{}",
        reply.text
    );
}

#[tokio::test]
async fn asking_often_costs_what_asking_once_does() {
    let api = api().await;
    let first = api.get(None, "/readyz").await;
    api.table.take_calls();
    let second = api.get(None, "/readyz").await;
    assert_eq!(first.body(), second.body());
    assert_eq!(api.table.take_calls(), []);
}

#[tokio::test]
async fn the_document_is_served() {
    let reply = api().await.get(None, "/openapi.json").await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("content-type")),
        (200, "application/json")
    );
    assert_eq!(reply.body()["openapi"], "3.1.0");
}

#[tokio::test]
async fn the_page_is_served_without_anything_from_elsewhere() {
    let api = api().await;
    let redirect = api.get(None, "/docs").await;
    assert_eq!(
        (redirect.status.as_u16(), redirect.header("location")),
        (303, "docs/")
    );
    let page = api.get(None, "/docs/").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(
        page.header("content-security-policy")
            .contains("script-src 'self'")
    );
    assert!(
        !page.text.contains("http://") && !page.text.contains("https://"),
        "{}",
        page.text
    );
    let files = page
        .text
        .split('"')
        .filter_map(|part| part.strip_prefix("./"));
    let mut files: Vec<&str> = files.filter(|file| !file.ends_with(".png")).collect();
    files.push("index.css");
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        let reply = api.get(None, &format!("/docs/{file}")).await;
        assert_eq!(reply.status, 200, "{file}");
    }
    let initializer = api.get(None, "/docs/swagger-initializer.js").await;
    assert!(
        initializer.text.contains("../openapi.json"),
        "{}",
        initializer.text
    );
}

#[tokio::test]
async fn what_nobody_has_is_a_problem() {
    let api = api().await;
    for path in [
        "/",
        "/docs/nothing.js",
        "/docs/..%2F..%2Fetc%2Fpasswd",
        "/api/v2/x",
    ] {
        assert_eq!(
            api.get(None, path).await.problem(),
            (404, "no-such-route".to_owned()),
            "{path}"
        );
    }
    let reply = api.send(None, Method::POST, "/healthz", Body::Empty).await;
    assert_eq!(reply.problem(), (405, "method-not-allowed".to_owned()));
}
