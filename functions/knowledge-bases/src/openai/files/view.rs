//! Files as OpenAI's clients see them.

use serde::Serialize;
use shared::http::openai::UnixSeconds;
use shared::model::{Document, DocumentId, FilePurpose, UploadedFile};

use super::Found;

/// A file.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiFile)]
pub(crate) struct FileView {
    /// Its id, also as a document of knowledge bases.
    pub(super) id: DocumentId,
    /// Always `file`.
    #[schema(value_type = String)]
    object: &'static str,
    /// How many bytes it has; 0 until they are there.
    bytes: u64,
    /// When it was uploaded, in Unix seconds.
    created_at: UnixSeconds,
    /// What it is called.
    filename: String,
    /// What it is for.
    purpose: FilePurpose,
    /// Always `processed`: whether a vector store has taken it in is said by the vector store.
    #[schema(value_type = String)]
    status: &'static str,
    /// Always `null`: files stay until they are deleted.
    expires_at: Option<UnixSeconds>,
}

impl FileView {
    fn new(id: DocumentId, filename: String, created_at: shared::clock::Moment) -> Self {
        Self {
            id,
            object: "file",
            bytes: 0,
            created_at: UnixSeconds(created_at),
            filename,
            purpose: FilePurpose::Assistants,
            status: "processed",
            expires_at: None,
        }
    }
}

impl From<UploadedFile> for FileView {
    fn from(file: UploadedFile) -> Self {
        let UploadedFile {
            id,
            file_name,
            purpose,
            bytes,
            created_at,
        } = file;
        Self {
            bytes,
            purpose,
            ..Self::new(id, file_name, created_at)
        }
    }
}

impl From<Document> for FileView {
    fn from(document: Document) -> Self {
        let bytes = document.shown().and_then(|content| content.bytes);
        Self {
            bytes: bytes.unwrap_or(0),
            ..Self::new(document.id, document.name, document.created_at)
        }
    }
}

impl From<Found> for FileView {
    fn from(found: Found) -> Self {
        match found {
            Found::Uploaded(file) => file.into(),
            Found::Document(_, document) => (*document).into(),
        }
    }
}
