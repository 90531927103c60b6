//! Turns: a message goes in, a model's answer comes out, whole or as a stream. Runs: what becomes of that.

mod call;
mod openai;
mod runs;
mod send_message;
mod stream;

use axum::Router;
use axum::extract::FromRef;
use engine::{Engine, ProviderKeys, Providers};
use shared::http::Routes;
use shared::{App, Result, routes};
use utoipa::openapi::OpenApi;

/// What the handlers of this group can reach.
#[derive(Debug, Clone, FromRef)]
struct Chat {
    app: App,
    engine: Engine,
}

/// The group's routes.
pub fn router(app: App) -> Result<Router> {
    let secret = app.config.provider_keys_secret_id.clone();
    let keys = ProviderKeys::secret(app.secrets.clone(), secret, app.clock.clone());
    router_with(app, keys)
}

/// The group's routes with provider keys from elsewhere.
pub fn router_with(app: App, keys: ProviderKeys) -> Result<Router> {
    let providers = Providers::new(keys, &app.sdk, &app.clock, &app.guard);
    let state = Chat {
        engine: Engine::new(app.clone(), providers),
        app,
    };
    Ok(routes().with_state(state))
}

/// The group's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    routes().into_openapi()
}

fn routes() -> Routes<Chat> {
    Routes::new()
        .routes(routes!(send_message::send_message))
        .routes(routes!(openai::embeddings::create_embeddings))
        .routes(routes!(openai::moderations::create_moderation))
        .routes(routes!(runs::list::list_runs))
        .routes(routes!(runs::get::get_run))
        .routes(routes!(runs::cancel::cancel_run))
        .routes(routes!(runs::events::get_events))
        .routes(routes!(openai::completions::create_chat_completion))
        .routes(routes!(openai::responses::create::create_response))
        .routes(routes!(
            openai::responses::retrieve::get_response,
            openai::responses::delete::delete_response
        ))
        .routes(routes!(openai::responses::cancel::cancel_response))
        .routes(routes!(openai::responses::input_items::list_input_items))
}
