//! The tenant that a path names.

use axum::extract::{FromRef, FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use shared::auth::Caller;
use shared::{App, Error};

/// The caller, where the path names the caller's own tenant. A path that names another one is 404, whether there
/// is such a tenant or not: which tenant is worked on is said by the token alone.
#[derive(Debug, Clone)]
pub(crate) struct InTenant(pub(crate) Caller);

impl<S> FromRequestParts<S> for InTenant
where
    S: Send + Sync,
    App: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|_| Error::NotFound("tenant"))?;
        // The tenant stands before everything in it.
        let named = params.iter().next().map(|(_, text)| text.to_owned());
        if named == Some(caller.tenant().to_string()) {
            Ok(Self(caller))
        } else {
            Err(Error::NotFound("tenant"))
        }
    }
}
