//! `POST /api/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}/reprocess`

use axum::extract::State;
use axum::http::StatusCode;
use shared::auth::Caller;
use shared::http::{AcceptsJson, PathPair};
use shared::model::{Document, DocumentId, DocumentStage, KnowledgeBaseId, Origin};
use shared::store::{NewContent, Taken, TenantStore};
use shared::{Error, Result};

use super::taking::{For, Prepared, given_up, with_pending};
use super::view::{DocumentView, Tagged, tagged};
use crate::{Bases, access};

/// Takes the content of a document in once more, from the beginning of what has to be done anew.
///
/// What failed is tried again; what is ready is put into the index again, and found as before until then.
#[utoipa::path(
    post,
    path = "/api/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}/reprocess",
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
        (status = 409, description = "It is being worked on, or another document has its content.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn reprocess_document(
    caller: Caller,
    _: AcceptsJson,
    origin: Origin,
    State(state): State<Bases>,
    PathPair(base, id): PathPair<KnowledgeBaseId, DocumentId>,
) -> Result<(StatusCode, Tagged)> {
    let store = state.app.store.of(&caller);
    let (base, _) = access::writable(&store, &caller, base).await?;
    let document = access::document(&store, &caller, &base, id).await?;
    let content = match (&document.pending, &document.current) {
        (Some(pending), _) if pending.stage == DocumentStage::Failed => pending,
        (Some(_), _) => {
            return Err(Error::Conflict(
                "this document is being worked on; wait until it is ready or failed",
            ));
        }
        (None, Some(current)) => current,
        (None, None) => return Err(Error::internal("a document without a content")),
    };
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

impl Bases {
    /// Gives a document a content in the place of the one that is worked on, and tells of it.
    pub(crate) async fn take_again(
        &self,
        store: &TenantStore,
        document: &Document,
        prepared: Prepared,
    ) -> Result<Document> {
        let shared::model::JobTask::DocumentIngestion {
            knowledge_base_id: base,
            ..
        } = prepared.job.job.task
        else {
            return Err(Error::internal("this job takes no content in"));
        };
        let given_up = given_up(document, &prepared.version).map(ToOwned::to_owned);
        let after = with_pending(document, prepared.version, self.app.clock.now());
        let new = NewContent {
            document: &after,
            job: &prepared.job,
            given_up: given_up.as_deref(),
        };
        match store.document_replace(base, new).await? {
            Taken::Yes => {
                self.tell(&prepared.job.job).await;
                Ok(after)
            }
            Taken::Duplicate(_) => Err(Error::Conflict(
                "another document of the knowledge base has this content already; change or delete that one",
            )),
            Taken::Changed => Err(Error::Conflict(
                "the document has changed meanwhile; get it again and repeat your change",
            )),
        }
    }
}
