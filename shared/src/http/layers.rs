//! What every response has, whatever the route: a request id, a trace, security headers, an answer to the page
//! that asks, an end after a panic, one log line. Below `/v1` it speaks as OpenAI does.

use std::any::Any;
use std::convert::Infallible;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName,
    REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method};
use tower_http::catch_panic::CatchPanicLayer;

use super::cors::Cors;
use super::limit::LimitCell;
use super::log::{Logged, log_request};
use super::methods::answer_methods;
use super::once::done_once;
use super::openai;
use super::problem::{Failed, Problem, is_problem};
use super::trace::{TRACEPARENT, TraceContext};
use super::traced;
use crate::config::Config;
use crate::error::Error;
use crate::model::RequestId;
use crate::spans::Spans;

/// The longest path and query, in bytes.
const MAX_URI_BYTES: usize = 8 * 1024;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// OWASP REST Security Cheat Sheet. A response that has one of these keeps its own.
const SECURITY_HEADERS: [(HeaderName, HeaderValue); 5] = [
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        STRICT_TRANSPORT_SECURITY,
        HeaderValue::from_static("max-age=31536000; includeSubDomains"),
    ),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
];

/// A function's router as it is served: with an answer for what no route takes, and with everything that
/// every response has. What becomes of a request is recorded by `spans`.
///
/// The layers stand around the router as a whole, because it adds `Allow` after its own layers have run.
pub fn with_layers(
    function: &'static str,
    router: Router,
    config: &Config,
    spans: &Spans,
) -> Router {
    let spans = spans.clone();
    let cors = Cors::new(&config.allowed_origins);
    let logged = Logged {
        function,
        stage: config.stage,
        metrics: config.metrics,
    };
    let routes = router
        .fallback(async || Error::NoRoute)
        .method_not_allowed_fallback(async || Error::MethodNotAllowed)
        .layer(CatchPanicLayer::custom(answer_panic))
        .layer(from_fn(done_once))
        .layer(from_fn(tell_route));
    Router::new()
        .fallback_service(routes)
        .layer(from_fn(answer_methods))
        .layer(from_fn(refuse_long_uri))
        .layer(from_fn(openai::answer_as_openai))
        .layer(from_fn(move |request, next| {
            log_request(logged, request, next)
        }))
        .layer(from_fn(move |request, next| {
            finish((cors.clone(), spans.clone()), request, next)
        }))
}

/// Leaves the route's pattern in the response: the layers around the router see only the path that was sent.
async fn tell_route(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(route) = route {
        response.extensions_mut().insert(route);
    }
    response
}

async fn refuse_long_uri(request: Request, next: Next) -> Response {
    let length = request
        .uri()
        .path_and_query()
        .map_or(0, |uri| uri.as_str().len());
    if length > MAX_URI_BYTES {
        let limit_bytes = MAX_URI_BYTES;
        return Error::UriTooLong { limit_bytes }.into_response();
    }
    next.run(request).await
}

/// Where and why stands in the line of the panic itself (`telemetry`): its text may quote what a client sent.
fn answer_panic(_: Box<dyn Any + Send>) -> Response {
    Error::internal("a handler panicked").into_response()
}

/// The outermost layer: gives the request its id and its trace, and the response both and its headers.
async fn finish(
    (cors, spans): (Cors, Spans),
    mut request: Request,
    next: Next,
) -> Result<Response, Infallible> {
    let request_id = RequestId::new();
    let trace = TraceContext::of(&request, request_id, &spans);
    let span = traced::begin(&trace, request.method());
    request.extensions_mut().insert(request_id);
    request.extensions_mut().insert(trace.clone());
    let wants_body = request.method() != Method::HEAD;
    let door = openai::is_door(request.uri().path());
    let began = Instant::now();
    let asked = cors.asked(request.method(), request.headers());
    let limits = LimitCell::default();
    request.extensions_mut().insert(limits.clone());
    let mut response = trace.clone().scope(next.run(request)).await;
    if let Some(Failed(error)) = response.extensions().get::<Failed>()
        && is_problem(response.headers())
    {
        let problem = Problem::new(error, Some(&request_id)).to_bytes();
        response.headers_mut().remove(CONTENT_LENGTH);
        *response.body_mut() = if wants_body {
            Body::from(problem)
        } else {
            Body::empty()
        };
    }
    let status = response.status();
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&request_id.to_string()) {
        headers.insert(X_REQUEST_ID, value);
    }
    if let Some(value) = trace.traceparent() {
        headers.insert(TRACEPARENT, value);
    }
    limits.write(headers);
    if door {
        openai::write_headers(headers, began.elapsed(), limits.tightest());
    }
    asked.write(status, headers);
    name_charset(headers);
    add_missing(headers);
    Ok(traced::end(span, response).await)
}

/// All our texts are UTF-8. Media types that are not `text/` know their charset themselves.
fn name_charset(headers: &mut HeaderMap) {
    let found = headers.get(CONTENT_TYPE);
    let found = found.and_then(|value| value.to_str().ok());
    let text = found.filter(|value| value.starts_with("text/") && !value.contains(';'));
    let whole = text.map(|text| HeaderValue::try_from(format!("{text}; charset=utf-8")));
    if let Some(Ok(value)) = whole {
        headers.insert(CONTENT_TYPE, value);
    }
}

fn add_missing(headers: &mut HeaderMap) {
    for (name, value) in SECURITY_HEADERS {
        headers.entry(name).or_insert(value);
    }
}
