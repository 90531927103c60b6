//! `GET /healthz`

use serde::Serialize;
use shared::http::{AcceptsJson, Guest, Json};

/// That the process answers.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Liveness)]
pub(crate) struct LivenessView {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Says that the process answers. It looks at nothing else; `/readyz` does.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "health",
    responses((status = 200, description = "It answers.", body = LivenessView)),
)]
pub(crate) async fn get_live(_: Guest, _: AcceptsJson) -> Json<LivenessView> {
    Json(LivenessView { status: "ok" })
}
