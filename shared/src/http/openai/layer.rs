//! Failures below `/v1`, written as OpenAI does.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method, Uri};

use super::super::problem::{Failed, is_problem};
use super::failure::{OpenAiFailure, is_pointless};
use super::is_door;
use crate::model::RequestId;

/// What OpenAI's libraries look at before they try again by themselves.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Writes what failed below `/v1` in OpenAI's form, wherever it failed. It stands inside the request log, which shall
/// have the status that the client gets.
pub(in super::super) async fn answer_as_openai(mut request: Request, next: Next) -> Response {
    if !is_door(request.uri().path()) {
        return next.run(request).await;
    }
    if let Some(uri) = with_whole_model(request.uri()) {
        *request.uri_mut() = uri;
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

/// The address with the id of a model as one segment: clients send its slashes as they are.
fn with_whole_model(uri: &Uri) -> Option<Uri> {
    let id = uri.path().strip_prefix("/v1/models/")?;
    if !id.contains('/') {
        return None;
    }
    let path = format!("/v1/models/{}", id.replace('/', "%2F"));
    let whole = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(whole).ok()?);
    Uri::from_parts(parts).ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_of_a_model_s_id_make_no_segments() {
        for (sent, whole) in [
            ("/v1/models/a/b?x=y/z", Some("/v1/models/a%2Fb?x=y/z")),
            ("/v1/models/a/b/c", Some("/v1/models/a%2Fb%2Fc")),
            (
                "https://api.test/v1/models/a/b",
                Some("https://api.test/v1/models/a%2Fb"),
            ),
            ("/v1/models/a%2Fb", None),
            ("/v1/models/a", None),
            ("/v1/models", None),
            ("/v1/files/a/b", None),
        ] {
            let uri = sent.parse().expect("an address");
            let made = with_whole_model(&uri).map(|uri| uri.to_string());
            assert_eq!(made.as_deref(), whole, "{sent}");
        }
    }
}
