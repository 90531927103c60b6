//! Routes on their way out: `Deprecation` (RFC 9745), `Sunset` (RFC 8594), and the mark in the OpenAPI document,
//! all from one declaration.

use std::time::Duration;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http::header::LINK;
use http::{HeaderName, HeaderValue};
use utoipa::openapi::{Deprecated, OpenApi};

use super::openapi::operations;
use super::routes::Routes;
use crate::clock::Moment;

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// Since when a route should not be used any more, and until when it can be.
#[derive(Debug, Clone, Copy)]
pub struct Deprecation {
    /// Since when. It may lie in the future.
    pub since: Moment,
    /// How long after that the route may be taken away, if that is known: never before.
    pub sunset_after: Option<Duration>,
    /// The page for whoever has to move: an absolute URL.
    pub link: &'static str,
}

impl Deprecation {
    fn headers(self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let since = format!("@{}", self.since.unix_seconds());
        let sunset = self
            .sunset_after
            .map(|after| self.since.plus(after).http_date());
        let link = format!("<{}>; rel=\"deprecation\"; type=\"text/html\"", self.link);
        let headers = [
            (DEPRECATION, Some(since)),
            (SUNSET, sunset),
            (LINK, Some(link)),
        ];
        headers
            .into_iter()
            .filter_map(|(name, text)| Some((name, HeaderValue::try_from(text?).ok()?)))
    }
}

/// Marks every operation of these routes: in their answers, whatever these are, and in the document. They do
/// what they did before.
pub fn deprecated<S>(routes: Routes<S>, deprecation: Deprecation) -> Routes<S>
where
    S: Clone + Send + Sync + 'static,
{
    let layer = from_fn(move |request: Request, next: Next| async move {
        let mut response: Response = next.run(request).await;
        for (name, value) in deprecation.headers() {
            // A response may have links of its own.
            response.headers_mut().append(name, value);
        }
        response
    });
    let say = |document: &mut OpenApi| {
        let items = document.paths.paths.values_mut();
        for operation in items.flat_map(operations) {
            operation.deprecated = Some(Deprecated::True);
        }
    };
    routes.wrapped(|router| router.route_layer(layer), say)
}

#[cfg(test)]
mod tests;
