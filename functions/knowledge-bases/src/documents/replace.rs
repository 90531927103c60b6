//! `POST /api/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}/replace`

use axum::extract::State;
use axum::http::StatusCode;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, PathPair};
use shared::model::{DocumentId, DocumentVersion, KnowledgeBaseId, Origin};

use super::source::NewContent;
use super::taking::For;
use super::view::{DocumentView, Tagged, tagged};
use crate::{Bases, access};

/// Gives a document another content.
///
/// Until it is ready, and if it fails, searches find the one before. A content that the document has already changes
/// nothing.
#[utoipa::path(
    post,
    path = "/api/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}/replace",
    tag = "knowledge bases",
    security(("bearer" = [])),
    params(
        ("knowledge_base_id" = KnowledgeBaseId, Path, description = "The knowledge base."),
        ("document_id" = DocumentId, Path, description = "The document."),
    ),
    request_body = NewContent,
    responses(
        (
            status = 202,
            description = "It is worked on.",
            body = DocumentView,
            headers(("etag" = String, description = "Its version.")),
        ),
        (
            status = 200,
            description = "It has that content already.",
            body = DocumentView,
            headers(("etag" = String, description = "Its version.")),
        ),
        (status = 409, description = "Another document has that content, or the document has changed meanwhile.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn replace_document(
    caller: Caller,
    _: AcceptsJson,
    origin: Origin,
    State(state): State<Bases>,
    PathPair(base, id): PathPair<KnowledgeBaseId, DocumentId>,
    Json(new): Json<NewContent>,
) -> Result<(StatusCode, Tagged)> {
    let store = state.app.store.of(&caller);
    let (base, _) = access::writable(&store, &caller, base).await?;
    let document = access::document(&store, &caller, &base, id).await?;
    let (source, file_name) = new.checked(&state.app, &document.name)?;
    let of = For {
        caller: &caller,
        origin: &origin,
        base: base.id,
        document: id,
    };
    let mut prepared = state.prepare(of, source, file_name).await?;
    let hash = prepared.version.sha256.as_deref();
    let has_it = |content: &Option<DocumentVersion>| {
        let known = content
            .as_ref()
            .and_then(|content| content.sha256.as_deref());
        hash.is_some() && known == hash
    };
    if has_it(&document.current) || has_it(&document.pending) {
        let content = prepared.version.content;
        let prefix = knowledge::keys::of_content(caller.tenant(), base.id, id, content);
        state.app.blobs.delete_all(&prefix).await?;
        return Ok((StatusCode::OK, tagged(base.id, document, None)?));
    }
    let upload = prepared.upload.take();
    let document = state.take_again(&store, &document, prepared).await?;
    Ok((StatusCode::ACCEPTED, tagged(base.id, document, upload)?))
}
