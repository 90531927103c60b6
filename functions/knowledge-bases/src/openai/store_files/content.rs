//! `GET /v1/vector_stores/{vector_store_id}/files/{file_id}/content`

use axum::extract::State;
use knowledge::{KeptText, keys};
use serde::Serialize;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, MAX_FORM_BYTES, PathPair};
use shared::model::{DocumentId, KnowledgeBaseId};
use shared::{Error, Result};

use crate::openai::renamed;
use crate::openai::stores::search::TextContent;
use crate::{Bases, access};

/// The text of a file.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct VectorStoreFileContent {
    /// Always `vector_store.file_content.page`.
    #[schema(value_type = String)]
    object: &'static str,
    /// The whole text.
    data: [TextContent; 1],
    /// Always `false`: there is one page.
    has_more: bool,
    /// Always `null`.
    next_page: Option<String>,
}

/// Gives the text of a file that is `completed`, as searches find it.
#[utoipa::path(
    get,
    path = "/v1/vector_stores/{vector_store_id}/files/{file_id}/content",
    tag = "openai",
    security(("bearer" = [])),
    params(
        ("vector_store_id" = KnowledgeBaseId, Path, description = "The vector store."),
        ("file_id" = DocumentId, Path, description = "The file."),
    ),
    responses(
        (status = 200, description = "Its text.", body = VectorStoreFileContent),
        (status = 409, description = "It is not completed.", body = shared::http::openai::OpenAiFailure),
    ),
)]
pub(crate) async fn retrieve_vector_store_file_content(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Bases>,
    PathPair(base, id): PathPair<KnowledgeBaseId, DocumentId>,
) -> Result<Json<VectorStoreFileContent>> {
    let text = text(&state, &caller, (base, id)).await.map_err(renamed)?;
    Ok(Json(VectorStoreFileContent {
        object: "vector_store.file_content.page",
        data: [TextContent::new(text)],
        has_more: false,
        next_page: None,
    }))
}

async fn text(
    state: &Bases,
    caller: &Caller,
    (base, id): (KnowledgeBaseId, DocumentId),
) -> Result<String> {
    let store = state.app.store.of(caller);
    let base = access::readable(&store, caller, base).await?;
    let document = access::document(&store, caller, &base, id).await?;
    let current = document.current.ok_or(Error::Conflict(
        "this file is not completed; GET of it says how far it is",
    ))?;
    let prefix = keys::of_content(caller.tenant(), base.id, id, current.content);
    let kept = KeptText::read(&state.app.blobs, &format!("{prefix}text")).await?;
    let kept = kept.ok_or_else(|| Error::internal("the text of a document is not there"))?;
    // JSON writes some characters as several.
    let length = serde_json::to_string(&kept.text).map_or(usize::MAX, |text| text.len());
    if length > MAX_FORM_BYTES {
        return Err(Error::Document {
            slug: "document-too-large",
            message: "this file has more text than one reply can carry; GET /api/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}/text gives it in parts".to_owned(),
        });
    }
    Ok(kept.text)
}
