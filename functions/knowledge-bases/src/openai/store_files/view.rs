//! Files of vector stores as OpenAI's clients see them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::http::openai::UnixSeconds;
use shared::model::{
    Chunking, Document, DocumentFailure, DocumentId, DocumentStage, KnowledgeBaseId,
};

use crate::openai::chunking::ChunkingStrategy;

/// Codes of documents whose kind is the fault.
const KINDS: [&str; 2] = ["unsupported-type", "wrong-type"];

/// How far a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = VectorStoreFileStatus)]
pub(crate) enum FileStatus {
    /// It is being taken in.
    InProgress,
    /// Searches find it.
    Completed,
    /// It could not be taken in.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

/// A file of a vector store.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = VectorStoreFile)]
pub(crate) struct VectorStoreFileView {
    /// The file's id, also as a document.
    pub(super) id: DocumentId,
    /// Always `vector_store.file`.
    #[schema(value_type = String)]
    object: &'static str,
    /// How many bytes it has; 0 until they are there.
    usage_bytes: u64,
    /// When it was put into the vector store, in Unix seconds.
    created_at: UnixSeconds,
    /// The vector store.
    vector_store_id: KnowledgeBaseId,
    /// How far it is.
    status: FileStatus,
    /// Why it is `failed`; `null` if it is not.
    last_error: Option<LastError>,
    /// How it is cut.
    chunking_strategy: ChunkingStrategy,
    /// What filters compare.
    #[schema(value_type = Object)]
    attributes: BTreeMap<String, serde_json::Value>,
}

/// Why a file is not found.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = VectorStoreFileError)]
pub(crate) struct LastError {
    /// Whose fault it is.
    code: LastErrorCode,
    /// What people act on.
    message: String,
}

/// Whose fault it is that a file is not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = VectorStoreFileErrorCode)]
pub(crate) enum LastErrorCode {
    /// Not the file's: the same may go better another time.
    ServerError,
    /// Its kind can't be read.
    UnsupportedFile,
    /// It can't be taken in as it is.
    InvalidFile,
}

impl From<&DocumentFailure> for LastError {
    fn from(failure: &DocumentFailure) -> Self {
        let code = match failure.code.as_str() {
            _ if failure.retryable => LastErrorCode::ServerError,
            code if KINDS.contains(&code) => LastErrorCode::UnsupportedFile,
            _ => LastErrorCode::InvalidFile,
        };
        Self {
            code,
            message: failure.message.clone(),
        }
    }
}

/// How far a document is: as its content that is searched, if there is one.
pub(crate) fn status_of(document: &Document) -> FileStatus {
    let Some(content) = document.shown() else {
        return FileStatus::InProgress;
    };
    let code = content
        .failure
        .as_ref()
        .map(|failure| failure.code.as_str());
    match content.stage {
        DocumentStage::Ready => FileStatus::Completed,
        DocumentStage::Failed if code == Some("cancelled") => FileStatus::Cancelled,
        DocumentStage::Failed => FileStatus::Failed,
        DocumentStage::AwaitingUpload
        | DocumentStage::Uploaded
        | DocumentStage::Extracting
        | DocumentStage::Chunking
        | DocumentStage::Embedding
        | DocumentStage::Indexing => FileStatus::InProgress,
    }
}

/// How many bytes a document has, as far as they are there.
pub(crate) fn bytes_of(document: &Document) -> u64 {
    let content = document.shown();
    content.and_then(|content| content.bytes).unwrap_or(0)
}

impl VectorStoreFileView {
    /// A document of a knowledge base that cuts like that.
    pub(crate) fn new(base: KnowledgeBaseId, chunking: Chunking, document: Document) -> Self {
        let status = status_of(&document);
        let failure = document
            .shown()
            .and_then(|content| content.failure.as_ref());
        let failure = failure.filter(|_| status == FileStatus::Failed);
        Self {
            object: "vector_store.file",
            usage_bytes: bytes_of(&document),
            created_at: UnixSeconds(document.created_at),
            vector_store_id: base,
            status,
            last_error: failure.map(LastError::from),
            chunking_strategy: chunking.into(),
            id: document.id,
            attributes: document.attributes,
        }
    }
}
