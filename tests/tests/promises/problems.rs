//! Every failure is a problem document that says what to do, and nothing of what is inside.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::Method;
use promises::{FUNCTIONS, real_path};
use shared::http::openapi::BEARER;
use test_support::{Body, Reply, TestApi};

use crate::bodies::PLAIN;
use crate::document::operations;
use crate::sweep::Sweep;

/// Words that only our inside has: of AWS, of Rust, of files and of machines.
const INSIDE: [&str; 16] = [
    "arn:aws",
    "Exception",
    "dynamodb",
    "DynamoDB",
    "Secrets Manager",
    "panicked",
    ".rs",
    "src/",
    "/home",
    "/var/task",
    "127.0.0.1",
    "localhost",
    "TENANT#",
    "serde",
    "axum",
    "stack backtrace",
];

fn is_whole(label: &str, reply: &Reply, titles: &mut BTreeMap<String, (String, u16)>) {
    let (status, _) = reply.problem();
    let body = reply.body();
    for word in INSIDE {
        assert!(
            !reply.text.contains(word),
            "{label}: {word} in {}",
            reply.text
        );
        for (name, value) in &reply.headers {
            let value = value.to_str().expect("text");
            assert!(!value.contains(word), "{label}: {word} in {name}: {value}");
        }
    }
    if label.contains(" /v1/") {
        return;
    }
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    // RFC 3986: a scheme and no fragment that changes.
    let scheme = text("type")
        .split(':')
        .next()
        .unwrap_or_default()
        .to_owned();
    assert!(
        ["urn", "https"].contains(&scheme.as_str()),
        "{label}: {body}"
    );
    let known = titles
        .entry(text("type"))
        .or_insert_with(|| (text("title"), status));
    assert_eq!(known, &(text("title"), status), "{label}: {body}");
    let detail = text("detail");
    assert!(
        !detail.is_empty() && !detail.ends_with('.') && detail.len() < 300,
        "{label}: {detail}"
    );
}

#[tokio::test]
async fn every_failure_of_every_operation_is_a_whole_problem_document() {
    let mut titles = BTreeMap::new();
    let mut failures = 0;
    for function in FUNCTIONS {
        let sweep = Sweep::of(function, PLAIN).await;
        for exchange in &sweep.exchanges {
            let reply = &exchange.reply;
            let fails = reply.status.is_client_error() || reply.status.is_server_error();
            // `/readyz` tells what is missing in the same form as what is there.
            let readiness = exchange.operation == "GET /readyz" && reply.status == 503;
            if fails && !readiness && exchange.method != Method::HEAD {
                is_whole(&exchange.label, reply, &mut titles);
                failures += 1;
            }
        }
    }
    assert!(failures > 200, "{failures}");
    assert!(titles.len() > 10, "{titles:?}");
}

/// An access token that was tampered with in each of its three parts.
fn tampered(token: &str) -> Vec<String> {
    let parts: Vec<&str> = token.split('.').collect();
    let swapped = |part: usize| {
        let mut changed = parts.clone();
        let other: String = parts[part].chars().rev().collect();
        changed[part] = &other;
        changed.join(".")
    };
    (0..parts.len()).map(swapped).collect()
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a list of tokens")]
async fn whatever_is_wrong_with_a_token_the_answer_is_the_same() {
    let (mut checked, mut wrong) = (0, Vec::new());
    for function in FUNCTIONS {
        let api = TestApi::new(function.router).await;
        let good = api.token("ada").await;
        let key = api.people.api_key("ada", &[]).await;
        wrong = vec![
            String::new(),
            "Bearer".to_owned(),
            "Bearer ".to_owned(),
            format!("Basic {good}"),
        ];
        let (rest, last) = key.split_at(key.len() - 1);
        // Another last character, whichever it was: one key in 62 ends in any of them.
        let broken_key = format!("{rest}{}", if last == "x" { "y" } else { "x" });
        let tokens =
            tampered(&good)
                .into_iter()
                .chain([broken_key, "x".to_owned(), "a.b.c".to_owned()]);
        wrong.extend(tokens.map(|token| format!("Bearer {token}")));
        // Without a signature, as RFC 7519 section 6 has it.
        wrong.push("Bearer eyJhbGciOiJub25lIn0.e30.".to_owned());
        let document = serde_json::to_value((function.openapi)()).expect("JSON");
        for (path, method, described) in operations(&document) {
            if described["security"][0][BEARER].is_null() {
                continue;
            }
            checked += 1;
            // A source whose tokens fail has to wait for a minute.
            api.app.clock.advance(Duration::from_secs(61));
            let method: Method = method.parse().expect("a method");
            for authorization in &wrong {
                let label = format!("{method} {path} with {authorization}");
                let headers = [("authorization", authorization.as_str())];
                let reply = api
                    .send_with(
                        None,
                        method.clone(),
                        &real_path(&path),
                        Body::Empty,
                        &headers,
                    )
                    .await;
                assert_eq!(
                    reply.problem(),
                    (401, "unauthenticated".to_owned()),
                    "{label}"
                );
                let challenges: Vec<_> = reply.headers.get_all("www-authenticate").iter().collect();
                assert_eq!(challenges, [r#"Bearer error="invalid_token""#], "{label}");
                let body = reply.body();
                let told = match path.starts_with("/v1/") {
                    true => &body["error"]["message"],
                    false => &body["detail"],
                };
                let expected = match path.starts_with("/v1/") {
                    true => "send a valid API key or access token as `Authorization: Bearer <key>`",
                    false => {
                        "send a valid access token as `Authorization: Bearer <token>`; log in or refresh to get one"
                    }
                };
                assert_eq!(told, expected, "{label}");
            }
        }
    }
    assert!(checked > 10 && wrong.len() > 9, "{checked} {}", wrong.len());
}
