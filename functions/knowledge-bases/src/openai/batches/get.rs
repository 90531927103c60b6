//! `GET /v1/vector_stores/{vector_store_id}/file_batches/{batch_id}`

use axum::extract::State;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, PathPair};
use shared::model::{FileBatchId, KnowledgeBaseId};

use super::read;
use super::view::FileBatchView;
use crate::openai::renamed;
use crate::{Bases, access};

/// Gives a batch of files.
#[utoipa::path(
    get,
    path = "/v1/vector_stores/{vector_store_id}/file_batches/{batch_id}",
    tag = "openai",
    security(("bearer" = [])),
    params(
        ("vector_store_id" = KnowledgeBaseId, Path, description = "The vector store."),
        ("batch_id" = FileBatchId, Path, description = "The batch."),
    ),
    responses((status = 200, description = "The batch.", body = FileBatchView)),
)]
pub(crate) async fn retrieve_file_batch(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Bases>,
    PathPair(base, id): PathPair<KnowledgeBaseId, FileBatchId>,
) -> Result<Json<FileBatchView>> {
    let store = state.app.store.of(&caller);
    let base = access::readable(&store, &caller, base).await;
    let base = base.map_err(renamed)?;
    let (batch, documents) = read(&store, &caller, &base, id).await?;
    Ok(Json(FileBatchView::new(base.id, &batch, &documents)))
}
