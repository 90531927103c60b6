//! `GET /api/v1/models`

use axum::extract::State;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, List};

use crate::Models;
use crate::view::ModelView;

/// Lists the models and routes that can be chosen, the platform's first, and then the models that make vectors.
#[utoipa::path(
    get,
    path = "/api/v1/models",
    tag = "models",
    security(("bearer" = [])),
    responses((status = 200, description = "All that can be chosen.", body = List<ModelView>)),
)]
pub(crate) async fn list_models(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Models>,
) -> Result<Json<List<ModelView>>> {
    let catalogue = state.catalogues.of(&state.app.store.of(&caller)).await?;
    Ok(Json(List::whole(ModelView::all(&catalogue))))
}
