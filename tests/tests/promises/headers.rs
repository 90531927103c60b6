//! What every response says, whatever was asked, and which pages may read it.

use std::collections::BTreeSet;

use axum::Router;
use axum::http::Method;
use axum::routing::get;
use promises::FUNCTIONS;
use test_support::{Body, ORIGIN, Reply, TestApi};

use crate::bodies::PLAIN;
use crate::document::{document, operations};
use crate::fields::are_structured;
use crate::sweep::Sweep;

/// What says nothing about anybody, and may be kept for a while.
const CACHED: [&str; 3] = [
    "GET /openapi.json",
    "GET /.well-known/jwks.json",
    "the page",
];

/// Media types of answers: exactly these.
const MEDIA_TYPES: [&str; 7] = [
    "application/json",
    "application/jwk-set+json",
    "application/octet-stream",
    "application/problem+json",
    "text/event-stream; charset=utf-8",
    "text/html; charset=utf-8",
    "text/plain; charset=utf-8",
];

/// What no response has where no page asks.
const REVEALING: [&str; 6] = [
    "server",
    "x-powered-by",
    "via",
    "set-cookie",
    "access-control-allow-origin",
    "access-control-allow-credentials",
];

/// Origins that are not listed, however alike they look.
const OTHERS: [&str; 8] = [
    "https://evil.test",
    "null",
    "*",
    "",
    "http://app.chatter.internal",
    "https://app.chatter.internal.evil.test",
    "https://APP.chatter.internal",
    "https://app.chatter.internal:8443",
];

fn values<'a>(reply: &'a Reply, name: &str) -> Vec<&'a str> {
    let all = reply.headers.get_all(name).iter();
    all.map(|value| value.to_str().expect("text")).collect()
}

/// The value of a header that stands exactly once.
pub(crate) fn one<'a>(label: &str, reply: &'a Reply, name: &str) -> &'a str {
    let values = values(reply, name);
    assert_eq!(values.len(), 1, "{label}: {name}: {values:?}");
    values[0]
}

/// OWASP REST Security Cheat Sheet, ASVS 3.4.
fn has_its_headers(label: &str, operation: &str, reply: &Reply) {
    let cached = CACHED.contains(&operation) && reply.status.is_success();
    let page = operation == "the page" && reply.status.is_success();
    let one = |name| one(label, reply, name);
    let keeping = one("cache-control");
    assert_eq!(keeping == "no-store", !cached, "{label}: {keeping}");
    assert_eq!(one("x-content-type-options"), "nosniff", "{label}");
    assert_eq!(one("referrer-policy"), "no-referrer", "{label}");
    let transport = one("strict-transport-security");
    let age = transport.strip_suffix("; includeSubDomains");
    let age = age.and_then(|age| age.strip_prefix("max-age=")?.parse::<u32>().ok());
    assert!(age >= Some(31_536_000), "{label}: {transport}");
    let policy = one("content-security-policy");
    let starts = [
        "default-src 'none'; frame-ancestors 'none'",
        "default-src 'none'; script-src 'self';",
    ];
    assert!(
        policy.starts_with(starts[usize::from(page)]),
        "{label}: {policy}"
    );
    assert!(
        policy.ends_with("frame-ancestors 'none'"),
        "{label}: {policy}"
    );
    assert!(one("x-request-id").starts_with("req_"), "{label}");
    assert_eq!(one("traceparent").len(), 55, "{label}");
    assert!(values(reply, "vary").contains(&"Origin"), "{label}");
    are_structured(label, operation, reply);
    for name in REVEALING {
        assert!(!reply.headers.contains_key(name), "{label}: {name}");
    }
    if !reply.text.is_empty() {
        let media_type = one("content-type");
        let known = MEDIA_TYPES.contains(&media_type) || operation == "the page";
        assert!(known, "{label}: {media_type}");
        let named = media_type.contains("charset=utf-8");
        assert_eq!(
            media_type.starts_with("text/"),
            named,
            "{label}: {media_type}"
        );
    }
}

#[tokio::test]
async fn every_response_of_every_operation_has_its_headers() {
    for function in FUNCTIONS {
        let sweep = Sweep::of(function, PLAIN).await;
        for exchange in &sweep.exchanges {
            // What OPTIONS is answered is not what may be kept.
            let operation = match exchange.method {
                Method::OPTIONS => "none",
                _ => &exchange.operation,
            };
            has_its_headers(&exchange.label, operation, &exchange.reply);
        }
        for path in ["/", "/no/such/route", "/api/v2/x?y=z"] {
            let reply = sweep.api.get(None, path).await;
            assert_eq!(reply.status, 404);
            has_its_headers(path, "none", &reply);
        }
        let statuses: BTreeSet<u16> = sweep
            .exchanges
            .iter()
            .map(|exchange| exchange.reply.status.as_u16())
            .collect();
        assert!(
            statuses.contains(&200) && statuses.contains(&405) && statuses.contains(&204),
            "{statuses:?}"
        );
    }
}

#[tokio::test]
async fn streams_pages_and_panics_have_their_headers_too() {
    let chat = FUNCTIONS
        .into_iter()
        .find(|function| function.name == "chat")
        .expect("chat");
    let sweep = Sweep::of(chat, PLAIN).await;
    let streams = sweep.exchanges.iter().filter(|exchange| {
        exchange.reply.header("content-type") == "text/event-stream; charset=utf-8"
    });
    assert!(streams.count() >= 2);

    let health = TestApi::new(health::router_with).await;
    for path in [
        "/docs",
        "/docs/",
        "/docs/swagger-ui.css",
        "/docs/swagger-ui-bundle.js",
        "/docs/none",
    ] {
        has_its_headers(path, "the page", &health.get(None, path).await);
    }
    let broken = TestApi::new(|_, _| {
        let panics = get(async || {
            if true {
                panic!("no");
            }
        });
        Ok(Router::new().route("/broken", panics))
    })
    .await;
    let reply = broken.get(None, "/broken").await;
    assert_eq!(reply.status, 500);
    has_its_headers("a panic", "none", &reply);
}

/// The headers that answer a page at that origin.
async fn asked(
    api: &TestApi,
    method: Method,
    path: &str,
    origin: &str,
    more: &[(&'static str, &str)],
) -> Reply {
    let headers = [&[("origin", origin)], more].concat();
    api.send_with(None, method, path, Body::Empty, &headers)
        .await
}

/// Whether anything in a reply is for a page.
fn is_for_a_page(reply: &Reply) -> bool {
    let mut names = reply.headers.keys();
    names.any(|name| name.as_str().starts_with("access-control-"))
}

#[tokio::test]
async fn a_listed_page_may_read_every_answer_and_no_other_page_may() {
    for function in FUNCTIONS {
        let api = TestApi::new(function.router).await;
        let own = serde_json::to_value((function.openapi)()).expect("JSON");
        let paths = operations(&own)
            .into_iter()
            .map(|(path, ..)| promises::real_path(&path));
        for path in paths.chain(["/no/such/route".to_owned()]) {
            for method in [
                Method::GET,
                Method::POST,
                Method::DELETE,
                Method::OPTIONS,
                Method::TRACE,
            ] {
                let label = format!("{method} {path}");
                let listed = asked(&api, method.clone(), &path, ORIGIN, &[]).await;
                assert_eq!(one(&label, &listed, "access-control-allow-origin"), ORIGIN);
                let exposed = one(&label, &listed, "access-control-expose-headers");
                assert!(exposed.contains("x-request-id"), "{label}");
                assert!(
                    !listed
                        .headers
                        .contains_key("access-control-allow-credentials"),
                    "{label}"
                );
                for other in OTHERS {
                    let reply = asked(&api, method.clone(), &path, other, &[]).await;
                    assert!(!is_for_a_page(&reply), "{label} for {other}");
                    assert!(
                        values(&reply, "vary").contains(&"Origin"),
                        "{label} for {other}"
                    );
                    assert_eq!(reply.status, listed.status, "{label} for {other}");
                }
                let both = [("origin", "https://evil.test")];
                let both = asked(&api, method.clone(), &path, ORIGIN, &both).await;
                assert!(!is_for_a_page(&both), "{label} with two origins");
            }
        }
    }
}

#[tokio::test]
async fn a_browser_that_asks_before_is_told_without_a_token_and_without_a_read() {
    for function in FUNCTIONS {
        let api = TestApi::new(function.router).await;
        let own = serde_json::to_value((function.openapi)()).expect("JSON");
        for (path, method, _) in operations(&own) {
            let real = promises::real_path(&path);
            let more = [
                ("access-control-request-method", method.as_str()),
                (
                    "access-control-request-headers",
                    "authorization,content-type",
                ),
            ];
            api.table.take_calls();
            let reply = asked(&api, Method::OPTIONS, &real, ORIGIN, &more).await;
            assert_eq!(
                (reply.status.as_u16(), reply.text.as_str()),
                (204, ""),
                "{path}"
            );
            let allowed = reply.header("access-control-allow-methods");
            assert!(
                allowed.split(", ").any(|one| one == method),
                "{method} {path}: {allowed}"
            );
            assert_eq!(allowed, reply.header("allow"), "{path}");
            let headers: Vec<&str> = reply
                .header("access-control-allow-headers")
                .split(", ")
                .collect();
            for name in [
                "authorization",
                "content-type",
                "idempotency-key",
                "if-match",
                "traceparent",
            ] {
                assert!(headers.contains(&name), "{name}: {headers:?}");
            }
            assert_eq!(reply.header("access-control-max-age"), "600");
            assert_eq!(api.table.take_calls(), [], "{path}");
            let other = asked(&api, Method::OPTIONS, &real, "https://evil.test", &more).await;
            assert!(!is_for_a_page(&other), "{path}");
        }
        let nowhere = asked(
            &api,
            Method::OPTIONS,
            "/no/such/route",
            ORIGIN,
            &[("access-control-request-method", "GET")],
        )
        .await;
        assert_eq!(nowhere.problem(), (404, "no-such-route".to_owned()));
        assert!(!nowhere.headers.contains_key("access-control-allow-methods"));
    }
}

#[tokio::test]
async fn pages_may_read_every_header_that_the_document_names_and_send_every_one_that_it_takes() {
    let api = TestApi::new(|app, _| models::router(app)).await;
    let reply = asked(&api, Method::GET, "/api/v1/models", ORIGIN, &[]).await;
    let exposed: Vec<&str> = reply
        .header("access-control-expose-headers")
        .split(", ")
        .collect();
    let more = [("access-control-request-method", "GET")];
    let preflight = asked(&api, Method::OPTIONS, "/api/v1/models", ORIGIN, &more).await;
    let taken: Vec<&str> = preflight
        .header("access-control-allow-headers")
        .split(", ")
        .collect();
    let mut seen = 0;
    for (path, method, operation) in operations(&document()) {
        for response in operation["responses"]
            .as_object()
            .expect("responses")
            .values()
        {
            for name in response["headers"]
                .as_object()
                .into_iter()
                .flat_map(|headers| headers.keys())
            {
                seen += 1;
                let name = name.to_lowercase();
                assert!(
                    exposed.contains(&name.as_str()) || name == "content-type",
                    "{method} {path}: {name}"
                );
            }
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] == "header" {
                let name = parameter["name"].as_str().expect("a name").to_lowercase();
                assert!(taken.contains(&name.as_str()), "{method} {path}: {name}");
            }
        }
    }
    assert!(seen > 0, "no operation names a header");
    for name in [
        "etag",
        "location",
        "retry-after",
        "ratelimit",
        "ratelimit-policy",
        "deprecation",
        "sunset",
        "link",
    ] {
        assert!(exposed.contains(&name), "{name}");
    }
}

#[tokio::test]
async fn a_trace_that_can_t_be_read_changes_no_answer() {
    let long = "0".repeat(5000);
    let parent = "00-12345678901234567890123456789012-1234567890123456-01";
    let odd = [
        [("traceparent", "00-0-0-00"), ("tracestate", "=,,==")],
        [("traceparent", "\u{e9}"), ("tracestate", "\u{e9}")],
        [
            ("traceparent", long.as_str()),
            ("tracestate", long.as_str()),
        ],
        [("traceparent", parent), ("traceparent", parent)],
        [("traceparent", parent), ("tracestate", "a=1,a=2")],
    ];
    for function in FUNCTIONS {
        let api = TestApi::new(function.router).await;
        let own = serde_json::to_value((function.openapi)()).expect("JSON");
        for (path, method, _) in operations(&own) {
            let method: Method = method.parse().expect("a method");
            let real = promises::real_path(&path);
            for who in [None, Some("ada")] {
                // What changes something is sent without a token only.
                if who.is_some() && method != Method::GET {
                    continue;
                }
                let plain = api.send(who, method.clone(), &real, Body::Empty).await;
                for headers in &odd {
                    let reply = api
                        .send_with(who, method.clone(), &real, Body::Empty, headers)
                        .await;
                    assert_eq!(reply.status, plain.status, "{method} {path} {headers:?}");
                }
            }
        }
    }
}
