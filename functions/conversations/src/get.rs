//! `GET /api/v1/conversations/{conversation_id}`

use axum::extract::State;
use axum::http::header::ETAG;
use axum::http::{HeaderName, HeaderValue};
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, Path, etag};
use shared::model::ConversationId;
use shared::{Error, Result};

use crate::Conversations;
use crate::view::{ConversationWithSummary, SummaryView};

/// Gets a conversation, without its messages, and the summary that models are sent in the place of its oldest messages.
#[utoipa::path(
    get,
    path = "/api/v1/conversations/{conversation_id}",
    tag = "conversations",
    security(("bearer" = [])),
    params(("conversation_id" = ConversationId, Path, description = "The conversation.")),
    responses((
        status = 200,
        description = "The conversation.",
        body = ConversationWithSummary,
        headers(("etag" = String, description = "Its version.")),
    )),
)]
pub(crate) async fn get_conversation(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Conversations>,
    Path(id): Path<ConversationId>,
) -> Result<(
    [(HeaderName, HeaderValue); 1],
    Json<ConversationWithSummary>,
)> {
    let store = state.app.store.of(&caller);
    let (found, summary) = tokio::try_join!(store.conversation_get(id), store.summary_get(id))?;
    let found = found.ok_or(Error::NotFound("conversation"))?;
    let tag = [(ETAG, etag(found.version))];
    let view = ConversationWithSummary {
        conversation: found.into(),
        summary: summary.map(SummaryView::from),
    };
    Ok((tag, Json(view)))
}
