//! A deprecated route as a client sees it, beside the same route before.

use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};
use sfv::{Item, Parser};
use tower::ServiceExt as _;

use super::*;
use crate::error::{Error, Result};
use crate::http::{Json, with_layers};
use crate::routes;

/// 2026-03-01T00:00:00Z
const SINCE: i64 = 1_772_323_200;
const LINK: &str = "https://chatter.internal/changes#old";
const PAGE: Deprecation = Deprecation {
    since: Moment::from_unix_seconds(SINCE),
    sunset_after: Some(Duration::from_secs(90 * 24 * 3600)),
    link: LINK,
};

/// Gives what is old.
#[utoipa::path(get, path = "/old", responses((status = 200, description = "It.")))]
async fn get_old() -> ([(HeaderName, &'static str); 1], Json<u32>) {
    ([(http::header::LINK, "</old>; rel=\"self\"")], Json(1))
}

/// Refuses.
#[utoipa::path(post, path = "/old", responses((status = 200, description = "It.")))]
async fn post_old() -> Result<()> {
    Err(Error::Unauthenticated)
}

/// Gives what is new.
#[utoipa::path(get, path = "/new", responses((status = 200, description = "It.")))]
async fn get_new() -> Json<u32> {
    Json(2)
}

fn old() -> Routes<()> {
    Routes::new().routes(routes!(get_old, post_old))
}

fn with(deprecation: Deprecation) -> Routes<()> {
    Routes::new()
        .merge(deprecated(old(), deprecation))
        .routes(routes!(get_new))
}

async fn send(routes: Routes<()>, method: Method, path: &str) -> Response {
    let router = with_layers(
        "test",
        routes.into_router(),
        &crate::config::tests::good(),
        &crate::spans::Spans::default(),
    );
    let request = Request::builder().method(method).uri(path);
    let request = request.body(Body::empty()).expect("a request");
    router.oneshot(request).await.expect("never fails")
}

fn text<'a>(response: &'a Response, name: &HeaderName) -> &'a str {
    response.headers()[name].to_str().expect("text")
}

#[tokio::test]
async fn whatever_a_deprecated_route_answers_says_since_when_until_when_and_where_to_read() {
    for (method, status) in [
        (Method::GET, StatusCode::OK),
        (Method::HEAD, StatusCode::OK),
        (Method::POST, StatusCode::UNAUTHORIZED),
    ] {
        let response = send(with(PAGE), method, "/old").await;
        assert_eq!(response.status(), status);
        let since: Item = Parser::new(text(&response, &DEPRECATION))
            .parse()
            .expect("a structured field");
        let since = since.bare_item.as_date().expect("a date");
        assert_eq!(i64::from(since.unix_seconds()), SINCE);
        let sunset = text(&response, &SUNSET);
        assert_eq!(sunset, "Sat, 30 May 2026 00:00:00 GMT");
        let links: Vec<&HeaderValue> = response
            .headers()
            .get_all(http::header::LINK)
            .iter()
            .collect();
        let link = format!("<{LINK}>; rel=\"deprecation\"; type=\"text/html\"");
        assert!(
            links.contains(&&HeaderValue::try_from(link).expect("text")),
            "{links:?}"
        );
    }
}

#[tokio::test]
async fn a_deprecated_route_does_what_it_did_before() {
    let names = [DEPRECATION, SUNSET];
    let before = send(old(), Method::GET, "/old").await;
    let after = send(with(PAGE), Method::GET, "/old").await;
    assert_eq!(before.status(), after.status());
    assert_eq!(text(&before, &CONTENT_TYPE), text(&after, &CONTENT_TYPE));
    assert!(
        after.headers().get_all(http::header::LINK).iter().count() == 2,
        "its own link stays"
    );
    let body = |response: Response| axum::body::to_bytes(response.into_body(), 1000);
    assert_eq!(
        body(before).await.expect("a body"),
        body(after).await.expect("a body")
    );
    let beside = send(with(PAGE), Method::GET, "/new").await;
    assert!(
        names
            .iter()
            .all(|name| !beside.headers().contains_key(name))
    );
}

#[tokio::test]
async fn without_a_known_end_there_is_no_sunset_and_with_one_it_is_never_before() {
    let open = Deprecation {
        sunset_after: None,
        ..PAGE
    };
    let response = send(with(open), Method::GET, "/old").await;
    assert!(
        response.headers().contains_key(DEPRECATION) && !response.headers().contains_key(SUNSET)
    );
    let at_once = Deprecation {
        sunset_after: Some(Duration::ZERO),
        ..PAGE
    };
    let response = send(with(at_once), Method::GET, "/old").await;
    assert_eq!(text(&response, &SUNSET), PAGE.since.http_date());
}

#[test]
fn the_document_marks_the_same_operations() {
    let document = serde_json::to_value(with(PAGE).into_openapi()).expect("JSON");
    let marked = |path: &str, method: &str| document["paths"][path][method]["deprecated"] == true;
    assert!(marked("/old", "get") && marked("/old", "post"));
    assert!(!marked("/new", "get"));
}
