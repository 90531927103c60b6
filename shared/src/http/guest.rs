//! Whoever calls without a token.

use axum::extract::{FromRef, FromRequestParts, MatchedPath};
use http::request::Parts;

use super::limit;
use crate::app::App;
use crate::error::{Error, Result};
use crate::limits::Class;

/// A request that needs no token. A public handler takes it first: it counts the request against the limits of
/// the address that it comes from.
#[derive(Debug, Clone, Copy)]
pub struct Guest(());

impl<S> FromRequestParts<S> for Guest
where
    S: Sync,
    App: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let app = App::from_ref(state);
        let path = parts.extensions.get::<MatchedPath>();
        let class = class(path.map(MatchedPath::as_str).unwrap_or_default());
        limit::admit(parts, &app, class, &[]).await?;
        Ok(Self(()))
    }
}

/// What sends a mail to whoever has the address that it names.
const MAILING: [&str; 3] = [
    "/api/v1/auth/register",
    "/api/v1/auth/password-reset/request",
    "/api/v1/auth/email-verification/request",
];

/// What the API does without a token is proving who one is, or a mail. The rest is pages, health and public keys.
fn class(path: &str) -> Class {
    if MAILING.contains(&path) {
        Class::Mail
    } else if path.starts_with("/api/") {
        Class::Auth
    } else {
        Class::Open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_without_a_token_is_proving_who_one_is_or_a_mail() {
        assert_eq!(class("/api/v1/auth/register"), Class::Mail);
        assert_eq!(class("/api/v1/auth/login"), Class::Auth);
        for path in ["/healthz", "/docs/{file}", "/.well-known/jwks.json"] {
            assert_eq!(class(path), Class::Open, "{path}");
        }
    }
}
