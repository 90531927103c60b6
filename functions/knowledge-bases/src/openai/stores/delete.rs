//! `DELETE /v1/vector_stores/{vector_store_id}`

use axum::extract::State;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, Path};
use shared::model::{KnowledgeBaseId, Origin};

use crate::Bases;
use crate::delete::delete;
use crate::openai::{Deleted, renamed};

/// Deletes a vector store. Files that were uploaded by `POST /v1/files` stay.
#[utoipa::path(
    delete,
    path = "/v1/vector_stores/{vector_store_id}",
    tag = "openai",
    security(("bearer" = [])),
    params(("vector_store_id" = KnowledgeBaseId, Path, description = "The vector store.")),
    responses((status = 200, description = "It is deleted.", body = Deleted<KnowledgeBaseId>)),
)]
pub(crate) async fn delete_vector_store(
    caller: Caller,
    _: AcceptsJson,
    origin: Origin,
    State(state): State<Bases>,
    Path(id): Path<KnowledgeBaseId>,
) -> Result<Json<Deleted<KnowledgeBaseId>>> {
    let deleted = delete(&state, (&caller, &origin), id).await;
    deleted.map_err(renamed)?;
    Ok(Json(Deleted::new(id, "vector_store.deleted")))
}
