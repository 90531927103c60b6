//! `GET /api/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}`

use axum::extract::State;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, PathPair};
use shared::model::{DocumentId, KnowledgeBaseId};

use super::view::{DocumentView, Tagged, tagged};
use crate::{Bases, access};

/// Gives a document.
#[utoipa::path(
    get,
    path = "/api/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}",
    tag = "knowledge bases",
    security(("bearer" = [])),
    params(
        ("knowledge_base_id" = KnowledgeBaseId, Path, description = "The knowledge base."),
        ("document_id" = DocumentId, Path, description = "The document."),
    ),
    responses((
        status = 200,
        description = "The document.",
        body = DocumentView,
        headers(("etag" = String, description = "Its version.")),
    )),
)]
pub(crate) async fn get_knowledge_document(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Bases>,
    PathPair(base, id): PathPair<KnowledgeBaseId, DocumentId>,
) -> Result<Tagged> {
    let store = state.app.store.of(&caller);
    let base = access::readable(&store, &caller, base).await?;
    let document = access::document(&store, &caller, &base, id).await?;
    tagged(base.id, document, None)
}
