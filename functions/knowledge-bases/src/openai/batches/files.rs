//! `GET /v1/vector_stores/{vector_store_id}/file_batches/{batch_id}/files`

use axum::extract::State;
use shared::Result;
use shared::auth::Caller;
use shared::http::openai::OpenAiList;
use shared::http::{AcceptsJson, Json, PathPair, Query};
use shared::model::{DocumentId, FileBatchId, KnowledgeBaseId};
use shared::store::{Direction, Page, Walk};

use super::read;
use crate::openai::paging::Asked;
use crate::openai::renamed;
use crate::openai::store_files::list::{Selection, listed};
use crate::openai::store_files::view::{VectorStoreFileView, status_of};
use crate::{Bases, access};

/// Lists the files of a batch that are in the vector store, by when they were uploaded.
#[utoipa::path(
    get,
    path = "/v1/vector_stores/{vector_store_id}/file_batches/{batch_id}/files",
    tag = "openai",
    security(("bearer" = [])),
    params(
        ("vector_store_id" = KnowledgeBaseId, Path, description = "The vector store."),
        ("batch_id" = FileBatchId, Path, description = "The batch."),
        Selection,
    ),
    responses((status = 200, description = "A page of files.", body = OpenAiList<VectorStoreFileView>)),
)]
pub(crate) async fn list_file_batch_files(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Bases>,
    PathPair(base, id): PathPair<KnowledgeBaseId, FileBatchId>,
    Query(selection): Query<Selection>,
) -> Result<Json<OpenAiList<VectorStoreFileView>>> {
    let (paging, filter) = selection.parts();
    let asked: Asked<DocumentId> = Asked::new(&paging)?;
    let store = state.app.store.of(&caller);
    let opened = access::opened(&store, &caller, base).await;
    let (base, index) = opened.map_err(renamed)?;
    let (_, mut documents) = read(&store, &caller, &base, id).await?;
    documents.retain(|document| filter.is_none_or(|wanted| wanted == status_of(document)));
    let Walk { after, direction } = asked.walk;
    if direction == Direction::Descending {
        documents.reverse();
    }
    documents.retain(|document| match (after, direction) {
        (None, _) => true,
        (Some(after), Direction::Ascending) => document.id > after,
        (Some(after), Direction::Descending) => document.id < after,
    });
    let page = asked.ordered(Page::cut(documents, asked.limit));
    Ok(Json(listed(&base, &index, page)))
}
