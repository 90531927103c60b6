//! Batches: files that are put into a vector store together.

pub(super) mod cancel;
pub(super) mod create;
pub(super) mod files;
pub(super) mod get;
mod view;

use shared::auth::Caller;
use shared::model::{Document, FileBatch, FileBatchId, KnowledgeBase};
use shared::store::TenantStore;
use shared::{Error, Result};

/// A batch, and those of its documents that are there and that the caller may see, oldest first.
async fn read(
    store: &TenantStore,
    caller: &Caller,
    base: &KnowledgeBase,
    id: FileBatchId,
) -> Result<(FileBatch, Vec<Document>)> {
    let batch = store.file_batch_get(base.id, id).await?;
    let batch = batch.ok_or(Error::NotFound("file batch"))?;
    let there = store.documents_get(base.id, batch.files.iter().copied());
    let mut documents = there.await?;
    documents.retain(|document| document.is_seen_by(base, caller.user(), caller.role()));
    documents.sort_by_key(|document| document.id);
    Ok((batch, documents))
}
