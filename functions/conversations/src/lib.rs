//! Conversations: create, list, get, change, delete, and list their messages.

mod create;
mod delete;
mod get;
mod list;
mod list_messages;
mod openai;
mod update;
mod view;

use axum::Router;
use axum::extract::FromRef;
use engine::Catalogues;
use shared::http::Routes;
use shared::{App, Result, routes};
use utoipa::openapi::OpenApi;

/// What the handlers of this group can reach.
#[derive(Debug, Clone, FromRef)]
struct Conversations {
    app: App,
    catalogues: Catalogues,
}

/// The group's routes.
pub fn router(app: App) -> Result<Router> {
    // Replies are kept sealed.
    app.vault.needed_at_start();
    let state = Conversations {
        catalogues: Catalogues::new(&app),
        app,
    };
    Ok(routes().with_state(state))
}

/// The group's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    routes().into_openapi()
}

fn routes() -> Routes<Conversations> {
    Routes::new()
        .routes(routes!(
            create::create_conversation,
            list::list_conversations
        ))
        .routes(routes!(
            get::get_conversation,
            update::update_conversation,
            delete::delete_conversation
        ))
        .routes(routes!(list_messages::list_messages))
        .routes(routes!(
            openai::create::openai_create_conversation,
            openai::list::openai_list_conversations
        ))
        .routes(routes!(
            openai::get::openai_get_conversation,
            openai::update::openai_update_conversation,
            openai::delete::openai_delete_conversation
        ))
        .routes(routes!(
            openai::items::create_items,
            openai::list_items::list_items
        ))
        .routes(routes!(
            openai::get::get_item,
            openai::delete_item::delete_item
        ))
}
