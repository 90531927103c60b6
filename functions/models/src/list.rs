//! `GET /api/v1/models`

use axum::extract::State;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, List};

use crate::Models;
use crate::view::ModelView;

/// Lists the models, the default one first.
#[utoipa::path(
    get,
    path = "/api/v1/models",
    tag = "models",
    security(("bearer" = [])),
    responses((status = 200, description = "All models.", body = List<ModelView>)),
)]
pub(crate) async fn list_models(
    _: Caller,
    _: AcceptsJson,
    State(state): State<Models>,
) -> Json<List<ModelView>> {
    let default = state.catalogue.default_model();
    let models = state
        .catalogue
        .models()
        .iter()
        .map(|model| ModelView::new(model, default));
    Json(List::whole(models.collect()))
}
