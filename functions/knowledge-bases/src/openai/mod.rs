//! OpenAI's files and vector stores, over the same knowledge bases and documents: a vector store is a knowledge base, and a
//! file is a document of each knowledge base that it is in.
//!
//! A file that was uploaded here is in no knowledge base yet: it is a row of the person's, with its bytes in the bucket.

mod batches;
mod chunking;
mod files;
mod paging;
mod store_files;
mod stores;

use shared::Error;
use shared::http::Routes;
use shared::routes;

use crate::Bases;

pub(crate) fn routes() -> Routes<Bases> {
    Routes::new()
        .routes(routes!(files::create::create_file, files::list::list_files))
        .routes(routes!(
            files::get::retrieve_file,
            files::delete::delete_file
        ))
        .routes(routes!(files::content::retrieve_file_content))
        .routes(routes!(
            stores::create::create_vector_store,
            stores::list::list_vector_stores
        ))
        .routes(routes!(
            stores::get::retrieve_vector_store,
            stores::update::modify_vector_store,
            stores::delete::delete_vector_store
        ))
        .routes(routes!(stores::search::search_vector_store))
        .routes(routes!(
            store_files::create::create_vector_store_file,
            store_files::list::list_vector_store_files
        ))
        .routes(routes!(
            store_files::get::retrieve_vector_store_file,
            store_files::update::update_vector_store_file,
            store_files::delete::delete_vector_store_file
        ))
        .routes(routes!(
            store_files::content::retrieve_vector_store_file_content
        ))
        .routes(routes!(batches::create::create_file_batch))
        .routes(routes!(batches::get::retrieve_file_batch))
        .routes(routes!(batches::cancel::cancel_file_batch))
        .routes(routes!(batches::files::list_file_batch_files))
}

/// The same with the names that OpenAI's clients know things by.
fn renamed(error: Error) -> Error {
    match error {
        Error::NotFound("knowledge base") => Error::NotFound("vector store"),
        Error::NotFound("document") => Error::NotFound("file"),
        other => other,
    }
}

/// A thing that was deleted.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Deleted<T> {
    /// Its id.
    id: T,
    /// What it was.
    #[schema(value_type = String)]
    object: &'static str,
    /// Always `true`.
    deleted: bool,
}

impl<T> Deleted<T> {
    const fn new(id: T, object: &'static str) -> Self {
        Self {
            id,
            object,
            deleted: true,
        }
    }
}
