//! The caller of a request: RFC 6750, section 2.1.

use axum::extract::{FromRef, FromRequestParts, MatchedPath};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::limit;
use super::log::LoggedCaller;
use crate::app::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::limits::{Class, Per};

impl<S> FromRequestParts<S> for Caller
where
    S: Sync,
    App: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let app = App::from_ref(state);
        let token = bearer(&parts.headers).ok_or(Error::Unauthenticated)?;
        limit::brake(parts, &app)?;
        let caller = app.authenticator.caller(token).await;
        if matches!(caller, Err(Error::Unauthenticated)) {
            limit::failed(parts, &app);
        }
        let caller = caller?;
        if let Some(logged) = parts.extensions.get::<LoggedCaller>() {
            logged.set(&caller);
        }
        limit::admit(parts, &app, class(parts), &subjects(&caller)).await?;
        Ok(caller)
    }
}

/// Against which limits the operation counts.
fn class(parts: &Parts) -> Class {
    let path = parts.extensions.get::<MatchedPath>();
    let path = path.map(MatchedPath::as_str).unwrap_or_default();
    if parts.method.is_safe() {
        Class::Read
    } else if path.ends_with("/messages") {
        Class::Turn
    } else {
        Class::Write
    }
}

/// Whose requests it is counted with.
fn subjects(caller: &Caller) -> [(Per, String); 2] {
    [
        (Per::Caller, caller.user().to_string()),
        (Per::Tenant, caller.tenant().to_string()),
    ]
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
