//! Vector stores as OpenAI's clients see them.

use std::collections::BTreeMap;

use serde::Serialize;
use shared::Result;
use shared::auth::Caller;
use shared::http::openai::UnixSeconds;
use shared::model::{KnowledgeBase, KnowledgeBaseId};
use shared::store::TenantStore;

use crate::openai::store_files::view::{FileStatus, bytes_of, status_of};

/// A vector store.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = VectorStore)]
pub(crate) struct VectorStoreView {
    /// Its id, also as a knowledge base.
    pub(super) id: KnowledgeBaseId,
    /// Always `vector_store`.
    #[schema(value_type = String)]
    object: &'static str,
    /// When it was created, in Unix seconds.
    created_at: UnixSeconds,
    /// What it is called.
    name: String,
    /// What it is for.
    description: Option<String>,
    /// How many bytes the files in it have that you may see.
    usage_bytes: u64,
    /// How many files are in it that you may see, and how far they are.
    file_counts: FileCounts,
    /// Whether files are still being taken in.
    #[schema(value_type = String, example = "completed")]
    status: FileStatus,
    /// Always `null`: vector stores stay until they are deleted.
    expires_at: Option<UnixSeconds>,
    /// Always `null`: when it was searched last is not kept.
    last_active_at: Option<UnixSeconds>,
    /// What programs keep with it.
    #[schema(example = json!({"team": "support"}))]
    metadata: BTreeMap<String, String>,
}

/// How far files are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct FileCounts {
    /// Those that are being taken in.
    pub(crate) in_progress: u64,
    /// Those that searches find.
    pub(crate) completed: u64,
    /// Those that could not be taken in.
    pub(crate) failed: u64,
    /// Those that somebody stopped.
    pub(crate) cancelled: u64,
    /// All of them.
    pub(crate) total: u64,
}

impl FileCounts {
    /// One more.
    pub(crate) const fn add(&mut self, status: FileStatus) {
        let count = match status {
            FileStatus::InProgress => &mut self.in_progress,
            FileStatus::Completed => &mut self.completed,
            FileStatus::Failed => &mut self.failed,
            FileStatus::Cancelled => &mut self.cancelled,
        };
        *count += 1;
        self.total += 1;
    }
}

impl VectorStoreView {
    /// A vector store that the caller may read, with what is in it: its documents are read for that.
    pub(crate) async fn read(
        store: &TenantStore,
        caller: &Caller,
        base: KnowledgeBase,
    ) -> Result<Self> {
        let (mut file_counts, mut usage_bytes) = (FileCounts::default(), 0);
        let each = store.documents_each(base.id, |document| {
            if document.is_seen_by(&base, caller.user(), caller.role()) {
                file_counts.add(status_of(&document));
                usage_bytes += bytes_of(&document);
            }
        });
        each.await?;
        Ok(Self {
            id: base.id,
            object: "vector_store",
            created_at: UnixSeconds(base.created_at),
            name: base.name,
            description: base.description,
            usage_bytes,
            status: match file_counts.in_progress {
                0 => FileStatus::Completed,
                _ => FileStatus::InProgress,
            },
            file_counts,
            expires_at: None,
            last_active_at: None,
            metadata: base.metadata,
        })
    }
}
