//! `GET /v1/vector_stores/{vector_store_id}`

use axum::extract::State;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, Path};
use shared::model::KnowledgeBaseId;

use super::view::VectorStoreView;
use crate::openai::renamed;
use crate::{Bases, access};

/// Gives a vector store.
#[utoipa::path(
    get,
    path = "/v1/vector_stores/{vector_store_id}",
    tag = "openai",
    security(("bearer" = [])),
    params(("vector_store_id" = KnowledgeBaseId, Path, description = "The vector store.")),
    responses((status = 200, description = "The vector store.", body = VectorStoreView)),
)]
pub(crate) async fn retrieve_vector_store(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Bases>,
    Path(id): Path<KnowledgeBaseId>,
) -> Result<Json<VectorStoreView>> {
    let store = state.app.store.of(&caller);
    let base = access::readable(&store, &caller, id).await;
    let base = base.map_err(renamed)?;
    VectorStoreView::read(&store, &caller, base).await.map(Json)
}
