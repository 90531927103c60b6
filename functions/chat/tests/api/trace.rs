//! The trace of a request goes on at the model provider.

use axum::http::Method;
use serde_json::json;
use test_support::{Body, TestApi};

use crate::helpers::{ADA, api, conversation};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// Sends a turn with those headers: the trace that the reply names, and the headers that the provider got.
async fn turn(api: &TestApi, headers: &[(&'static str, &str)]) -> (String, Vec<(String, String)>) {
    let path = conversation(api, json!({})).await;
    let body = Body::Json(json!({"content": "hello"}));
    let reply = api.send_with(ADA, Method::POST, &path, body, headers).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let trace = reply.header("traceparent").split('-').nth(1);
    let received = api.provider.take_requests().remove(0).headers;
    let text = |value: &axum::http::HeaderValue| value.to_str().expect("text").to_owned();
    let received = received
        .iter()
        .map(|(name, value)| (name.to_string(), text(value)));
    (trace.expect("a trace").to_owned(), received.collect())
}

fn value<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|(other, _)| other == name);
    found.map(|(_, value)| value.as_str())
}

#[tokio::test]
async fn the_provider_gets_the_trace_of_the_request_and_nothing_else_of_it() {
    let api = api().await;
    let parent = format!("00-{TRACE}-b7ad6b7169203331-01");
    let (trace, received) = turn(
        &api,
        &[
            ("traceparent", &parent),
            ("tracestate", "acme=1"),
            ("baggage", "user=ada"),
            (
                "x-amzn-trace-id",
                "Root=1-5759e988-bd862e3fe1be46a994272793",
            ),
            ("x-forwarded-for", "198.51.100.1"),
        ],
    )
    .await;
    assert_eq!(trace, TRACE);
    let sent = value(&received, "traceparent").expect("a trace");
    assert!(sent.starts_with(&format!("00-{TRACE}-")) && sent.ends_with("-01"));
    assert_ne!(sent, parent, "a step of its own");
    assert_eq!(value(&received, "tracestate"), Some("acme=1"));
    for name in ["baggage", "x-amzn-trace-id", "x-forwarded-for"] {
        assert_eq!(value(&received, name), None, "{name}");
    }
}

#[tokio::test]
async fn a_trace_that_can_t_be_read_is_replaced_and_refuses_nothing() {
    let api = api().await;
    for parent in ["00-0-0-00", "ff-", "\u{e9}"] {
        let headers = [("traceparent", parent), ("tracestate", "acme=1")];
        let (trace, received) = turn(&api, &headers).await;
        let sent = value(&received, "traceparent").expect("a trace");
        assert_eq!(sent.split('-').nth(1), Some(trace.as_str()));
        assert_eq!(value(&received, "tracestate"), None);
    }
}
