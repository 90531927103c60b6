//! Files that a person uploads before they are in any knowledge base: OpenAI's files.

use serde::{Deserialize, Serialize};

use super::{DocumentId, FileBatchId};
use crate::clock::Moment;

/// What a file is for, of OpenAI's purposes those that something is done with here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FilePurpose {
    /// To be searched.
    Assistants,
    /// Whatever the person wants.
    UserData,
}

/// A file of a person's. A knowledge base that it is put into has a document with the same id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadedFile {
    /// Its id, and that of its documents.
    pub id: DocumentId,
    /// What it is called.
    pub file_name: String,
    /// What it is for.
    pub purpose: FilePurpose,
    /// How many bytes it has.
    pub bytes: u64,
    /// When it was uploaded.
    pub created_at: Moment,
}

/// Files that were put into a knowledge base together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileBatch {
    /// Its id.
    pub id: FileBatchId,
    /// Which files.
    pub files: Vec<DocumentId>,
    /// When.
    pub created_at: Moment,
}
