//! Failures below `/v1`, written as OpenAI does.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method};

use super::super::problem::{Failed, is_problem};
use super::failure::{OpenAiFailure, is_pointless};
use super::is_door;
use crate::model::RequestId;

/// What OpenAI's libraries look at before they try again by themselves.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Writes what failed below `/v1` in OpenAI's form, wherever it failed. It stands inside the request log, which shall
/// have the status that the client gets.
pub(in super::super) async fn answer_as_openai(request: Request, next: Next) -> Response {
    if !is_door(request.uri().path()) {
        return next.run(request).await;
    }
    let request_id = request.extensions().get::<RequestId>().copied();
    let wants_body = request.method() != Method::HEAD;
    let mut response = next.run(request).await;
    rewrite(&mut response, request_id.as_ref());
    if !wants_body {
        *response.body_mut() = Body::empty();
    }
    response
}

/// Puts OpenAI's form in the place of a problem document. Anything else stays as it is, and so does what was rewritten
/// before.
pub(in super::super) fn rewrite(response: &mut Response, request_id: Option<&RequestId>) {
    if !is_problem(response.headers()) {
        return;
    }
    let Some(Failed(error)) = response.extensions().get::<Failed>().cloned() else {
        return;
    };
    let (status, failure) = OpenAiFailure::new(&error, request_id);
    *response.status_mut() = status;
    *response.body_mut() = Body::from(failure.to_bytes());
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if is_pointless(&error) {
        headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
    }
}
