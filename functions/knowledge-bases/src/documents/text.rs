//! `GET /api/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}/text`

use axum::extract::State;
use knowledge::{KeptText, keys};
use serde::{Deserialize, Serialize};
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, PathPair, Query};
use shared::model::{DocumentId, KnowledgeBaseId};
use shared::{Error, Result};

use crate::{Bases, access};

/// How many code points one reply has at most.
const MOST: u64 = 100_000;

/// Which part of the text.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Range {
    /// Where it begins, in Unicode code points; 0 if left out.
    start: Option<u64>,
    /// Where it ends; 100,000 code points later if left out, which is the most that a reply has.
    end: Option<u64>,
}

/// A part of a document's text.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct DocumentText {
    /// Where it begins.
    start: u64,
    /// Where it ends.
    end: u64,
    /// How long the whole text is, in Unicode code points.
    characters: u64,
    /// The part.
    text: String,
}

/// Gives the text of a document that is `ready`, as searches and citations count in it.
#[utoipa::path(
    get,
    path = "/api/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}/text",
    tag = "knowledge bases",
    security(("bearer" = [])),
    params(
        ("knowledge_base_id" = KnowledgeBaseId, Path, description = "The knowledge base."),
        ("document_id" = DocumentId, Path, description = "The document."),
        Range,
    ),
    responses(
        (status = 200, description = "That part of the text.", body = DocumentText),
        (status = 409, description = "It is not ready.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn get_document_text(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Bases>,
    PathPair(base, id): PathPair<KnowledgeBaseId, DocumentId>,
    Query(range): Query<Range>,
) -> Result<Json<DocumentText>> {
    let start = range.start.unwrap_or(0);
    let most = start.saturating_add(MOST);
    let end = range.end.unwrap_or(most);
    if end < start || end > most {
        let detail = format!("must not be less than start, and at most {MOST} more");
        return Err(Error::invalid("end", detail));
    }
    let store = state.app.store.of(&caller);
    let base = access::readable(&store, &caller, base).await?;
    let document = access::document(&store, &caller, &base, id).await?;
    let current = document.current.ok_or(Error::Conflict(
        "this document is not ready; GET of it says how far it is",
    ))?;
    let prefix = keys::of_content(caller.tenant(), base.id, id, current.content);
    let kept = KeptText::read(&state.app.blobs, &format!("{prefix}text")).await?;
    let kept = kept.ok_or_else(|| Error::internal("the text of a document is not there"))?;
    let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
    let part = kept
        .text
        .chars()
        .skip(place(start))
        .take(place(end - start));
    let text: String = part.collect();
    Ok(Json(DocumentText {
        start,
        end: start + text.chars().count() as u64,
        characters: kept.text.chars().count() as u64,
        text,
    }))
}
