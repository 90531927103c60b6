//! `POST /v1/vector_stores/{vector_store_id}`

use std::collections::BTreeMap;

use axum::extract::State;
use serde::Deserialize;
use shared::Result;
use shared::auth::Caller;
use shared::http::openapi::Metadata;
use shared::http::{AcceptsJson, Json, Path};
use shared::model::{KnowledgeBaseId, Origin};

use super::check_expiry;
use super::view::VectorStoreView;
use crate::Bases;
use crate::openai::renamed;
use crate::update::{KnowledgeBaseChange, update};

/// What to change. A field that is left out or `null` stays as it is.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VectorStoreChange {
    /// What to call it.
    #[serde(default)]
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^\s*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*\s*$"
    )]
    name: Option<String>,
    /// What programs keep with it, in place of what there was.
    #[serde(default)]
    #[schema(value_type = Option<Metadata>)]
    metadata: Option<BTreeMap<String, String>>,
    /// Not supported: vector stores stay until they are deleted.
    #[serde(default)]
    #[schema(ignore)]
    expires_after: Option<serde_json::Value>,
}

/// Changes a vector store.
#[utoipa::path(
    post,
    path = "/v1/vector_stores/{vector_store_id}",
    tag = "openai",
    security(("bearer" = [])),
    params(("vector_store_id" = KnowledgeBaseId, Path, description = "The vector store.")),
    request_body = VectorStoreChange,
    responses((status = 200, description = "The changed vector store.", body = VectorStoreView)),
)]
pub(crate) async fn modify_vector_store(
    caller: Caller,
    _: AcceptsJson,
    origin: Origin,
    State(state): State<Bases>,
    Path(id): Path<KnowledgeBaseId>,
    Json(change): Json<VectorStoreChange>,
) -> Result<Json<VectorStoreView>> {
    check_expiry(change.expires_after.as_ref())?;
    let change = KnowledgeBaseChange {
        name: change.name,
        metadata: change.metadata,
        ..KnowledgeBaseChange::default()
    };
    let who = (&caller, &origin);
    let changed = update(&state, who, id, None, &change).await;
    let (base, _) = changed.map_err(renamed)?;
    let store = state.app.store.of(&caller);
    VectorStoreView::read(&store, &caller, base).await.map(Json)
}
