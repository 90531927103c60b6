//! `DELETE /api/v1/knowledge-bases/{knowledge_base_id}`

use axum::extract::State;
use axum::http::StatusCode;
use shared::auth::Caller;
use shared::http::Path;
use shared::model::{AuditAction, Job, JobPriority, JobTask, KnowledgeBaseId, Origin};
use shared::store::StoredJob;
use shared::{Error, Result};

use crate::{Bases, access};

/// Deletes a knowledge base with all its documents.
///
/// It is gone at once. Its files, texts, vectors and caches are deleted by a job, which is in your list of jobs.
#[utoipa::path(
    delete,
    path = "/api/v1/knowledge-bases/{knowledge_base_id}",
    tag = "knowledge bases",
    security(("bearer" = [])),
    params(("knowledge_base_id" = KnowledgeBaseId, Path, description = "The knowledge base.")),
    responses((status = 204, description = "It is deleted.")),
)]
pub(crate) async fn delete_knowledge_base(
    caller: Caller,
    origin: Origin,
    State(state): State<Bases>,
    Path(id): Path<KnowledgeBaseId>,
) -> Result<StatusCode> {
    delete(&state, (&caller, &origin), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes one that the caller may change.
pub(crate) async fn delete(
    state: &Bases,
    (caller, origin): (&Caller, &Origin),
    id: KnowledgeBaseId,
) -> Result<()> {
    let store = state.app.store.of(caller);
    let (base, _) = access::writable(&store, caller, id).await?;
    let now = state.app.clock.now();
    let task = JobTask::KnowledgeBaseCleanup {
        knowledge_base_id: base.id,
    };
    let job = StoredJob {
        job: Job::new(task, JobPriority::Low, origin.request_id, now),
        mandate: caller.mandate(),
    };
    let action = AuditAction::KnowledgeBaseDeleted;
    let event = caller.did(&state.app.clock, origin, action, Some(id.to_string()));
    if !store.knowledge_base_delete(id, &job, &event).await? {
        return Err(Error::NotFound("knowledge base"));
    }
    state.engine.tell_of_job(&job.job).await;
    Ok(())
}
