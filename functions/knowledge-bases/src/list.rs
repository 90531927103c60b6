//! `GET /api/v1/knowledge-bases`

use axum::extract::State;
use serde::Deserialize;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, List, Listing, Query, page_limit};
use shared::model::{KnowledgeBase, KnowledgeBaseId};

use crate::Bases;
use crate::view::KnowledgeBaseView;

/// Which knowledge bases to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Selection {
    /// How many to give, from 1 to 100; 20 if left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the reply before.
    cursor: Option<String>,
}

/// Lists the knowledge bases that you may read, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/knowledge-bases",
    tag = "knowledge bases",
    security(("bearer" = [])),
    params(Selection),
    responses((status = 200, description = "A page of knowledge bases.", body = List<KnowledgeBaseView>)),
)]
pub(crate) async fn list_knowledge_bases(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Bases>,
    Query(selection): Query<Selection>,
) -> Result<Json<List<KnowledgeBaseView>>> {
    list(&state, &caller, selection).await.map(Json)
}

async fn list(
    state: &Bases,
    caller: &Caller,
    selection: Selection,
) -> Result<List<KnowledgeBaseView>> {
    let limit = page_limit(selection.limit)?;
    let listing = Listing::new(&state.app, caller, "knowledge-bases".to_owned());
    let before: Option<KnowledgeBaseId> = listing.after(selection.cursor.as_deref()).await?;
    let store = state.app.store.of(caller);
    let wanted = |base: &KnowledgeBase| base.may_read(caller.user());
    let page = store.knowledge_base_list(before, limit, wanted).await?;
    let next_cursor = listing.next(&page, |last| last.id).await?;
    let ids = page.items.iter().map(|base| base.id);
    let mut indexes = store.knowledge_indexes(ids).await?;
    let shown = page.items.into_iter().filter_map(|base| {
        let index = indexes.remove(&base.id)?;
        Some(KnowledgeBaseView::new(base, index))
    });
    Ok(List {
        data: shown.collect(),
        next_cursor,
        has_more: page.has_more,
    })
}
