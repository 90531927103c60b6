//! `GET /api/v1/knowledge-bases/{knowledge_base_id}`

use axum::extract::State;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Path};
use shared::model::KnowledgeBaseId;

use crate::view::{KnowledgeBaseView, Tagged, tagged};
use crate::{Bases, access};

/// Gives a knowledge base.
#[utoipa::path(
    get,
    path = "/api/v1/knowledge-bases/{knowledge_base_id}",
    tag = "knowledge bases",
    security(("bearer" = [])),
    params(("knowledge_base_id" = KnowledgeBaseId, Path, description = "The knowledge base.")),
    responses((
        status = 200,
        description = "The knowledge base.",
        body = KnowledgeBaseView,
        headers(("etag" = String, description = "Its version.")),
    )),
)]
pub(crate) async fn get_knowledge_base(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Bases>,
    Path(id): Path<KnowledgeBaseId>,
) -> Result<Tagged> {
    let store = state.app.store.of(&caller);
    let (base, index) = access::opened(&store, &caller, id).await?;
    Ok(tagged(base, index))
}
