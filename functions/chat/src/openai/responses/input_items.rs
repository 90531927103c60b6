//! `GET /v1/responses/{response_id}/input_items`

use axum::extract::State;
use shared::Result;
use shared::auth::Caller;
use shared::http::openai::items::{ListedItem, listed, page};
use shared::http::openai::{OpenAiList, OpenAiPaging};
use shared::http::{AcceptsJson, Json, Path, Query};

use super::{fetch, parse};
use crate::Chat;

/// Lists what a response was asked with.
///
/// The items of its own request, and not of those that it follows. What the system and the developer said is not among
/// them: it counts as instructions.
#[utoipa::path(
    get,
    path = "/v1/responses/{response_id}/input_items",
    tag = "openai",
    security(("bearer" = [])),
    params(
        ("response_id" = shared::model::ResponseId, Path, description = "The response."),
        OpenAiPaging,
    ),
    responses((status = 200, description = "The items.", body = OpenAiList<ListedItem>)),
)]
pub(crate) async fn list_input_items(
    _: AcceptsJson,
    caller: Caller,
    State(chat): State<Chat>,
    Path(id): Path<String>,
    Query(paging): Query<OpenAiPaging>,
) -> Result<Json<OpenAiList<ListedItem>>> {
    let fetched = fetch(&chat, &caller, parse(&id)?).await?;
    let (run, wanted) = (&fetched.run, fetched.kept.before + 1);
    let mut after = run.question_sequence.saturating_sub(wanted);
    let mut items = Vec::new();
    while after < run.question_sequence {
        let left = u32::try_from(run.question_sequence - after).unwrap_or(u32::MAX);
        let page = fetched.store.message_list(run.conversation, after, left);
        let page = page.await?;
        let asked = page.items.iter();
        items.extend(
            asked
                .clone()
                .filter(|one| one.sequence <= run.question_sequence)
                .flat_map(listed),
        );
        match page.items.last() {
            Some(last) if page.has_more => after = last.sequence,
            _ => break,
        }
    }
    page(items, &paging).map(Json)
}
