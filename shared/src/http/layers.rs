//! What every response has, whatever the route: a request id, security headers, an end after a panic, one
//! log line.

use std::any::Any;
use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue};
use tower_http::catch_panic::CatchPanicLayer;

use super::limit::LimitCell;
use super::log::log_request;
use super::problem::{Failed, Problem};
use super::trace::{TRACEPARENT, TraceContext};
use crate::error::Error;
use crate::model::RequestId;

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
/// every response has.
pub fn with_layers(function: &'static str, router: Router) -> Router {
    router
        .fallback(async || Error::NoRoute)
        .method_not_allowed_fallback(async || Error::MethodNotAllowed)
        .layer(from_fn(refuse_long_uri))
        .layer(CatchPanicLayer::custom(answer_panic))
        .layer(from_fn(move |request, next| {
            log_request(function, request, next)
        }))
        .layer(from_fn(finish))
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

#[expect(clippy::needless_pass_by_value, reason = "the layer gives it away")]
fn answer_panic(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    Error::internal(format!("a handler panicked: {}", text.unwrap_or_default())).into_response()
}

/// The outermost layer: gives the request its id and its trace, and the response both and its headers.
async fn finish(mut request: Request, next: Next) -> Result<Response, Infallible> {
    let request_id = RequestId::new();
    let trace = TraceContext::of(&request, request_id);
    request.extensions_mut().insert(request_id);
    request.extensions_mut().insert(trace.clone());
    let limits = LimitCell::default();
    request.extensions_mut().insert(limits.clone());
    let mut response = next.run(request).await;
    if let Some(Failed(error)) = response.extensions().get::<Failed>() {
        let problem = Problem::new(error, Some(&request_id)).to_bytes();
        response.headers_mut().remove(CONTENT_LENGTH);
        *response.body_mut() = Body::from(problem);
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&request_id.to_string()) {
        headers.insert(X_REQUEST_ID, value);
    }
    if let Some(value) = trace.traceparent() {
        headers.insert(TRACEPARENT, value);
    }
    limits.write(headers);
    add_missing(headers);
    Ok(response)
}

fn add_missing(headers: &mut HeaderMap) {
    for (name, value) in SECURITY_HEADERS {
        headers.entry(name).or_insert(value);
    }
}
