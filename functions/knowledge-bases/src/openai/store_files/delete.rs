//! `DELETE /v1/vector_stores/{vector_store_id}/files/{file_id}`

use axum::extract::State;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, PathPair};
use shared::model::{DocumentId, KnowledgeBaseId, Origin};

use crate::Bases;
use crate::documents::delete::delete;
use crate::openai::{Deleted, renamed};

/// Takes a file out of a vector store.
///
/// A file that was uploaded by `POST /v1/files` stays. A document that was put into the knowledge base natively is nowhere
/// else, and is deleted.
#[utoipa::path(
    delete,
    path = "/v1/vector_stores/{vector_store_id}/files/{file_id}",
    tag = "openai",
    security(("bearer" = [])),
    params(
        ("vector_store_id" = KnowledgeBaseId, Path, description = "The vector store."),
        ("file_id" = DocumentId, Path, description = "The file."),
    ),
    responses((status = 200, description = "It is taken out.", body = Deleted<DocumentId>)),
)]
pub(crate) async fn delete_vector_store_file(
    caller: Caller,
    _: AcceptsJson,
    origin: Origin,
    State(state): State<Bases>,
    PathPair(base, id): PathPair<KnowledgeBaseId, DocumentId>,
) -> Result<Json<Deleted<DocumentId>>> {
    let deleted = delete(&state, (&caller, &origin), base, id).await;
    deleted.map_err(renamed)?;
    Ok(Json(Deleted::new(id, "vector_store.file.deleted")))
}
