//! `POST /api/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}/complete`

use axum::extract::State;
use axum::http::StatusCode;
use knowledge::keys;
use shared::auth::Caller;
use shared::http::{AcceptsJson, PathPair};
use shared::model::{ContentSource, DocumentId, DocumentStage, KnowledgeBaseId, Origin};
use shared::{Error, Result};

use super::taking::For;
use super::view::{DocumentView, Tagged, tagged};
use crate::{Bases, access};

/// Says that the bytes of an upload are there.
///
/// Where nobody says it, they are looked for when they can come no more. A document whose bytes are known of stays as it
/// is.
#[utoipa::path(
    post,
    path = "/api/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}/complete",
    tag = "knowledge bases",
    security(("bearer" = [])),
    params(
        ("knowledge_base_id" = KnowledgeBaseId, Path, description = "The knowledge base."),
        ("document_id" = DocumentId, Path, description = "The document."),
    ),
    responses(
        (
            status = 202,
            description = "It is worked on.",
            body = DocumentView,
            headers(("etag" = String, description = "Its version.")),
        ),
        (status = 409, description = "The bytes that were announced are not there.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn complete_document(
    caller: Caller,
    _: AcceptsJson,
    origin: Origin,
    State(state): State<Bases>,
    PathPair(base, id): PathPair<KnowledgeBaseId, DocumentId>,
) -> Result<(StatusCode, Tagged)> {
    let store = state.app.store.of(&caller);
    let (base, _) = access::writable(&store, &caller, base).await?;
    let document = access::document(&store, &caller, &base, id).await?;
    let awaited = document.pending.as_ref();
    let awaited = awaited.filter(|content| content.stage == DocumentStage::AwaitingUpload);
    let Some((content, ContentSource::Upload { bytes, .. })) =
        awaited.map(|content| (content, &content.source))
    else {
        return Ok((StatusCode::ACCEPTED, tagged(base.id, document, None)?));
    };
    let prefix = keys::of_content(caller.tenant(), base.id, id, content.content);
    let there = state.app.blobs.length(&format!("{prefix}bytes")).await?;
    if there != Some(*bytes) {
        return Err(Error::Conflict(
            "the bytes that were announced are not there; PUT the whole file to the upload's address first",
        ));
    }
    let of = For {
        caller: &caller,
        origin: &origin,
        base: base.id,
        document: id,
    };
    let prepared = state.again(of, content);
    let document = state.take_again(&store, &document, prepared).await?;
    Ok((StatusCode::ACCEPTED, tagged(base.id, document, None)?))
}
