//! What stands in the path, the query and the headers.

use axum::extract::{FromRequestParts, OptionalFromRequestParts, RawPathParams};
use http::HeaderValue;
use http::header::IF_MATCH;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// The path's last parameter: what the operation is about. A text that can't be an id is the id of nothing, so it
/// is 404.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: std::str::FromStr> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|_| Error::NotFound("resource"))?;
        let (_, text) = params.iter().last().ok_or(Error::NotFound("resource"))?;
        text.parse()
            .map(Self)
            .map_err(|_| Error::NotFound("resource"))
    }
}

/// The query's parameters. An unknown or malformed one is 422 and named.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self> {
        #[expect(clippy::disallowed_types, reason = "this is what to use instead")]
        let query = axum::extract::Query::try_from_uri(&parts.uri).map(|query| query.0);
        let value = query.map_err(|error| {
            // The text is `Failed to deserialize query string: <field>: <what is wrong>`.
            let text = error.body_text();
            let text = text
                .rsplit_once("query string: ")
                .map_or(text.as_str(), |(_, text)| text);
            match text.split_once(": ") {
                Some((field, detail)) => Error::invalid(field, detail),
                None => Error::invalid("query", text),
            }
        })?;
        Ok(Self(value))
    }
}

/// The entity tag (RFC 9110, section 8.8.3) of a version.
pub fn etag(version: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\""))
        .unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

/// `If-Match` (RFC 9110, section 13.1.1): write only if it still is this version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfMatch(HeaderValue);

impl IfMatch {
    /// Whether a thing of this version may be written.
    pub fn allows(&self, version: u64) -> bool {
        let tag = etag(version);
        let listed = self
            .0
            .to_str()
            .unwrap_or_default()
            .split(',')
            .map(str::trim);
        listed
            .into_iter()
            .any(|listed| listed == "*" || listed.as_bytes() == tag.as_bytes())
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for IfMatch {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>> {
        Ok(parts.headers.get(IF_MATCH).cloned().map(Self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_compares_whole_tags() {
        let if_match = |text: &'static str| IfMatch(HeaderValue::from_static(text));
        assert!(if_match("\"7\"").allows(7));
        assert!(if_match("\"6\", \"7\"").allows(7));
        assert!(if_match("*").allows(7));
        assert!(!if_match("\"77\"").allows(7));
        assert!(!if_match("7").allows(7));
        assert!(!if_match("W/\"7\"").allows(7), "weak tags never match");
    }
}
