//! People and their sessions: register, log in, refresh, log out, who am I, and the public keys.

mod jwks;
mod login;
mod logout;
mod me;
mod refresh;
mod register;
mod session;

use axum::Router;
use axum::extract::FromRef;
use shared::auth::PasswordHasher;
use shared::store::IdentityStore;
use shared::{App, Result};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What the handlers of this group can reach.
#[derive(Debug, Clone, FromRef)]
struct Auth {
    app: App,
    identity: IdentityStore,
    hasher: PasswordHasher,
}

/// The group's routes.
pub fn router(app: App) -> Result<Router> {
    #[expect(clippy::disallowed_methods, reason = "this is the function that may")]
    let identity = app.store.identity();
    let auth = Auth {
        identity,
        hasher: PasswordHasher::new()?,
        app,
    };
    Ok(routes().with_state(auth).into())
}

/// The group's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    routes().into_openapi()
}

fn routes() -> OpenApiRouter<Auth> {
    OpenApiRouter::new()
        .routes(routes!(register::register))
        .routes(routes!(login::log_in))
        .routes(routes!(refresh::refresh))
        .routes(routes!(logout::log_out))
        .routes(routes!(me::get_me))
        .routes(routes!(jwks::get_jwks))
}
