//! `PATCH /api/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}`

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use serde::{Deserialize, Deserializer};
use shared::auth::Caller;
use shared::http::{AcceptsJson, IfMatch, Json, PathPair};
use shared::model::{
    AuditAction, Document, DocumentId, IndexBackend, KnowledgeBaseId, Origin, UserId,
};
use shared::store::DocumentChange as Change;
use shared::{Error, Result};

use super::create::{attributes, name};
use super::taking::For;
use super::view::{DocumentView, Tagged, tagged};
use crate::{Bases, access};

/// How often a change is tried while others change the document.
const ATTEMPTS: u32 = 5;

/// What to change. A field that is left out stays as it is.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DocumentChange {
    /// What to call it.
    #[serde(default)]
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^\s*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*\s*$"
    )]
    pub(crate) name: Option<String>,
    /// What filters compare, in place of what there was.
    #[serde(default)]
    #[schema(value_type = Option<shared::http::openapi::Attributes>)]
    pub(crate) attributes: Option<BTreeMap<String, serde_json::Value>>,
    /// Who may see it, in place of those before; `null` for everybody who may read the knowledge base. It counts for the
    /// next search.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<BTreeSet<UserId>>, max_items = 100)]
    pub(crate) readers: Option<Option<BTreeSet<UserId>>>,
}

/// Tells `null` from a field that is left out.
fn given<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<BTreeSet<UserId>>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Changes what is said about a document.
///
/// Who may see it counts at once. Another name and other attributes are found by searches once a job has put them into
/// the index, which makes no vectors anew.
#[utoipa::path(
    patch,
    path = "/api/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}",
    tag = "knowledge bases",
    security(("bearer" = [])),
    params(
        ("knowledge_base_id" = KnowledgeBaseId, Path, description = "The knowledge base."),
        ("document_id" = DocumentId, Path, description = "The document."),
        ("if-match" = Option<String>, Header, description = "The entity tag that it must still have."),
    ),
    request_body = DocumentChange,
    responses(
        (
            status = 200,
            description = "The changed document.",
            body = DocumentView,
            headers(("etag" = String, description = "Its version.")),
        ),
        (status = 412, description = "It is not that version any more.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn update_document(
    caller: Caller,
    _: AcceptsJson,
    origin: Origin,
    State(state): State<Bases>,
    PathPair(base, id): PathPair<KnowledgeBaseId, DocumentId>,
    if_match: Option<IfMatch>,
    Json(request): Json<DocumentChange>,
) -> Result<Tagged> {
    let (who, of) = ((&caller, &origin), (base, id));
    let after = update(&state, who, of, if_match.as_ref(), request).await?;
    tagged(base, after, None)
}

/// Changes one of a knowledge base that the caller may change.
pub(crate) async fn update(
    state: &Bases,
    (caller, origin): (&Caller, &Origin),
    (base, id): (KnowledgeBaseId, DocumentId),
    if_match: Option<&IfMatch>,
    request: DocumentChange,
) -> Result<Document> {
    let store = state.app.store.of(caller);
    if let Some(given) = &request.attributes {
        attributes(given)?;
    }
    let new_name = request.name.as_deref().map(name).transpose()?;
    for _ in 0..ATTEMPTS {
        let (base, _) = access::writable(&store, caller, base).await?;
        let before = access::document(&store, caller, &base, id).await?;
        if if_match.is_some_and(|if_match| !if_match.allows(before.version)) {
            return Err(Error::PreconditionFailed);
        }
        let readers = match request.readers.clone() {
            Some(given) => Some(access::readers(&store, given, before.created_by).await?),
            None => None,
        };
        let change = Change {
            name: new_name.clone(),
            attributes: request.attributes.clone(),
            readers,
        };
        let action = AuditAction::DocumentShared;
        let event = caller.did(&state.app.clock, origin, action, Some(id.to_string()));
        let same = change
            .readers
            .as_ref()
            .is_none_or(|readers| *readers == before.readers);
        let told = (event.at, (!same).then_some(&event));
        let changed = store.document_change(base.id, &before, &change, told);
        let Some(after) = changed.await? else {
            continue;
        };
        let of = For {
            caller,
            origin,
            base: base.id,
            document: id,
        };
        let is_built_in = base.backend == IndexBackend::BuiltIn;
        return state.indexed_anew(of, is_built_in, &before, after).await;
    }
    Err(Error::unavailable("others keep changing the document"))
}

impl Bases {
    /// Has the index told what was changed of a document that is in it. What is still being taken in is written there as
    /// it is by then.
    async fn indexed_anew(
        &self,
        of: For<'_>,
        is_built_in: bool,
        before: &Document,
        after: Document,
    ) -> Result<Document> {
        let same_said = before.name == after.name && before.attributes == after.attributes;
        // The built-in index asks the table who may see what; others have it in them.
        let same_readers = is_built_in || before.readers == after.readers;
        let (Some(current), None) = (&after.current, &after.pending) else {
            return Ok(after);
        };
        if same_said && same_readers {
            return Ok(after);
        }
        let prepared = self.again(of, current);
        let store = self.app.store.of(of.caller);
        self.take_again(&store, &after, prepared).await
    }
}
