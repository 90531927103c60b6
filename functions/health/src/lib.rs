//! Whether it lives, whether it can work, and how to use it; and the answer for paths that nobody has.

mod docs;
mod live;
mod ready;

use axum::Router;
use axum::extract::FromRef;
use engine::{Catalogue, ProviderKeys, Providers};
use shared::config::Stage;
use shared::http::Routes;
use shared::{App, Result, routes};
use utoipa::openapi::OpenApi;

use ready::Dependencies;

/// What the handlers of this group can reach.
#[derive(Debug, Clone, FromRef)]
struct Health {
    app: App,
    dependencies: Dependencies,
}

/// The group's routes.
pub fn router(app: App) -> Result<Router> {
    let keys = ProviderKeys::secret(
        app.secrets.clone(),
        app.config.provider_keys_secret_id.clone(),
        app.clock.clone(),
    );
    router_with(app, keys)
}

/// The group's routes with provider keys from elsewhere.
pub fn router_with(app: App, keys: ProviderKeys) -> Result<Router> {
    app.vault.needed_at_start();
    let catalogue = Catalogue::new(&app.config.providers);
    let providers = Providers::new(keys, &app.sdk, &app.clock, &app.guard);
    let dependencies = Dependencies::new(&app, catalogue, providers);
    let routes = routes().into_router();
    // The document is what programs are written against, and no secret. Its page is for trying things out: it runs
    // scripts on the address of the API, which production has no need of.
    let routes = match app.config.stage {
        Stage::Prod => routes,
        Stage::Local | Stage::Dev | Stage::Staging => routes.merge(docs::router()),
    };
    Ok(routes.with_state(Health { app, dependencies }))
}

/// The group's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    routes().into_openapi()
}

fn routes() -> Routes<Health> {
    Routes::new()
        .routes(routes!(live::get_live))
        .routes(routes!(ready::get_ready))
        .routes(routes!(docs::get_document))
}
