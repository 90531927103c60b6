//! `POST /v1/vector_stores`

use std::collections::BTreeMap;

use axum::extract::State;
use serde::Deserialize;
use shared::auth::Caller;
use shared::http::openapi::Metadata;
use shared::http::{AcceptsJson, Json};
use shared::model::{DocumentId, Origin};
use shared::{Error, Result};

use super::check_expiry;
use super::view::VectorStoreView;
use crate::Bases;
use crate::create::{NewKnowledgeBase, create as create_base};
use crate::openai::chunking::{self, ChunkingStrategy};
use crate::openai::store_files::create::{Place, attach_all};

/// What one is called where nobody says it.
const UNNAMED: &str = "Vector store";
/// How many files one may be created with: OpenAI's bound.
const MOST_FILES: usize = 500;

/// A vector store to be created.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewVectorStore {
    /// What to call it; `Vector store` if left out.
    #[serde(default)]
    #[schema(
        example = "Handbook",
        min_length = 1,
        max_length = 200,
        pattern = r"^\s*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*\s*$"
    )]
    name: Option<String>,
    /// What it is for.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 2000, pattern = r"\S")]
    description: Option<String>,
    /// What programs keep with it: up to 16 texts of 512 characters, by names of 64.
    #[serde(default)]
    #[schema(value_type = Option<Metadata>)]
    metadata: Option<BTreeMap<String, String>>,
    /// The files to put into it.
    #[serde(default)]
    #[schema(max_items = 500)]
    file_ids: Option<Vec<DocumentId>>,
    /// How files are cut, all of them alike.
    #[serde(default)]
    chunking_strategy: Option<ChunkingStrategy>,
    /// Not supported: vector stores stay until they are deleted.
    #[serde(default)]
    #[schema(ignore)]
    expires_after: Option<serde_json::Value>,
}

/// Creates a vector store: a knowledge base that you alone may read.
#[utoipa::path(
    post,
    path = "/v1/vector_stores",
    tag = "openai",
    security(("bearer" = [])),
    request_body = NewVectorStore,
    responses((status = 200, description = "The new vector store.", body = VectorStoreView)),
)]
pub(crate) async fn create_vector_store(
    caller: Caller,
    _: AcceptsJson,
    origin: Origin,
    State(state): State<Bases>,
    Json(new): Json<NewVectorStore>,
) -> Result<Json<VectorStoreView>> {
    let created = create(&state, (&caller, &origin), new).await;
    created.map(Json).map_err(chunking::renamed)
}

async fn create(
    state: &Bases,
    who: (&Caller, &Origin),
    new: NewVectorStore,
) -> Result<VectorStoreView> {
    check_expiry(new.expires_after.as_ref())?;
    let store = state.app.store.of(who.0);
    let ids = new.file_ids.unwrap_or_default();
    if ids.len() > MOST_FILES {
        let detail = format!("must name at most {MOST_FILES} files");
        return Err(Error::invalid("/file_ids", detail));
    }
    let files = store.files_get(ids.iter().copied()).await?;
    let unknown = |id: &DocumentId| files.iter().all(|file| file.id != *id);
    if let Some(place) = ids.iter().position(unknown) {
        let detail = "there is no such file of yours; upload it by POST /v1/files first";
        return Err(Error::invalid(format!("/file_ids/{place}"), detail));
    }
    let base = NewKnowledgeBase {
        name: new.name.unwrap_or_else(|| UNNAMED.to_owned()),
        description: new.description,
        metadata: new.metadata.unwrap_or_default(),
        chunking: new.chunking_strategy.and_then(ChunkingStrategy::wanted),
        ..NewKnowledgeBase::default()
    };
    let (base, _) = create_base(state, who, base).await?;
    let files = files.iter().map(|file| (file, BTreeMap::new()));
    attach_all(state, who, Place { base: base.id }, files.collect()).await?;
    VectorStoreView::read(&store, who.0, base).await
}
