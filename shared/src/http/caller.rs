//! The caller of a request: RFC 6750, section 2.1.

use axum::extract::{FromRef, FromRequestParts};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::log::LoggedCaller;
use crate::app::App;
use crate::auth::Caller;
use crate::error::{Error, Result};

impl<S> FromRequestParts<S> for Caller
where
    S: Sync,
    App: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let app = App::from_ref(state);
        let token = bearer(&parts.headers).ok_or(Error::Unauthenticated)?;
        let caller = app.authenticator.caller(token).await?;
        if let Some(logged) = parts.extensions.get::<LoggedCaller>() {
            logged.set(&caller);
        }
        Ok(caller)
    }
}

/// The token, if there is exactly one `Authorization` header and it has the scheme `Bearer`, in any case.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn exactly_one_bearer_token_is_taken() {
        let mut headers = HeaderMap::new();
        assert_eq!(bearer(&headers), None);
        for (value, expected) in [
            ("Bearer abc", Some("abc")),
            ("bearer abc", Some("abc")),
            ("Basic abc", None),
            ("Bearerabc", None),
            ("abc", None),
        ] {
            headers.insert(AUTHORIZATION, HeaderValue::from_static(value));
            assert_eq!(bearer(&headers), expected, "{value}");
        }
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer abc"));
        assert_eq!(bearer(&headers), None, "two headers");
    }
}
