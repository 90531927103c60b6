//! `GET /api/v1/knowledge-bases/{knowledge_base_id}/documents`

use axum::extract::State;
use serde::Deserialize;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, List, Listing, Path, Query, page_limit};
use shared::model::{Document, DocumentId, DocumentStage, KnowledgeBaseId};

use super::view::DocumentView;
use crate::{Bases, access};

/// Which documents to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Selection {
    /// How many to give, from 1 to 100; 20 if left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the reply before.
    cursor: Option<String>,
    /// Only those with this status.
    status: Option<DocumentStage>,
}

/// Lists the documents of a knowledge base that you may see, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/knowledge-bases/{knowledge_base_id}/documents",
    tag = "knowledge bases",
    security(("bearer" = [])),
    params(("knowledge_base_id" = KnowledgeBaseId, Path, description = "The knowledge base."), Selection),
    responses((status = 200, description = "A page of documents.", body = List<DocumentView>)),
)]
pub(crate) async fn list_documents(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Bases>,
    Path(id): Path<KnowledgeBaseId>,
    Query(selection): Query<Selection>,
) -> Result<Json<List<DocumentView>>> {
    let limit = page_limit(selection.limit)?;
    let store = state.app.store.of(&caller);
    let name = format!("documents {id} {:?}", selection.status);
    let listing = Listing::new(&state.app, &caller, name);
    let before: Option<DocumentId> = listing.after(selection.cursor.as_deref()).await?;
    let base = access::readable(&store, &caller, id).await?;
    let wanted = |document: &Document| {
        let status = document.shown().map(|content| content.stage);
        document.is_seen_by(&base, caller.user(), caller.role())
            && selection.status.is_none_or(|wanted| Some(wanted) == status)
    };
    let page = store.document_list(id, before, limit, wanted).await?;
    let next_cursor = listing.next(&page, |last| last.id).await?;
    let shown = page.items.into_iter();
    Ok(Json(List {
        data: shown
            .filter_map(|document| DocumentView::new(id, document))
            .collect(),
        next_cursor,
        has_more: page.has_more,
    }))
}
