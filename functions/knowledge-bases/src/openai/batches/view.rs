//! Batches as OpenAI's clients see them.

use serde::Serialize;
use shared::http::openai::UnixSeconds;
use shared::model::{Document, FileBatch, FileBatchId, KnowledgeBaseId};

use crate::openai::store_files::view::{FileStatus, status_of};
use crate::openai::stores::view::FileCounts;

/// Files that were put into a vector store together.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = VectorStoreFileBatch)]
pub(crate) struct FileBatchView {
    /// Its id.
    id: FileBatchId,
    /// Always `vector_store.files_batch`.
    #[schema(value_type = String)]
    object: &'static str,
    /// When it was created, in Unix seconds.
    created_at: UnixSeconds,
    /// The vector store.
    vector_store_id: KnowledgeBaseId,
    /// How far it is: `in_progress` while any of its files is, then `cancelled` if any was stopped.
    status: FileStatus,
    /// How many of its files are in the vector store, and how far they are.
    file_counts: FileCounts,
}

impl FileBatchView {
    pub(super) fn new(base: KnowledgeBaseId, batch: &FileBatch, documents: &[Document]) -> Self {
        let mut file_counts = FileCounts::default();
        for document in documents {
            file_counts.add(status_of(document));
        }
        Self {
            id: batch.id,
            object: "vector_store.files_batch",
            created_at: UnixSeconds(batch.created_at),
            vector_store_id: base,
            status: match file_counts {
                FileCounts {
                    in_progress: 1.., ..
                } => FileStatus::InProgress,
                FileCounts { cancelled: 1.., .. } => FileStatus::Cancelled,
                _ => FileStatus::Completed,
            },
            file_counts,
        }
    }
}
