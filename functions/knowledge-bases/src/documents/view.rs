//! Documents as clients see them.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::header::ETAG;
use axum::http::{HeaderName, HeaderValue};
use serde::Serialize;
use shared::http::{Json, Timestamp, etag};
use shared::model::{
    ContentSource, Document, DocumentCounts, DocumentFailure, DocumentId, DocumentStage,
    DocumentVersion, JobId, KnowledgeBaseId, UserId,
};

/// A document of a knowledge base.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Document)]
pub(crate) struct DocumentView {
    /// Its id.
    id: DocumentId,
    /// The knowledge base.
    knowledge_base_id: KnowledgeBaseId,
    /// What it is called.
    name: String,
    /// What filters compare.
    #[schema(value_type = Object)]
    attributes: BTreeMap<String, serde_json::Value>,
    /// Who may see it; `null` for everybody who may read the knowledge base.
    readers: Option<BTreeSet<UserId>>,
    /// Who gave it to us.
    created_by: UserId,
    /// The content that is searched, or if there is none the one that is to be.
    #[serde(flatten)]
    content: ContentView,
    /// The content that is to take its place, if there is one. Until it is `ready`, searches find the one before.
    replacement: Option<ContentView>,
    /// Where to put the bytes, right after they were announced.
    #[serde(skip_serializing_if = "Option::is_none")]
    upload: Option<UploadView>,
    /// When it was created.
    created_at: Timestamp,
    /// When people changed it last.
    updated_at: Timestamp,
}

/// A content of a document, and how far it is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DocumentContent)]
pub(crate) struct ContentView {
    /// How far it is. Only what is `ready` is found by searches.
    status: DocumentStage,
    /// At which stage it failed; `null` if it did not.
    failed_at: Option<DocumentStage>,
    /// Why it failed; `null` if it did not.
    failure: Option<DocumentFailure>,
    /// What kind of file it is; `null` until it was read.
    #[schema(example = "pdf")]
    kind: Option<String>,
    /// The name of the file.
    file_name: String,
    /// Where its bytes come from.
    source: SourceType,
    /// The address that it was fetched from, if it was.
    url: Option<String>,
    /// How many bytes it has; `null` until they are there.
    bytes: Option<u64>,
    /// Their SHA-256 in hexadecimal; `null` until they are there.
    sha256: Option<String>,
    /// What is in it.
    counts: DocumentCounts,
    /// The job that works on it, or did. Whoever gave the content to us finds it in the list of jobs.
    job_id: JobId,
    /// When it became `ready` or `failed`.
    ended_at: Option<Timestamp>,
}

/// Where bytes come from.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SourceType {
    /// The request that named them.
    Inline,
    /// An upload to the bucket.
    Upload,
    /// An address.
    Url,
}

/// Where to put bytes.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Upload)]
pub(crate) struct UploadView {
    /// Always `PUT`.
    pub(crate) method: &'static str,
    /// Where. Whoever has it can put the bytes there, and nothing else.
    pub(crate) url: String,
    /// The headers that the request must have.
    pub(crate) headers: BTreeMap<String, String>,
    /// Until when.
    pub(crate) expires_at: Timestamp,
}

impl From<DocumentVersion> for ContentView {
    fn from(version: DocumentVersion) -> Self {
        let DocumentVersion {
            id: _,
            content: _,
            source,
            file_name,
            bytes,
            sha256,
            kind,
            stage,
            failure,
            failed_at,
            counts,
            job,
            indexes: _,
            created_at: _,
            ended_at,
        } = version;
        let (source, url) = match source {
            ContentSource::Inline => (SourceType::Inline, None),
            ContentSource::Upload { .. } => (SourceType::Upload, None),
            ContentSource::Url { url } => (SourceType::Url, Some(url)),
        };
        Self {
            status: stage,
            failed_at: failed_at.filter(|_| stage == DocumentStage::Failed),
            failure,
            kind,
            file_name,
            source,
            url,
            bytes,
            sha256,
            counts,
            job_id: job,
            ended_at: ended_at.map(Timestamp),
        }
    }
}

impl DocumentView {
    /// A document. `None` if it has no content at all, which there is not.
    pub(crate) fn new(base: KnowledgeBaseId, document: Document) -> Option<Self> {
        let Document {
            id,
            name,
            attributes,
            readers,
            created_by,
            current,
            pending,
            version: _,
            created_at,
            updated_at,
        } = document;
        let (content, replacement) = match (current, pending) {
            (Some(current), pending) => (current, pending),
            (None, pending) => (pending?, None),
        };
        Some(Self {
            id,
            knowledge_base_id: base,
            name,
            attributes,
            readers,
            created_by,
            content: content.into(),
            replacement: replacement.map(ContentView::from),
            upload: None,
            created_at: Timestamp(created_at),
            updated_at: Timestamp(updated_at),
        })
    }

    /// The same with where to put its bytes.
    pub(crate) fn with(self, upload: Option<UploadView>) -> Self {
        Self { upload, ..self }
    }
}

/// A document and its entity tag.
pub(crate) type Tagged = ([(HeaderName, HeaderValue); 1], Json<DocumentView>);

/// The reply with one document.
pub(crate) fn tagged(
    base: KnowledgeBaseId,
    document: Document,
    upload: Option<UploadView>,
) -> shared::Result<Tagged> {
    let tag = etag(document.version);
    let view = DocumentView::new(base, document);
    let view = view.ok_or_else(|| shared::Error::internal("a document without a content"))?;
    Ok(([(ETAG, tag)], Json(view.with(upload))))
}
