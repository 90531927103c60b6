//! `POST /api/v1/knowledge-bases`

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use shared::Result;
use shared::auth::Caller;
use shared::http::openapi::Metadata;
use shared::http::{AcceptsJson, Json, location};
use shared::model::{
    AuditAction, Chunking, IndexBackend, KnowledgeBase, KnowledgeBaseId, KnowledgeBaseName,
    KnowledgeIndex, Manifest, Origin, UserId, Visibility, checked_metadata,
};

use crate::view::{KnowledgeBaseView, Tagged, description, tagged};
use crate::{Bases, access, index};

/// A knowledge base to be created.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKnowledgeBase {
    /// What to call it.
    #[schema(
        example = "Handbook",
        min_length = 1,
        max_length = 200,
        pattern = r"^\s*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*\s*$"
    )]
    pub(crate) name: String,
    /// What it is for.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 2000, pattern = r"\S")]
    pub(crate) description: Option<String>,
    /// What programs keep with it: up to 16 texts of 512 characters, by names of 64.
    #[serde(default)]
    #[schema(required = false, value_type = Metadata)]
    pub(crate) metadata: BTreeMap<String, String>,
    /// Who may search it; `private` if left out.
    #[serde(default)]
    #[schema(required = false)]
    pub(crate) visibility: Visibility,
    /// Who may although it is private.
    #[serde(default)]
    #[schema(required = false, max_items = 100)]
    pub(crate) readers: BTreeSet<UserId>,
    /// What keeps its index; `built_in` if left out. It can't be changed.
    #[serde(default)]
    #[schema(required = false)]
    pub(crate) backend: IndexBackend,
    /// The embedding model; if left out, the tenant's default or the first that there is. `GET /api/v1/models` lists them.
    #[serde(default)]
    pub(crate) embedding_model: Option<String>,
    /// How documents are cut; if left out, chunks of 400 tokens that overlap by an eighth, or shorter where the model
    /// takes fewer.
    #[serde(default)]
    pub(crate) chunking: Option<Chunking>,
}

/// Creates a knowledge base.
#[utoipa::path(
    post,
    path = "/api/v1/knowledge-bases",
    tag = "knowledge bases",
    security(("bearer" = [])),
    request_body = NewKnowledgeBase,
    responses((
        status = 201,
        description = "The new knowledge base.",
        body = KnowledgeBaseView,
        headers(("location" = String, description = "Its address."), ("etag" = String, description = "Its version.")),
    )),
)]
pub(crate) async fn create_knowledge_base(
    caller: Caller,
    _: AcceptsJson,
    origin: Origin,
    State(state): State<Bases>,
    Json(new): Json<NewKnowledgeBase>,
) -> Result<(StatusCode, [(HeaderName, HeaderValue); 1], Tagged)> {
    let (base, index) = create(&state, (&caller, &origin), new).await?;
    let path = format!("/api/v1/knowledge-bases/{}", base.id);
    let location = [(LOCATION, location(&state.app, &path)?)];
    Ok((StatusCode::CREATED, location, tagged(base, index)))
}

/// Creates one of the caller's.
pub(crate) async fn create(
    state: &Bases,
    (caller, origin): (&Caller, &Origin),
    new: NewKnowledgeBase,
) -> Result<(KnowledgeBase, KnowledgeIndex)> {
    let store = state.app.store.of(caller);
    let now = state.app.clock.now();
    let name = KnowledgeBaseName::parse("/name", &new.name)?.into_string();
    let description = new.description.as_deref().map(description).transpose()?;
    let readers = access::members(&store, new.readers).await?;
    state.knowledge.backend(new.backend)?;
    let model = new.embedding_model.as_deref();
    let model = state.engine.embedding_model(&store, model).await?;
    let settings = index::settings(&model, new.chunking)?;
    let base = KnowledgeBase {
        id: KnowledgeBaseId::new(),
        name,
        description,
        metadata: checked_metadata("/metadata", new.metadata)?,
        created_by: caller.user(),
        visibility: new.visibility,
        readers,
        backend: new.backend,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let index = KnowledgeIndex {
        active: Manifest::new(settings),
        building: None,
        retired: Vec::new(),
        dead: BTreeSet::new(),
        revision: 1,
        access_revision: 1,
    };
    let is_shared = base.visibility == Visibility::Tenant || !base.readers.is_empty();
    let target = Some(base.id.to_string());
    let event = caller.did(
        &state.app.clock,
        origin,
        AuditAction::KnowledgeBaseShared,
        target,
    );
    store
        .knowledge_base_create(&base, &index, is_shared.then_some(&event))
        .await?;
    Ok((base, index))
}
