//! API keys: create, list, get, change, rotate and revoke them.

mod create;
mod get;
mod list;
mod reach;
mod revoke;
mod rotate;
mod update;
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
        .routes(routes!(create::create_api_key, list::list_api_keys))
        .routes(routes!(
            get::get_api_key,
            update::update_api_key,
            revoke::revoke_api_key
        ))
        .routes(routes!(rotate::rotate_api_key))
}
