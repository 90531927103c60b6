//! `POST /v1/vector_stores/{vector_store_id}/file_batches/{batch_id}/cancel`

use axum::extract::State;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, PathPair};
use shared::model::{Document, FileBatchId, KnowledgeBaseId};
use shared::store::TenantStore;
use shared::{Error, Result};

use super::read;
use super::view::FileBatchView;
use crate::openai::renamed;
use crate::openai::store_files::view::{FileStatus, status_of};
use crate::{Bases, access};

/// How often it is tried while workers begin and end the jobs.
const ATTEMPTS: u32 = 4;

/// Stops what is still being taken in of a batch.
///
/// Files that nobody works on yet are `cancelled` at once; a worker learns it within about 15 seconds. What is `completed`
/// stays.
#[utoipa::path(
    post,
    path = "/v1/vector_stores/{vector_store_id}/file_batches/{batch_id}/cancel",
    tag = "openai",
    security(("bearer" = [])),
    params(
        ("vector_store_id" = KnowledgeBaseId, Path, description = "The vector store."),
        ("batch_id" = FileBatchId, Path, description = "The batch."),
    ),
    responses((status = 200, description = "The batch.", body = FileBatchView)),
)]
pub(crate) async fn cancel_file_batch(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Bases>,
    PathPair(base, id): PathPair<KnowledgeBaseId, FileBatchId>,
) -> Result<Json<FileBatchView>> {
    let store = state.app.store.of(&caller);
    let base = access::writable(&store, &caller, base).await;
    let (base, _) = base.map_err(renamed)?;
    let (_, documents) = read(&store, &caller, &base, id).await?;
    for document in &documents {
        stop(&state, &store, document).await?;
    }
    let (batch, documents) = read(&store, &caller, &base, id).await?;
    Ok(Json(FileBatchView::new(base.id, &batch, &documents)))
}

/// Has the job of a document stop, if it is being taken in.
async fn stop(state: &Bases, store: &TenantStore, document: &Document) -> Result<()> {
    let pending = document.pending.as_ref();
    let Some(content) = pending.filter(|_| status_of(document) == FileStatus::InProgress) else {
        return Ok(());
    };
    for _ in 0..ATTEMPTS {
        let now = state.app.clock.now();
        let job = store.job_get(content.job, now).await?;
        let job = job.ok_or(Error::Forbidden(
            "only whoever put these files into the vector store may stop that",
        ))?;
        if job.job.status.is_terminal() || store.job_cancel(&job, now).await? {
            return Ok(());
        }
    }
    Err(Error::unavailable("workers begin and end the job"))
}
