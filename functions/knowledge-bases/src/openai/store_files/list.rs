//! `GET /v1/vector_stores/{vector_store_id}/files`

use axum::extract::State;
use serde::Deserialize;
use shared::Result;
use shared::auth::Caller;
use shared::http::openai::{OpenAiList, OpenAiPaging, SortOrder};
use shared::http::{AcceptsJson, Json, Path, Query};
use shared::model::{Document, DocumentId, KnowledgeBase, KnowledgeBaseId, KnowledgeIndex};
use shared::store::Page;

use super::view::{FileStatus, VectorStoreFileView, status_of};
use crate::openai::paging::Asked;
use crate::openai::renamed;
use crate::{Bases, access};

/// Which files to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Selection {
    /// How many to give, from 1 to 100; 20 if left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// Whether the oldest or the newest come first; the newest if left out.
    #[param(inline)]
    order: Option<SortOrder>,
    /// The id of a file: those that come after it in this order.
    after: Option<String>,
    /// The id of a file: those that come before it in this order.
    before: Option<String>,
    /// Only those with this status.
    #[param(inline)]
    filter: Option<FileStatus>,
}

/// Lists the files of a vector store that you may see, by when they were uploaded.
#[utoipa::path(
    get,
    path = "/v1/vector_stores/{vector_store_id}/files",
    tag = "openai",
    security(("bearer" = [])),
    params(("vector_store_id" = KnowledgeBaseId, Path, description = "The vector store."), Selection),
    responses((status = 200, description = "A page of files.", body = OpenAiList<VectorStoreFileView>)),
)]
pub(crate) async fn list_vector_store_files(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Bases>,
    Path(id): Path<KnowledgeBaseId>,
    Query(selection): Query<Selection>,
) -> Result<Json<OpenAiList<VectorStoreFileView>>> {
    let (paging, filter) = selection.parts();
    let asked: Asked<DocumentId> = Asked::new(&paging)?;
    let store = state.app.store.of(&caller);
    let opened = access::opened(&store, &caller, id).await;
    let (base, index) = opened.map_err(renamed)?;
    let wanted = |document: &Document| {
        document.is_seen_by(&base, caller.user(), caller.role())
            && filter.is_none_or(|wanted| wanted == status_of(document))
    };
    let page = store.document_list(id, asked.walk, asked.limit, wanted);
    let page = asked.ordered(page.await?);
    Ok(Json(listed(&base, &index, page)))
}

impl Selection {
    /// Which part of the list, and of which status.
    pub(crate) fn parts(self) -> (OpenAiPaging, Option<FileStatus>) {
        let Self {
            limit,
            order,
            after,
            before,
            filter,
        } = self;
        (OpenAiPaging::new(limit, order, after, before), filter)
    }
}

/// Documents of a knowledge base as a list of files.
pub(crate) fn listed(
    base: &KnowledgeBase,
    index: &KnowledgeIndex,
    page: Page<Document>,
) -> OpenAiList<VectorStoreFileView> {
    let chunking = index.active.settings.chunking;
    let files = page.items.into_iter();
    let files = files.map(|document| VectorStoreFileView::new(base.id, chunking, document));
    let id = |file: &VectorStoreFileView| file.id.to_string();
    OpenAiList::new(files.collect(), page.has_more, id)
}
