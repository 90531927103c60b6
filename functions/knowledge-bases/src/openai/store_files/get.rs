//! `GET /v1/vector_stores/{vector_store_id}/files/{file_id}`

use axum::extract::State;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, PathPair};
use shared::model::{DocumentId, KnowledgeBaseId};

use super::view::VectorStoreFileView;
use crate::openai::renamed;
use crate::{Bases, access};

/// Gives a file of a vector store.
#[utoipa::path(
    get,
    path = "/v1/vector_stores/{vector_store_id}/files/{file_id}",
    tag = "openai",
    security(("bearer" = [])),
    params(
        ("vector_store_id" = KnowledgeBaseId, Path, description = "The vector store."),
        ("file_id" = DocumentId, Path, description = "The file."),
    ),
    responses((status = 200, description = "The file, as it is in the vector store.", body = VectorStoreFileView)),
)]
pub(crate) async fn retrieve_vector_store_file(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Bases>,
    PathPair(base, id): PathPair<KnowledgeBaseId, DocumentId>,
) -> Result<Json<VectorStoreFileView>> {
    let store = state.app.store.of(&caller);
    let opened = access::opened(&store, &caller, base).await;
    let (base, index) = opened.map_err(renamed)?;
    let document = access::document(&store, &caller, &base, id).await;
    let document = document.map_err(renamed)?;
    let chunking = index.active.settings.chunking;
    Ok(Json(VectorStoreFileView::new(base.id, chunking, document)))
}
