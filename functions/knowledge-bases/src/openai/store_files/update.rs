//! `POST /v1/vector_stores/{vector_store_id}/files/{file_id}`

use axum::extract::State;
use serde::Deserialize;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, PathPair};
use shared::model::{DocumentId, KnowledgeBaseId, Origin};

use super::create::Attributes;
use super::view::VectorStoreFileView;
use crate::documents::update::{DocumentChange, update};
use crate::openai::renamed;
use crate::{Bases, access};

/// What to change.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VectorStoreFileChange {
    /// What filters compare, in place of what there was; `null` for nothing.
    // Left out, it would be nothing too, and all that there was would be gone.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(value_type = Option<shared::http::openapi::Attributes>, required = true)]
    attributes: Option<Attributes>,
}

/// Changes the attributes of a file in a vector store.
///
/// Searches compare the new ones once a job has put them into the index.
#[utoipa::path(
    post,
    path = "/v1/vector_stores/{vector_store_id}/files/{file_id}",
    tag = "openai",
    security(("bearer" = [])),
    params(
        ("vector_store_id" = KnowledgeBaseId, Path, description = "The vector store."),
        ("file_id" = DocumentId, Path, description = "The file."),
    ),
    request_body = VectorStoreFileChange,
    responses((status = 200, description = "The file, as it is in the vector store.", body = VectorStoreFileView)),
)]
pub(crate) async fn update_vector_store_file(
    caller: Caller,
    _: AcceptsJson,
    origin: Origin,
    State(state): State<Bases>,
    PathPair(base, id): PathPair<KnowledgeBaseId, DocumentId>,
    Json(change): Json<VectorStoreFileChange>,
) -> Result<Json<VectorStoreFileView>> {
    let change = DocumentChange {
        attributes: Some(change.attributes.unwrap_or_default()),
        ..DocumentChange::default()
    };
    let who = (&caller, &origin);
    let changed = update(&state, who, (base, id), None, change).await;
    let document = changed.map_err(renamed)?;
    let store = state.app.store.of(&caller);
    let opened = access::opened(&store, &caller, base).await;
    let (_, index) = opened.map_err(renamed)?;
    let chunking = index.active.settings.chunking;
    Ok(Json(VectorStoreFileView::new(base, chunking, document)))
}
