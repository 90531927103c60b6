//! What is the same for every path below `/v1`: failures and headers as OpenAI's clients read them.

use axum::Router;
use axum::http::Method;
use axum::routing::post;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::http::{Json, MAX_BODY_BYTES};
use shared::{Error, FieldError};
use test_support::{Body, ORIGIN, Reply, TestApi};

/// A body with rules.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Thing {
    words: Vec<String>,
    #[serde(default)]
    fails: Option<String>,
}

#[expect(clippy::panic, reason = "what becomes of a panic is to be seen")]
async fn take(Json(thing): Json<Thing>) -> Result<String, Error> {
    match thing.fails.as_deref() {
        Some("busy") => Err(Error::ConversationBusy),
        Some("conflict") => Err(Error::Conflict("it can't be done")),
        Some("model") => Err(Error::unknown_model("/model", "there is no such model")),
        Some("twice") => Err(Error::Invalid(vec![
            FieldError::new("/words/0", "is bad"),
            FieldError::new("/fails", "is worse"),
        ])),
        Some("panic") => panic!("no"),
        Some(_) => Err(Error::unsupported(
            "/fails",
            "is not supported; leave it out",
        )),
        None => Ok(thing.words.concat()),
    }
}

async fn api() -> TestApi {
    let routes = |_, _| {
        let routes = Router::new().route("/v1/things", post(take));
        Ok(routes.route("/api/v1/things", post(take)))
    };
    TestApi::new(routes).await
}

async fn send(body: Body) -> Reply {
    let api = api().await;
    api.send(None, Method::POST, "/v1/things", body).await
}

fn error(code: &str, param: Option<&str>) -> (String, String, Option<String>) {
    let kind = "invalid_request_error".to_owned();
    (kind, code.to_owned(), param.map(str::to_owned))
}

#[tokio::test]
async fn what_fails_before_any_handler_has_openai_s_form() {
    let api = api().await;
    for path in ["/v1/nothing", "/v1", "/v1/"] {
        let reply = api.get(None, path).await;
        assert_eq!(reply.problem(), (404, "no-such-route".to_owned()), "{path}");
        assert_eq!(reply.openai(), error("no_such_route", None), "{path}");
    }
    let wrong = api.get(None, "/v1/things").await;
    assert_eq!(wrong.problem(), (405, "method-not-allowed".to_owned()));
    assert_eq!(wrong.header("allow"), "OPTIONS, POST");
    let long = format!("/v1/things?{}", "x".repeat(9000));
    let long = api.get(None, &long).await;
    assert_eq!(long.problem(), (414, "uri-too-long".to_owned()));
    let head = api
        .send(None, Method::HEAD, "/v1/nothing", Body::Empty)
        .await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (404, ""));
}

#[tokio::test]
async fn bodies_that_are_wrong_are_named_as_openai_does() {
    for (body, status, code, param) in [
        (json!({"words": []}), 200, "", None),
        (json!({}), 400, "missing_required_parameter", Some("words")),
        (json!({"words": 1}), 400, "invalid_value", Some("words")),
        (
            json!({"words": ["a", 1]}),
            400,
            "invalid_value",
            Some("words[1]"),
        ),
        (
            json!({"words": [], "n": 1}),
            400,
            "unknown_parameter",
            Some("n"),
        ),
        (json!([]), 400, "invalid_value", None),
        (
            json!({"words": [], "fails": "x"}),
            400,
            "unsupported_parameter",
            Some("fails"),
        ),
        (
            json!({"words": [], "fails": "twice"}),
            400,
            "invalid_value",
            Some("words[0]"),
        ),
        (
            json!({"words": [], "fails": "model"}),
            404,
            "model_not_found",
            Some("model"),
        ),
    ] {
        let reply = send(Body::Json(body.clone())).await;
        assert_eq!(reply.status, status, "{body}: {}", reply.text);
        if status != 200 {
            assert_eq!(reply.openai(), error(code, param), "{body}");
            assert_eq!(reply.header("content-type"), "application/json");
        }
    }
    let twice = send(Body::Json(json!({"words": [], "fails": "twice"}))).await;
    let message = &twice.body()["error"]["message"];
    assert_eq!(message, "words[0]: is bad; fails: is worse");
    let cut = send(Body::Raw(Some("application/json"), b"{\"words\":".to_vec())).await;
    assert_eq!(cut.status, 400);
    assert_eq!(cut.openai(), error("malformed_request", None));
    let form = send(Body::Raw(Some("text/plain"), b"{}".to_vec())).await;
    assert_eq!(form.problem(), (415, "unsupported-media-type".to_owned()));
    let large = vec![b' '; MAX_BODY_BYTES + 1];
    let large = send(Body::Raw(Some("application/json"), large)).await;
    assert_eq!(large.problem(), (413, "body-too-large".to_owned()));
}

#[tokio::test]
async fn libraries_are_told_what_trying_again_can_t_help() {
    for (fails, status, retry, pause) in [
        ("busy", 409, "", "1"),
        ("conflict", 409, "false", ""),
        ("panic", 500, "", ""),
    ] {
        let reply = send(Body::Json(json!({"words": [], "fails": fails}))).await;
        assert_eq!(reply.problem().0, status, "{fails}");
        assert_eq!(reply.header("x-should-retry"), retry, "{fails}");
        assert_eq!(reply.header("retry-after"), pause, "{fails}");
    }
}

#[tokio::test]
async fn every_response_says_how_long_it_took_and_the_native_api_is_as_it_was() {
    let api = api().await;
    for (path, body) in [
        ("/v1/things", json!({"words": []})),
        ("/v1/things", json!({})),
        ("/v1/nothing", json!({})),
    ] {
        let reply = api.post(None, path, body).await;
        assert_eq!(reply.header("openai-version"), "2020-10-01", "{path}");
        let took = reply.header("openai-processing-ms").parse::<u64>();
        assert!(took.is_ok_and(|took| took < 60_000), "{path}");
        assert!(reply.header("x-request-id").starts_with("req_"), "{path}");
    }
    let native = api.post(None, "/api/v1/things", json!({})).await;
    assert_eq!(native.problem(), (422, "invalid-request".to_owned()));
    let told = json!([{"field": "/words", "detail": "must be given"}]);
    assert_eq!(native.body()["errors"], told);
    for name in ["openai-version", "openai-processing-ms", "x-should-retry"] {
        assert!(!native.headers.contains_key(name), "{name}");
    }
    assert_eq!(native.body()["error"], Value::Null);
}

#[tokio::test]
async fn pages_may_read_the_headers_of_openai() {
    let api = api().await;
    let headers = [("origin", ORIGIN)];
    let path = "/v1/nothing";
    let reply = api.send_with(None, Method::GET, path, Body::Empty, &headers);
    let reply = reply.await;
    let exposed = reply.header("access-control-expose-headers");
    for name in [
        "openai-processing-ms",
        "openai-version",
        "x-ratelimit-limit-requests",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
        "x-should-retry",
    ] {
        assert!(exposed.split(", ").any(|known| known == name), "{name}");
    }
}
