//! Knowledge bases, natively and as OpenAI's vector stores: create, list, get, change, delete, search; and their documents.

mod access;
mod create;
mod delete;
mod documents;
mod get;
mod index;
mod list;
mod openai;
mod search;
mod update;
mod view;

use axum::Router;
use axum::extract::FromRef;
use engine::{Engine, ProviderKeys, Providers};
use knowledge::Knowledge;
use shared::http::Routes;
use shared::{App, Result, routes};
use utoipa::openapi::OpenApi;

/// What the handlers of this group can reach.
#[derive(Debug, Clone, FromRef)]
struct Bases {
    app: App,
    /// For embedding what is searched for.
    engine: Engine,
    knowledge: Knowledge,
}

/// The group's routes.
pub fn router(app: App) -> Result<Router> {
    let secret = app.config.provider_keys_secret_id.clone();
    let keys = ProviderKeys::secret(app.secrets.clone(), secret, app.clock.clone());
    router_with(app, keys)
}

/// The same with provider keys from elsewhere.
pub fn router_with(app: App, keys: ProviderKeys) -> Result<Router> {
    // Replies are kept sealed, and so are tenants' keys for embedding models.
    app.vault.needed_at_start();
    let providers = Providers::new(keys, &app.sdk, &app.clock, &app.guard);
    let state = Bases {
        engine: Engine::new(app.clone(), providers),
        knowledge: Knowledge::new(&app),
        app,
    };
    Ok(routes().with_state(state))
}

/// The group's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    routes().into_openapi()
}

fn routes() -> Routes<Bases> {
    Routes::new()
        .routes(routes!(
            create::create_knowledge_base,
            list::list_knowledge_bases
        ))
        .routes(routes!(
            get::get_knowledge_base,
            update::update_knowledge_base,
            delete::delete_knowledge_base
        ))
        .routes(routes!(search::search_knowledge_base))
        .merge(documents::routes())
        .merge(openai::routes())
}
