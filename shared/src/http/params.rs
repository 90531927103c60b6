//! What stands in the path, the query and the headers.

use axum::extract::{FromRequestParts, OptionalFromRequestParts, RawPathParams};
use http::HeaderValue;
use http::header::IF_MATCH;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::error::{Error, FieldError, FieldFault, Result};

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

/// The path's last two parameters: what the operation is about, and what that belongs to, which stands before it.
#[derive(Debug, Clone, Copy)]
pub struct PathPair<T, U>(pub T, pub U);

impl<S, T, U> FromRequestParts<S> for PathPair<T, U>
where
    S: Send + Sync,
    T: std::str::FromStr,
    U: std::str::FromStr,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|_| Error::NotFound("resource"))?;
        let texts: Vec<&str> = params.iter().map(|(_, text)| text).collect();
        let [.., first, second] = texts[..] else {
            return Err(Error::NotFound("resource"));
        };
        let pair = first.parse().ok().zip(second.parse().ok());
        let (first, second) = pair.ok_or(Error::NotFound("resource"))?;
        Ok(Self(first, second))
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
            let (field, detail) = text.split_once(": ").unwrap_or(("query", text));
            let fault = if detail.starts_with("unknown field") {
                FieldFault::Unknown
            } else {
                FieldFault::Value
            };
            Error::Invalid(vec![FieldError::of(fault, field, detail)])
        })?;
        Ok(Self(value))
    }
}

/// The entity tag (RFC 9110, section 8.8.3) of a version.
pub fn etag(version: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\""))
        .unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

/// `If-Match` (RFC 9110, section 13.1.1): write only if it still is this version. As an `Option` where a change may
/// be made without looking; by itself where it is 428 to leave it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfMatch(Vec<HeaderValue>);

impl IfMatch {
    /// Whether a thing of this version may be written.
    pub fn allows(&self, version: u64) -> bool {
        let tag = etag(version);
        let lines = self.0.iter().map(|line| line.to_str().unwrap_or_default());
        let mut listed = lines.flat_map(|line| line.split(',').map(str::trim));
        listed.any(|listed| listed == "*" || listed.as_bytes() == tag.as_bytes())
    }

    /// A list may stand in several lines (RFC 9110, section 5.3).
    fn sent(parts: &Parts) -> Option<Self> {
        let lines: Vec<HeaderValue> = parts.headers.get_all(IF_MATCH).iter().cloned().collect();
        (!lines.is_empty()).then_some(Self(lines))
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for IfMatch {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>> {
        Ok(Self::sent(parts))
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self> {
        Self::sent(parts).ok_or(Error::PreconditionRequired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_compares_whole_tags() {
        let if_match = |text: &'static str| IfMatch(vec![HeaderValue::from_static(text)]);
        assert!(if_match("\"7\"").allows(7));
        assert!(if_match("\"6\", \"7\"").allows(7));
        assert!(if_match("*").allows(7));
        assert!(!if_match("\"77\"").allows(7));
        assert!(!if_match("7").allows(7));
        assert!(!if_match("W/\"7\"").allows(7), "weak tags never match");
        let lines = ["\"6\"", "\"7\""].map(HeaderValue::from_static);
        assert!(IfMatch(lines.to_vec()).allows(7));
    }
}
