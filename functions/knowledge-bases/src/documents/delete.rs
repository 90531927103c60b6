//! `DELETE /api/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}`

use axum::extract::State;
use axum::http::StatusCode;
use shared::auth::Caller;
use shared::http::PathPair;
use shared::model::{AuditAction, DocumentId, Job, JobPriority, JobTask, KnowledgeBaseId, Origin};
use shared::store::StoredJob;
use shared::{Error, Result};

use crate::{Bases, access};

/// How often it is tried while others change the document.
const ATTEMPTS: u32 = 5;

/// Deletes a document.
///
/// From now on no search finds it. Its bytes, text, chunks, vectors and what was kept for it are deleted by a job, which is
/// in your list of jobs.
#[utoipa::path(
    delete,
    path = "/api/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}",
    tag = "knowledge bases",
    security(("bearer" = [])),
    params(
        ("knowledge_base_id" = KnowledgeBaseId, Path, description = "The knowledge base."),
        ("document_id" = DocumentId, Path, description = "The document."),
    ),
    responses((status = 204, description = "It is deleted.")),
)]
pub(crate) async fn delete_document(
    caller: Caller,
    origin: Origin,
    State(state): State<Bases>,
    PathPair(base, id): PathPair<KnowledgeBaseId, DocumentId>,
) -> Result<StatusCode> {
    delete(&state, (&caller, &origin), base, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes one of a knowledge base that the caller may change.
pub(crate) async fn delete(
    state: &Bases,
    (caller, origin): (&Caller, &Origin),
    base: KnowledgeBaseId,
    id: DocumentId,
) -> Result<()> {
    let store = state.app.store.of(caller);
    let (base, _) = access::writable(&store, caller, base).await?;
    for _ in 0..ATTEMPTS {
        let document = access::document(&store, caller, &base, id).await?;
        let now = state.app.clock.now();
        let task = JobTask::KnowledgeBaseCleanup {
            knowledge_base_id: base.id,
        };
        let job = StoredJob {
            job: Job::new(task, JobPriority::Low, origin.request_id, now),
            mandate: caller.mandate(),
        };
        let action = AuditAction::DocumentDeleted;
        let event = caller.did(&state.app.clock, origin, action, Some(id.to_string()));
        if store
            .document_delete(base.id, &document, &job, &event)
            .await?
        {
            state.engine.tell_of_job(&job.job).await;
            return Ok(());
        }
    }
    Err(Error::unavailable("others keep changing the document"))
}
