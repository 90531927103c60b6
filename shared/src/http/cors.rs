//! Which pages may read answers in browsers (WHATWG Fetch, "CORS protocol").
//!
//! Callers prove who they are with tokens that a page has to hold, never with cookies, so credentials are never
//! allowed, and a page that is not listed could do no more with a visitor's browser than with its own server. The
//! list keeps tokens that a page was given for itself from being used by others in the same browser.

use std::sync::Arc;

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ALLOW,
    ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

/// What pages may send. The last ones are of OpenAI's library for browsers.
const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static(
    "accept, authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id, \
     traceparent, tracestate, openai-beta, openai-organization, openai-project, x-stainless-arch, \
     x-stainless-custom-poll-interval, x-stainless-helper-method, x-stainless-lang, x-stainless-os, \
     x-stainless-package-version, x-stainless-poll-helper, x-stainless-retry-count, x-stainless-runtime, \
     x-stainless-runtime-version, x-stainless-timeout",
);

/// What pages may read, beside what they always may.
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static(
    "deprecation, etag, idempotency-replayed, link, location, openai-processing-ms, openai-version, \
     ratelimit, ratelimit-policy, retry-after, sunset, traceparent, www-authenticate, x-ratelimit-limit-requests, x-ratelimit-limit-tokens, x-ratelimit-remaining-requests, \
     x-ratelimit-remaining-tokens, x-ratelimit-reset-requests, x-ratelimit-reset-tokens, x-request-id, x-should-retry",
);

/// How long a browser keeps the answer to its question, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// The origins that may.
#[derive(Debug, Clone)]
pub(super) struct Cors(Arc<[HeaderValue]>);

/// What a request asks of it.
#[derive(Debug)]
pub(super) struct Asked {
    /// The origin, if there is one and it is listed.
    listed: Option<HeaderValue>,
    /// Whether the browser asks before it sends the request itself.
    preflight: bool,
}

impl Cors {
    /// With the origins of the configuration. One that is no header value is nobody's.
    pub(super) fn new(origins: &[String]) -> Self {
        let values = origins.iter().map(|origin| HeaderValue::from_str(origin));
        Self(values.filter_map(Result::ok).collect())
    }

    pub(super) fn asked(&self, method: &Method, headers: &HeaderMap) -> Asked {
        let mut origins = headers.get_all(ORIGIN).iter();
        let origin = origins.next().filter(|_| origins.next().is_none());
        Asked {
            listed: origin.filter(|origin| self.0.contains(origin)).cloned(),
            preflight: method == Method::OPTIONS
                && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD),
        }
    }
}

impl Asked {
    /// Writes the answer. Every response depends on the origin, whether there was one or not, so that no cache
    /// gives one page what it kept for another.
    pub(super) fn write(self, status: StatusCode, headers: &mut HeaderMap) {
        headers.append(VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = self.listed else { return };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        match headers.get(ALLOW) {
            Some(methods) if self.preflight && status.is_success() => {
                let methods = methods.clone();
                headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
                headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
                headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
            }
            _ => {
                headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
            }
        }
    }
}
