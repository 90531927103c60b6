//! Which models chat and which make vectors, and what the tenant says about them.

mod get;
mod list;
mod openai;
mod registry;
mod view;

use axum::Router;
use axum::extract::FromRef;
use engine::Catalogues;
use shared::http::Routes;
use shared::{App, Result, routes};
use utoipa::openapi::OpenApi;

/// What the handlers of this group can reach.
#[derive(Debug, Clone, FromRef)]
struct Models {
    app: App,
    catalogues: Catalogues,
}

/// The group's routes.
pub fn router(app: App) -> Result<Router> {
    let state = Models {
        catalogues: Catalogues::new(&app),
        app,
    };
    Ok(routes().with_state(state))
}

/// The group's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    routes().into_openapi()
}

fn routes() -> Routes<Models> {
    Routes::new()
        .routes(routes!(list::list_models))
        .routes(routes!(get::get_model))
        .routes(routes!(openai::list::list_openai_models))
        .routes(routes!(openai::get::get_openai_model))
        .routes(routes!(registry::get_registry, registry::put_registry))
}
