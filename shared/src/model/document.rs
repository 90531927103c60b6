//! Documents of knowledge bases: what they are called, who may see them, and how far their content is.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{DocumentId, DocumentVersionId, IndexId, JobId, KnowledgeBase, MembershipRole, UserId};
use crate::clock::Moment;

/// The largest file, in bytes: 50 MiB.
pub const MAX_DOCUMENT_BYTES: usize = 50 << 20;

/// Where the bytes of a content come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentSource {
    /// They came with the request that named them, and lie in the bucket.
    Inline,
    /// Their owner puts them into the bucket.
    Upload {
        /// How many bytes were announced.
        bytes: u64,
        /// Until when they may be put there.
        expires_at: Moment,
    },
    /// They are fetched.
    Url {
        /// From where.
        url: String,
    },
}

/// How far a content is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DocumentStage {
    /// Its bytes are still to be put into the bucket.
    AwaitingUpload,
    /// Its bytes are there, or are fetched by the worker, and wait.
    Uploaded,
    /// Its text is read.
    Extracting,
    /// Its text is cut.
    Chunking,
    /// Its chunks are made vectors.
    Embedding,
    /// It is put into the index.
    Indexing,
    /// It is found by searches.
    Ready,
    /// It is not found by searches, and nobody works on it.
    Failed,
}

impl DocumentStage {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::AwaitingUpload,
        Self::Uploaded,
        Self::Extracting,
        Self::Chunking,
        Self::Embedding,
        Self::Indexing,
        Self::Ready,
        Self::Failed,
    ];
}

/// Why a content is not found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DocumentFailure {
    /// What programs act on, such as `encrypted`, `no_text`, `too_large`, `duplicate`.
    #[schema(example = "no_text")]
    pub code: String,
    /// What people act on.
    pub message: String,
    /// Whether the same may go better another time.
    pub retryable: bool,
}

/// What is in a content, as far as it was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DocumentCounts {
    /// Characters of its text: Unicode code points.
    pub characters: u64,
    /// Its pages or slides; 0 for kinds without.
    pub pages: u64,
    /// Its chunks.
    pub chunks: u64,
    /// Those of them that are vectors by now.
    pub embedded_chunks: u64,
    /// The tokens of its chunks, as we count them.
    pub tokens: u64,
}

/// One content of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentVersion {
    /// Its id.
    pub id: DocumentVersionId,
    /// The version with which its bytes came: the same bytes are put into the index anew by another version.
    pub content: DocumentVersionId,
    /// Where its bytes come from.
    pub source: ContentSource,
    /// The name of the file, which tells kinds of text from each other.
    pub file_name: String,
    /// How many bytes it has, once they are there.
    pub bytes: Option<u64>,
    /// Their SHA-256 in hexadecimal, once they are there.
    pub sha256: Option<String>,
    /// What kind of file it is, once it was read: `pdf`, `docx` and so on.
    pub kind: Option<String>,
    /// How far it is.
    pub stage: DocumentStage,
    /// Why it is `failed`.
    pub failure: Option<DocumentFailure>,
    /// At which stage it failed last.
    #[serde(default)]
    pub failed_at: Option<DocumentStage>,
    /// What is in it.
    pub counts: DocumentCounts,
    /// The job that works on it.
    pub job: JobId,
    /// In which indexes it is.
    pub indexes: BTreeSet<IndexId>,
    /// When it was given to us.
    pub created_at: Moment,
    /// When it became `ready` or `failed`.
    pub ended_at: Option<Moment>,
}

/// A document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Its id.
    pub id: DocumentId,
    /// What it is called.
    pub name: String,
    /// What filters compare: OpenAI's attributes.
    pub attributes: BTreeMap<String, serde_json::Value>,
    /// Who may see it; `None` for whoever may read the knowledge base.
    pub readers: Option<BTreeSet<UserId>>,
    /// Who gave it to us.
    pub created_by: UserId,
    /// The content that is searched.
    // `current` is a word of DynamoDB's own.
    #[serde(default, rename = "live", skip_serializing_if = "Option::is_none")]
    pub current: Option<DocumentVersion>,
    /// The content that is to take its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<DocumentVersion>,
    /// Goes up with each change of what people say about it.
    pub version: u64,
    /// When it was created.
    pub created_at: Moment,
    /// When people changed it last.
    pub updated_at: Moment,
}

impl Document {
    /// Whether somebody who may read the knowledge base may see it.
    pub fn is_seen_by(&self, base: &KnowledgeBase, user: UserId, role: MembershipRole) -> bool {
        sees(self.readers.as_ref(), self.created_by, base, user, role)
    }

    /// How far it is: as its content that is searched, if there is one, or else as the one to come.
    pub fn shown(&self) -> Option<&DocumentVersion> {
        self.current.as_ref().or(self.pending.as_ref())
    }
}

/// Whether somebody who may read a knowledge base may see one of its documents.
pub(crate) fn sees(
    readers: Option<&BTreeSet<UserId>>,
    created_by: UserId,
    base: &KnowledgeBase,
    user: UserId,
    role: MembershipRole,
) -> bool {
    let named = readers.is_none_or(|readers| readers.contains(&user));
    named || created_by == user || base.may_write(user, role)
}
