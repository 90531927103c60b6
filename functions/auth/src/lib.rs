//! People and their sessions: register, log in, refresh, log out, passwords, addresses, preferences, and the
//! public keys.

mod account;
mod email;
mod jwks;
mod login;
mod logout;
mod me;
mod password;
mod preferences;
mod refresh;
mod register;
mod reset;
mod session;
mod sessions;
mod switch;

use axum::Router;
use axum::extract::FromRef;
use shared::auth::PasswordHasher;
use shared::http::Routes;
use shared::store::IdentityStore;
use shared::{App, Result, routes};
use utoipa::openapi::OpenApi;

/// What the handlers of this group can reach.
#[derive(Debug, Clone, FromRef)]
struct Auth {
    app: App,
    identity: IdentityStore,
    hasher: PasswordHasher,
}

/// The group's routes.
pub fn router(app: App) -> Result<Router> {
    router_with(app, PasswordHasher::new()?)
}

/// The group's routes with a hasher from elsewhere, whose work can be counted.
pub fn router_with(app: App, hasher: PasswordHasher) -> Result<Router> {
    #[expect(clippy::disallowed_methods, reason = "this is a function that may")]
    let identity = app.store.identity();
    // Mails and kept replies are sealed with it.
    app.vault.needed_at_start();
    let auth = Auth {
        identity,
        hasher,
        app,
    };
    Ok(routes().with_state(auth))
}

/// The group's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    routes().into_openapi()
}

fn routes() -> Routes<Auth> {
    Routes::new()
        .routes(routes!(register::register))
        .routes(routes!(login::log_in))
        .routes(routes!(refresh::refresh))
        .routes(routes!(logout::log_out))
        .routes(routes!(logout::log_out_everywhere))
        .routes(routes!(switch::switch_tenant))
        .routes(routes!(sessions::list_sessions))
        .routes(routes!(sessions::revoke_session))
        .routes(routes!(me::get_me, me::update_me, account::delete_account))
        .routes(routes!(password::change_password))
        .routes(routes!(email::change_email))
        .routes(routes!(email::request_verification))
        .routes(routes!(email::verify_email))
        .routes(routes!(
            preferences::get_preferences,
            preferences::put_preferences
        ))
        .routes(routes!(reset::request_reset))
        .routes(routes!(reset::confirm_reset))
        .routes(routes!(jwks::get_jwks))
}
