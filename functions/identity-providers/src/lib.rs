//! Other issuers whose tokens a tenant trusts: create, list, get, delete.
//!
//! It is a function of its own because it calls addresses that tenants name.

mod create;
mod delete;
mod get;
mod list;
mod own;
mod view;

use axum::Router;
use shared::http::Routes;
use shared::{App, Result, routes};
use utoipa::openapi::OpenApi;

/// The group's routes.
pub fn router(app: App) -> Result<Router> {
    // Replies are kept sealed.
    app.vault.needed_at_start();
    Ok(routes().with_state(app))
}

/// The group's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    routes().into_openapi()
}

fn routes() -> Routes<App> {
    Routes::new()
        .routes(routes!(
            create::create_identity_provider,
            list::list_identity_providers
        ))
        .routes(routes!(
            get::get_identity_provider,
            delete::delete_identity_provider
        ))
}
