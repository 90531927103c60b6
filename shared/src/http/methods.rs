//! Which methods a path takes: `Allow` (RFC 9110, section 10.2.1) and the answer to OPTIONS.

use std::collections::BTreeSet;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::ALLOW;
use http::{HeaderValue, Method, StatusCode};

use crate::auth::policy;

/// Answers OPTIONS for every path that has a route, and makes `Allow` whole. It looks at nothing but the route,
/// so it costs no more than a path that nobody has, needs no token, and is the same whether what the path names
/// exists or not.
pub(super) async fn answer_methods(request: Request, next: Next) -> Response {
    let asks = request.method() == Method::OPTIONS;
    let mut response = next.run(request).await;
    if response.status() != StatusCode::METHOD_NOT_ALLOWED {
        return response;
    }
    let own = response.headers().get(ALLOW);
    let own = own
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let route = response.extensions().get::<MatchedPath>().cloned();
    let path = route.as_ref().map(MatchedPath::as_str).unwrap_or_default();
    let allow = HeaderValue::try_from(allowed(own, path));
    if asks {
        response = StatusCode::NO_CONTENT.into_response();
        if let Some(route) = route {
            response.extensions_mut().insert(route);
        }
    }
    if let Ok(allow) = allow {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}

/// The methods of this function's router, and those that another function serves on the same path.
fn allowed(own: &str, path: &str) -> String {
    let own = own
        .split(',')
        .map(str::trim)
        .filter(|method| !method.is_empty());
    let rules = policy::RULES.iter().filter(|rule| rule.path == path);
    let mut methods: BTreeSet<&str> = own.chain(rules.map(|rule| rule.method)).collect();
    if methods.contains("GET") {
        methods.insert("HEAD");
    }
    methods.insert("OPTIONS");
    Vec::from_iter(methods).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_two_functions_has_the_methods_of_both() {
        let path = "/api/v1/conversations/{conversation_id}/messages";
        assert_eq!(allowed("GET,HEAD", path), "GET, HEAD, OPTIONS, POST");
        assert_eq!(allowed("POST", path), "GET, HEAD, OPTIONS, POST");
        assert_eq!(allowed("POST", "/api/v1/auth/login"), "OPTIONS, POST");
        assert_eq!(allowed("", ""), "OPTIONS");
    }
}
