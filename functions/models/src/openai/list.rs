//! `GET /v1/models`

use axum::extract::State;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json};

use super::view::OpenAiModels;
use crate::Models;

/// Lists the models and routes that can be chosen, by OpenAI's API.
///
/// First those that chat, then those that make vectors, those that judge, then all of them once more as `provider/model`.
#[utoipa::path(
    get,
    path = "/v1/models",
    tag = "openai",
    security(("bearer" = [])),
    responses((status = 200, description = "All that can be chosen.", body = OpenAiModels)),
)]
pub(crate) async fn list_openai_models(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Models>,
) -> Result<Json<OpenAiModels>> {
    let catalogue = state.catalogues.of(&state.app.store.of(&caller)).await?;
    Ok(Json(OpenAiModels::all(&catalogue)))
}
