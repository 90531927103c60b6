//! `GET /api/v1/models/{model_id}`

use axum::extract::State;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, Path};
use shared::{Error, Result};

use crate::Models;
use crate::view::ModelView;

/// Gets a model or a route. A slash in its id is written as `%2F`.
#[utoipa::path(
    get,
    path = "/api/v1/models/{model_id}",
    tag = "models",
    security(("bearer" = [])),
    params(("model_id" = String, Path, description = "The model.")),
    responses((status = 200, description = "The model.", body = ModelView)),
)]
pub(crate) async fn get_model(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Models>,
    Path(id): Path<String>,
) -> Result<Json<ModelView>> {
    let store = state.app.store.of(&caller);
    let catalogue = state.catalogues.with_name(&store, Some(&id)).await?;
    let found = ModelView::find(&catalogue, &id);
    found.map(Json).ok_or(Error::NotFound("model"))
}
