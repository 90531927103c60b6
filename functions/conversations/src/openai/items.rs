//! `POST /v1/conversations/{conversation_id}/items`

use axum::extract::State;
use serde::Deserialize;
use shared::auth::Caller;
use shared::http::openai::items::{Item, ListedItem, listed};
use shared::http::openai::{OpenAiList, unsupported};
use shared::http::{AcceptsJson, Json, Path, Query};
use shared::model::ConversationId;
use shared::store::Changed;
use shared::{Error, Result};

use super::{find, parse, said};
use crate::Conversations;

/// Items to be added.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = NewOpenAiItems)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewItems {
    /// Up to 20: messages of the user and of the assistant, `function_call`, `function_call_output` and `reasoning`.
    #[schema(min_items = 1, max_items = 20)]
    items: Vec<Item>,
}

/// What more of items shall be shown.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Including {
    /// Refused.
    include: Option<String>,
}

impl Including {
    pub(super) fn check(&self) -> Result<()> {
        match self.include {
            Some(_) => Err(unsupported("include", "leave it out")),
            None => Ok(()),
        }
    }
}

/// Adds items to a conversation.
///
/// They come after everything that is there. Results of functions come with those of all calls of their answer; calls may
/// stand without results at the end. While an answer is made, nothing can be added.
#[utoipa::path(
    post,
    path = "/v1/conversations/{conversation_id}/items",
    tag = "openai",
    security(("bearer" = [])),
    params(
        ("conversation_id" = ConversationId, Path, description = "The conversation."),
        Including,
    ),
    request_body = NewItems,
    responses((status = 200, description = "The new items.", body = OpenAiList<ListedItem>)),
)]
pub(crate) async fn create_items(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Conversations>,
    Path(id): Path<String>,
    Query(including): Query<Including>,
    Json(new): Json<NewItems>,
) -> Result<Json<OpenAiList<ListedItem>>> {
    including.check()?;
    let id = parse(&id)?;
    let store = state.app.store.of(&caller);
    let (conversation, newest) =
        tokio::try_join!(store.conversation_get(id), store.message_newest(id, 2))?;
    conversation.ok_or(Error::NotFound("conversation"))?;
    let newest = newest.newest_first.first();
    let now = state.app.clock.now();
    let said = said::parsed(new.items, newest)?;
    if let Some(newest) = newest {
        find::free(&store, newest, now).await?;
    }
    let messages = engine::following(&said, newest, now);
    match store.messages_add(id, &messages, now).await? {
        Changed::Yes => {}
        Changed::ByAnother => return Err(Error::ConversationBusy),
        Changed::ConversationGone => return Err(Error::NotFound("conversation")),
    }
    let items = messages.iter().flat_map(listed).collect();
    Ok(Json(OpenAiList::new(items, false, |item| {
        item.id().to_owned()
    })))
}
