//! The request log: one line a request, without bodies, tokens or addresses.

use std::error::Error as _;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;

use super::problem::{Failed, Problem};
use super::trace::TraceContext;
use crate::auth::Caller;
use crate::config::Stage;
use crate::error::Error;
use crate::metrics::{Detail, Figures, Unit};
use crate::model::RequestId;

/// Where the extractor of the caller leaves who it is, for the log line.
#[derive(Debug, Clone, Default)]
pub(super) struct LoggedCaller(Arc<OnceLock<Caller>>);

impl LoggedCaller {
    pub(super) fn set(&self, caller: &Caller) {
        // A request has one caller; a second extraction finds the same.
        self.0.get_or_init(|| caller.clone());
    }
}

/// Whose requests are logged, and how much of them is measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Logged {
    pub(super) function: &'static str,
    pub(super) stage: Stage,
    pub(super) metrics: Detail,
}

/// What a line says of the request.
struct Asked {
    logged: Logged,
    request_id: String,
    trace_id: String,
    lambda_request_id: String,
    method: Method,
    caller: LoggedCaller,
    started: Instant,
}

/// Writes the line when the response's head is ready; a stream's end has a line of its own.
pub(super) async fn log_request(logged: Logged, mut request: Request, next: Next) -> Response {
    let extensions = request.extensions();
    let lambda = extensions.get::<lambda_http::Context>();
    let asked = Asked {
        logged,
        request_id: text(extensions.get::<RequestId>()),
        trace_id: text(extensions.get::<TraceContext>().map(TraceContext::trace_id)),
        lambda_request_id: text(lambda.map(|lambda| &lambda.request_id)),
        method: request.method().clone(),
        caller: LoggedCaller::default(),
        started: Instant::now(),
    };
    request.extensions_mut().insert(asked.caller.clone());
    let response = next.run(request).await;
    write(&asked, &response);
    response
}

fn write(asked: &Asked, response: &Response) {
    let Asked {
        logged,
        request_id,
        trace_id,
        lambda_request_id,
        method,
        caller,
        started,
    } = asked;
    // The route's pattern and not the path: a path may hold anything.
    let route = text(
        response
            .extensions()
            .get::<MatchedPath>()
            .map(MatchedPath::as_str),
    );
    let function = logged.function;
    let status = response.status().as_u16();
    let milliseconds = started.elapsed().as_secs_f64() * 1000.0;
    measure(logged, &route, status, milliseconds);
    let caller = caller.0.get();
    let tenant = text(caller.map(Caller::tenant));
    let user = text(caller.map(Caller::user));
    let failed = response.extensions().get::<Failed>();
    let problem = text(failed.map(|failed| Problem::slug(&failed.0)));
    let cause = text(failed.map(|failed| causes(&failed.0)));
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                function,
                request_id,
                trace_id,
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
}

/// One request more of the function and of the route, and how long its head took.
fn measure(logged: &Logged, route: &str, status: u16, milliseconds: f64) {
    let function = ("Function", logged.function);
    let client = (400..500).contains(&status).then_some(1);
    let server = (status >= 500).then_some(1);
    Figures::new(logged.metrics, logged.stage)
        .by(&[function])
        .by_route(&[function, ("Route", route)])
        .with("Requests", Unit::Count, 1.0)
        .with("Latency", Unit::Milliseconds, milliseconds)
        .with_some("ClientErrors", Unit::Count, client)
        .with_some("ServerErrors", Unit::Count, server)
        .tell();
}

fn text(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
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
