//! `POST /api/v1/knowledge-bases/{knowledge_base_id}/documents`

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use shared::auth::Caller;
use shared::http::openapi::Attributes;
use shared::http::{AcceptsJson, Json, Path, location};
use shared::model::{Document, DocumentId, KnowledgeBaseId, Origin, UserId, is_unseen};
use shared::store::{NewContent as Taken, Taken as Outcome};
use shared::{Error, Result};

use super::source::NewContent;
use super::taking::For;
use super::view::{DocumentView, Tagged, UploadView, tagged};
use crate::{Bases, access};

/// The longest name, in characters.
const MAX_NAME: usize = 200;

/// A document to be taken in.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDocument {
    /// What to call it.
    #[schema(
        example = "Handbook 2026",
        min_length = 1,
        max_length = 200,
        pattern = r"^\s*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*\s*$"
    )]
    name: String,
    /// What filters compare: up to 16 texts, numbers and truth values.
    #[serde(default)]
    #[schema(value_type = Attributes, required = false)]
    attributes: BTreeMap<String, serde_json::Value>,
    /// Who may see it; if left out, everybody who may read the knowledge base.
    #[serde(default)]
    #[schema(max_items = 100)]
    readers: Option<BTreeSet<UserId>>,
    /// Its content.
    source: NewContent,
}

/// Takes a document in.
///
/// It is worked on by a job; `status` says how far it is, and searches find it once it is `ready`. With `upload` the reply
/// says where to put the bytes; tell us with `…/complete` when they are there. A content that another document of the
/// knowledge base has already is not taken in again: the reply is that document, with status 200.
#[utoipa::path(
    post,
    path = "/api/v1/knowledge-bases/{knowledge_base_id}/documents",
    tag = "knowledge bases",
    security(("bearer" = [])),
    params(("knowledge_base_id" = KnowledgeBaseId, Path, description = "The knowledge base.")),
    request_body = NewDocument,
    responses(
        (
            status = 201,
            description = "The new document.",
            body = DocumentView,
            headers(("location" = String, description = "Its address."), ("etag" = String, description = "Its version.")),
        ),
        (
            status = 200,
            description = "The document that has this content already.",
            body = DocumentView,
            headers(("location" = String, description = "Its address."), ("etag" = String, description = "Its version.")),
        ),
    ),
)]
pub(crate) async fn create_document(
    caller: Caller,
    _: AcceptsJson,
    origin: Origin,
    State(state): State<Bases>,
    Path(id): Path<KnowledgeBaseId>,
    Json(new): Json<NewDocument>,
) -> Result<(StatusCode, [(HeaderName, HeaderValue); 1], Tagged)> {
    let (status, document, upload) = create(&state, (&caller, &origin), id, new).await?;
    let path = format!("/api/v1/knowledge-bases/{id}/documents/{}", document.id);
    let location = [(LOCATION, location(&state.app, &path)?)];
    Ok((status, location, tagged(id, document, upload)?))
}

async fn create(
    state: &Bases,
    (caller, origin): (&Caller, &Origin),
    base: KnowledgeBaseId,
    new: NewDocument,
) -> Result<(StatusCode, Document, Option<UploadView>)> {
    let store = state.app.store.of(caller);
    access::writable(&store, caller, base).await?;
    let name = name(&new.name)?;
    attributes(&new.attributes)?;
    let readers = access::readers(&store, new.readers, caller.user()).await?;
    let (source, file_name) = new.source.checked(&state.app, &name)?;
    let of = For {
        caller,
        origin,
        base,
        document: DocumentId::new(),
    };
    let prepared = state.prepare(of, source, file_name).await?;
    let now = state.app.clock.now();
    let document = Document {
        id: of.document,
        name,
        attributes: new.attributes,
        readers,
        created_by: caller.user(),
        current: None,
        pending: Some(prepared.version),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let taken = Taken {
        document: &document,
        job: &prepared.job,
        given_up: None,
    };
    match store.document_create(base, taken).await? {
        Outcome::Yes => {
            state.tell(&prepared.job.job).await;
            Ok((StatusCode::CREATED, document, prepared.upload))
        }
        Outcome::Duplicate(other) => {
            let prefix = knowledge::keys::of_document(caller.tenant(), base, document.id);
            state.app.blobs.delete_all(&prefix).await?;
            let other = store.document_get(base, other).await?;
            // It is being deleted, and with it goes what it has.
            let other = other.ok_or_else(|| Error::unavailable("a content comes and goes"))?;
            Ok((StatusCode::OK, other, None))
        }
        Outcome::Changed => Err(Error::NotFound("knowledge base")),
    }
}

/// What a document is called, as it is stored.
pub(crate) fn name(text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MAX_NAME || text.chars().any(is_unseen) {
        let detail = format!(
            "must be one line of 1 to {MAX_NAME} characters, without control characters and changes of direction"
        );
        return Err(Error::invalid("/name", detail));
    }
    Ok(text.to_owned())
}

/// Attributes that keep OpenAI's bounds.
pub(crate) fn attributes(given: &BTreeMap<String, serde_json::Value>) -> Result<()> {
    let value = serde_json::to_value(given).map_err(Error::internal)?;
    let parsed: retrieval::Attributes = serde_json::from_value(value).map_err(|_| {
        Error::invalid(
            "/attributes",
            "must be texts, numbers and truth values by name",
        )
    })?;
    parsed
        .check()
        .map_err(|fault| Error::invalid("/attributes", fault.to_string()))
}
