//! The span of a request: from its arrival until its answer has been given to the runtime as a whole.

use axum::body::Body;
use axum::extract::MatchedPath;
use axum::response::Response;
use futures_util::StreamExt as _;
use http::Method;
use http_body::Body as _;

use super::problem::{Failed, Problem};
use super::trace::TraceContext;
use crate::spans::{Kind, Span};

/// The methods that the conventions know; what else a client sends is none of them.
const METHODS: [(Method, &str); 9] = [
    (Method::GET, "GET"),
    (Method::HEAD, "HEAD"),
    (Method::POST, "POST"),
    (Method::PUT, "PUT"),
    (Method::PATCH, "PATCH"),
    (Method::DELETE, "DELETE"),
    (Method::OPTIONS, "OPTIONS"),
    (Method::TRACE, "TRACE"),
    (Method::CONNECT, "CONNECT"),
];

/// Begins the span of a request.
pub(super) fn begin(trace: &TraceContext, method: &Method) -> Span {
    let known = METHODS.iter().find(|(known, _)| known == method);
    let known = known.map(|(_, name)| *name);
    let mut span = Span::of(trace.clone(), Kind::Server, known.unwrap_or("HTTP"), "");
    span.set("http.request.method", known.unwrap_or("_OTHER"));
    if span.is_recorded() {
        span.set("chatter.request_id", trace.request_id().to_string());
    }
    span
}

/// Ends it with the response, and sends what waits to be sent before this process may stand still: before a whole answer,
/// and before the end of a stream.
pub(super) async fn end(mut span: Span, response: Response) -> Response {
    if !span.is_recorded() {
        return response;
    }
    describe(&mut span, &response);
    let spans = span.trace().spans().clone();
    if response.body().size_hint().exact().is_some() {
        drop(span);
        spans.flush().await;
        return response;
    }
    let (parts, body) = response.into_parts();
    let ending = async move {
        drop(span);
        spans.flush().await;
    };
    let ending = futures_util::stream::once(ending).filter_map(async |()| None);
    let body = Body::from_stream(body.into_data_stream().chain(ending));
    Response::from_parts(parts, body)
}

fn describe(span: &mut Span, response: &Response) {
    let extensions = response.extensions();
    // The pattern and not the path: a path may hold anything.
    if let Some(route) = extensions.get::<MatchedPath>() {
        span.target(route.as_str());
        span.set("http.route", route.as_str().to_owned());
    }
    let status = response.status();
    span.set("http.response.status_code", u64::from(status.as_u16()));
    if status.is_server_error() {
        match extensions.get::<Failed>() {
            Some(failed) => span.fail(Problem::slug(&failed.0)),
            None => span.fail(status.as_str().to_owned()),
        }
    }
}
