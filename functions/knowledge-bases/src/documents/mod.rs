//! Documents of a knowledge base.

mod complete;
pub(crate) mod create;
pub(crate) mod delete;
mod get;
mod list;
mod replace;
mod reprocess;
pub(crate) mod source;
pub(crate) mod taking;
mod text;
pub(crate) mod update;
mod view;

use crate::Bases;
use shared::http::Routes;
use shared::routes;

pub(crate) fn routes() -> Routes<Bases> {
    Routes::new()
        .routes(routes!(create::create_document, list::list_documents))
        .routes(routes!(
            get::get_knowledge_document,
            update::update_document,
            delete::delete_document
        ))
        .routes(routes!(text::get_document_text))
        .routes(routes!(complete::complete_document))
        .routes(routes!(replace::replace_document))
        .routes(routes!(reprocess::reprocess_document))
}
