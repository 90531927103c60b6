//! `GET /v1/files/{file_id}`

use axum::extract::State;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, Path};
use shared::model::DocumentId;

use super::view::FileView;
use crate::Bases;

/// Gives a file: one that you have uploaded, or a document of a knowledge base that you may read.
#[utoipa::path(
    get,
    path = "/v1/files/{file_id}",
    tag = "openai",
    security(("bearer" = [])),
    params(("file_id" = DocumentId, Path, description = "The file.")),
    responses((status = 200, description = "The file.", body = FileView)),
)]
pub(crate) async fn retrieve_file(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Bases>,
    Path(id): Path<DocumentId>,
) -> Result<Json<FileView>> {
    let store = state.app.store.of(&caller);
    let found = super::find(&store, &caller, id).await?;
    Ok(Json(found.into()))
}
