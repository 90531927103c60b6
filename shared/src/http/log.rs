//! The request log: one line a request, without bodies, tokens or addresses.

use std::error::Error as _;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;

use super::problem::{Failed, Problem};
use crate::auth::Caller;
use crate::error::Error;
use crate::model::RequestId;

/// Where the extractor of the caller leaves who it is, for the log line.
#[derive(Debug, Clone, Default)]
pub(super) struct LoggedCaller(Arc<OnceLock<Caller>>);

impl LoggedCaller {
    pub(super) fn set(&self, caller: &Caller) {
        // A request has one caller; a second extraction finds the same.
        self.0.get_or_init(|| *caller);
    }
}

/// Writes the line when the response's head is ready; a stream's end has a line of its own.
pub(super) async fn log_request(
    function: &'static str,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let request_id = request
        .extensions()
        .get::<RequestId>()
        .map(ToString::to_string)
        .unwrap_or_default();
    let lambda_request_id = request
        .extensions()
        .get::<lambda_http::Context>()
        .map(|context| context.request_id.clone())
        .unwrap_or_default();
    let method = request.method().clone();
    // The route's pattern and not the path: a path may hold anything.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("-", MatchedPath::as_str)
        .to_owned();
    let caller = LoggedCaller::default();
    request.extensions_mut().insert(caller.clone());

    let response = next.run(request).await;

    let status = response.status().as_u16();
    let milliseconds = started.elapsed().as_secs_f64() * 1000.0;
    let tenant = caller
        .0
        .get()
        .map(|caller| caller.tenant().to_string())
        .unwrap_or_default();
    let user = caller
        .0
        .get()
        .map(|caller| caller.user().to_string())
        .unwrap_or_default();
    let failed = response.extensions().get::<Failed>();
    let problem = failed
        .map(|failed| Problem::slug(&failed.0))
        .unwrap_or_default();
    let cause = failed.map(|failed| causes(&failed.0)).unwrap_or_default();
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                function,
                request_id,
                lambda_request_id,
                %method,
                route,
                status,
                milliseconds,
                tenant,
                user,
                problem,
                cause,
                "{method} {route} {status}"
            )
        };
    }
    match status {
        500.. => line!(error),
        _ => line!(info),
    }
    response
}

/// The chain of causes of an error. Texts that come from a client are never causes.
pub(crate) fn causes(error: &Error) -> String {
    let mut texts = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        texts.push(cause.to_string());
        next = cause.source();
    }
    texts.join(": ")
}
