//! `GET /v1/vector_stores`

use axum::extract::State;
use futures_util::future::try_join_all;
use shared::Result;
use shared::auth::Caller;
use shared::http::openai::{OpenAiList, OpenAiPaging};
use shared::http::{AcceptsJson, Json, Query};
use shared::model::{KnowledgeBase, KnowledgeBaseId};

use super::view::VectorStoreView;
use crate::Bases;
use crate::openai::paging::Asked;

/// Lists the vector stores that you may read.
#[utoipa::path(
    get,
    path = "/v1/vector_stores",
    tag = "openai",
    security(("bearer" = [])),
    params(OpenAiPaging),
    responses((status = 200, description = "A page of vector stores.", body = OpenAiList<VectorStoreView>)),
)]
pub(crate) async fn list_vector_stores(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Bases>,
    Query(paging): Query<OpenAiPaging>,
) -> Result<Json<OpenAiList<VectorStoreView>>> {
    let asked: Asked<KnowledgeBaseId> = Asked::new(&paging)?;
    let store = state.app.store.of(&caller);
    let wanted = |base: &KnowledgeBase| base.may_read(caller.user());
    let page = store.knowledge_base_list(asked.walk, asked.limit, wanted);
    let page = asked.ordered(page.await?);
    let read = page.items.into_iter();
    let read = read.map(|base| VectorStoreView::read(&store, &caller, base));
    let data = try_join_all(read).await?;
    let list = OpenAiList::new(data, page.has_more, |base| base.id.to_string());
    Ok(Json(list))
}
