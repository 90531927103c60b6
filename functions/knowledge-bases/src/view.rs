//! Knowledge bases as clients see them.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::header::ETAG;
use axum::http::{HeaderName, HeaderValue};
use serde::Serialize;
use shared::http::{Json, Timestamp, etag};
use shared::model::{
    Chunking, IndexBackend, IndexSettings, KnowledgeBase, KnowledgeBaseId, KnowledgeIndex, UserId,
    Visibility,
};
use shared::{Error, Result};

/// A knowledge base.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = KnowledgeBase)]
pub(crate) struct KnowledgeBaseView {
    /// Its id.
    id: KnowledgeBaseId,
    /// What it is called.
    name: String,
    /// What it is for.
    description: Option<String>,
    /// What programs keep with it.
    #[schema(example = json!({"team": "support"}))]
    metadata: BTreeMap<String, String>,
    /// Who may search it and read its documents.
    visibility: Visibility,
    /// Who may although it is private.
    readers: BTreeSet<UserId>,
    /// Who created it.
    created_by: UserId,
    /// What keeps its index.
    backend: IndexBackend,
    /// The index that is searched.
    index: IndexView,
    /// The index that is made to take its place, if one is.
    next_index: Option<IndexView>,
    /// When it was created.
    created_at: Timestamp,
    /// When it was changed last.
    updated_at: Timestamp,
}

/// How an index is made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = KnowledgeIndex)]
pub(crate) struct IndexView {
    /// The model that makes vectors of chunks and of what is searched for.
    embedding_model: String,
    /// How many numbers a vector has.
    dimensions: u32,
    /// How documents are cut.
    chunking: Chunking,
}

impl From<IndexSettings> for IndexView {
    fn from(settings: IndexSettings) -> Self {
        let IndexSettings {
            embedding_model,
            dimensions,
            chunking,
        } = settings;
        Self {
            embedding_model,
            dimensions,
            chunking,
        }
    }
}

impl KnowledgeBaseView {
    pub(crate) fn new(base: KnowledgeBase, index: KnowledgeIndex) -> Self {
        let KnowledgeBase {
            id,
            name,
            description,
            metadata,
            created_by,
            visibility,
            readers,
            backend,
            version: _,
            created_at,
            updated_at,
        } = base;
        Self {
            id,
            name,
            description,
            metadata,
            visibility,
            readers,
            created_by,
            backend,
            index: index.active.settings.into(),
            next_index: index.building.map(|building| building.settings.into()),
            created_at: Timestamp(created_at),
            updated_at: Timestamp(updated_at),
        }
    }
}

/// A knowledge base and its entity tag.
pub(crate) type Tagged = ([(HeaderName, HeaderValue); 1], Json<KnowledgeBaseView>);

/// The reply with one knowledge base.
pub(crate) fn tagged(base: KnowledgeBase, index: KnowledgeIndex) -> Tagged {
    let tag = etag(base.version);
    ([(ETAG, tag)], Json(KnowledgeBaseView::new(base, index)))
}

/// What a knowledge base is for, as it is stored.
pub(crate) fn description(text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 2_000 {
        let detail = "must have between 1 and 2000 characters";
        return Err(Error::invalid("/description", detail));
    }
    Ok(text.to_owned())
}
