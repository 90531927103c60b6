//! `GET /v1/models/{model}`

use axum::extract::State;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, Path};
use shared::{Error, Result};

use super::view::OpenAiModelView;
use crate::Models;

/// Gets a model or a route, by OpenAI's API. A slash in its id may stand as it is.
#[utoipa::path(
    get,
    path = "/v1/models/{model}",
    tag = "openai",
    security(("bearer" = [])),
    params(("model" = String, Path, description = "The id of a model or a route, or a `provider/model`.")),
    responses((status = 200, description = "The model.", body = OpenAiModelView)),
)]
pub(crate) async fn get_openai_model(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Models>,
    Path(id): Path<String>,
) -> Result<Json<OpenAiModelView>> {
    let store = state.app.store.of(&caller);
    let catalogue = state.catalogues.with_name(&store, Some(&id)).await?;
    let found = OpenAiModelView::find(&catalogue, &id);
    found.map(Json).ok_or_else(|| {
        let detail = "there is no such model; GET /v1/models lists them";
        Error::unknown_model("/model", detail)
    })
}
