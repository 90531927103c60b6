//! What a client accepts (RFC 9110, section 12.5.1).

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::ACCEPT;
use http::request::Parts;

use crate::error::{Error, Result};

/// The permit of a client that accepts JSON. It stands first in a handler, so that nothing is done for a
/// client that can't read the answer.
#[derive(Debug, Clone, Copy)]
pub struct AcceptsJson;

impl<S: Sync> FromRequestParts<S> for AcceptsJson {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self> {
        if accepts(&parts.headers, "application/json") {
            Ok(Self)
        } else {
            Err(Error::NotAcceptable("application/json"))
        }
    }
}

/// What a client of a route with both forms accepts.
#[derive(Debug, Clone, Copy)]
pub struct Wants {
    json: bool,
    stream: bool,
}

impl Wants {
    /// Refuses where the client can't read a whole answer.
    pub fn json(self) -> Result<()> {
        self.json.then_some(()).ok_or(Error::NotAcceptable(
            "application/json if `stream` is false",
        ))
    }

    /// Refuses where the client can't read a stream.
    pub fn stream(self) -> Result<()> {
        self.stream.then_some(()).ok_or(Error::NotAcceptable(
            "text/event-stream if `stream` is true",
        ))
    }
}

impl<S: Sync> FromRequestParts<S> for Wants {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self> {
        Ok(Self {
            json: accepts(&parts.headers, "application/json"),
            stream: accepts(&parts.headers, "text/event-stream"),
        })
    }
}

/// Whether `Accept` allows `media_type`; without the header everything is allowed. The most specific range
/// that matches decides, and a weight of 0 forbids.
fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let mut best: Option<(u8, bool)> = None;
    let mut any = false;
    for value in headers.get_all(ACCEPT) {
        for range in value.to_str().unwrap_or_default().split(',') {
            any = true;
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            let specific = specificity(&name, media_type);
            let forbidden = parts
                .filter_map(|parameter| parameter.strip_prefix("q="))
                .any(|weight| weight.parse() == Ok(0.0));
            if let Some(specific) =
                specific.filter(|specific| best.is_none_or(|(best, _)| *specific > best))
            {
                best = Some((specific, !forbidden));
            }
        }
    }
    !any || best.is_some_and(|(_, allowed)| allowed)
}

fn specificity(range: &str, media_type: &str) -> Option<u8> {
    let main = media_type.split('/').next().unwrap_or_default();
    match range {
        "*/*" => Some(0),
        _ if range.strip_suffix("/*") == Some(main) => Some(1),
        _ if range == media_type => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(accept: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, http::HeaderValue::from_static(accept));
        accepts(&headers, "application/json")
    }

    #[test]
    fn the_most_specific_range_decides() {
        assert!(accepts(&HeaderMap::new(), "application/json"));
        for good in [
            "*/*",
            "application/*",
            "application/json",
            "text/html, */*;q=0.1",
            "Application/JSON;q=0.5",
        ] {
            assert!(json(good), "{good}");
        }
        for bad in [
            "text/html",
            "text/event-stream",
            "application/json;q=0",
            "application/json;q=0, */*",
            "image/*",
        ] {
            assert!(!json(bad), "{bad}");
        }
    }
}
