//! `POST /v1/responses/{response_id}/cancel`

use std::time::Duration;

use axum::extract::State;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, Path};
use shared::{Error, Result};

use super::view::ResponseView;
use super::{fetch, parse};
use crate::Chat;

/// How long it is waited for that its process stops, and how often it is looked.
const PATIENCE: u32 = 30;
const PAUSE: Duration = Duration::from_millis(100);

/// Cancels a response.
///
/// One that is queued is cancelled at once; one in progress stops within about a second, with what was written until then.
/// One that has ended stays as it is. Others than those in the background can't be cancelled here, as at OpenAI, but at
/// `/api/v1/runs/{run_id}/cancel`.
#[utoipa::path(
    post,
    path = "/v1/responses/{response_id}/cancel",
    tag = "openai",
    security(("bearer" = [])),
    params(("response_id" = shared::model::ResponseId, Path, description = "The response.")),
    responses((status = 200, description = "The response as it is then.", body = ResponseView)),
)]
pub(crate) async fn cancel_response(
    _: AcceptsJson,
    caller: Caller,
    State(chat): State<Chat>,
    Path(id): Path<String>,
) -> Result<Json<ResponseView>> {
    let id = parse(&id)?;
    let mut fetched = fetch(&chat, &caller, id).await?;
    if !fetched.kept.background {
        let detail = "only a response with `background` can be cancelled; POST /api/v1/runs/{run_id}/cancel stops the run of any";
        return Err(Error::invalid("response_id", detail));
    }
    if !fetched.run.status.is_terminal() {
        chat.engine.cancel(&fetched.store, fetched.run).await?;
        fetched = fetch(&chat, &caller, id).await?;
    }
    for _ in 0..PATIENCE {
        if fetched.run.status.is_terminal() {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        fetched = fetch(&chat, &caller, id).await?;
    }
    Ok(Json(fetched.view().await?))
}
