//! `GET /v1/files`

use axum::extract::State;
use serde::Deserialize;
use shared::Result;
use shared::auth::Caller;
use shared::http::openai::{OpenAiList, OpenAiPaging, SortOrder};
use shared::http::{AcceptsJson, Json, Query};
use shared::model::{DocumentId, FilePurpose, UploadedFile};

use super::view::FileView;
use crate::Bases;
use crate::openai::paging::Asked;

/// How many files a page has at most, and if the client does not say: OpenAI's bound.
const MOST: u32 = 10_000;

/// Which files to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Selection {
    /// How many to give, from 1 to 10,000; 10,000 if left out.
    #[param(minimum = 1, maximum = 10_000)]
    limit: Option<u32>,
    /// Whether the oldest or the newest come first; the newest if left out.
    #[param(inline)]
    order: Option<SortOrder>,
    /// The id of a file: those that come after it in this order.
    after: Option<String>,
    /// Only those that are for this.
    #[param(inline)]
    purpose: Option<FilePurpose>,
}

/// Lists the files that you have uploaded here.
///
/// Documents that were put into knowledge bases natively are listed by their vector stores.
#[utoipa::path(
    get,
    path = "/v1/files",
    tag = "openai",
    security(("bearer" = [])),
    params(Selection),
    responses((status = 200, description = "A page of files.", body = OpenAiList<FileView>)),
)]
pub(crate) async fn list_files(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Bases>,
    Query(selection): Query<Selection>,
) -> Result<Json<OpenAiList<FileView>>> {
    let Selection {
        limit,
        order,
        after,
        purpose,
    } = selection;
    let paging = OpenAiPaging::new(limit, order, after, None);
    let limit = paging.limit_of(MOST, MOST)?;
    let asked: Asked<DocumentId> = Asked::of(&paging, limit)?;
    let wanted = |file: &UploadedFile| purpose.is_none_or(|purpose| purpose == file.purpose);
    let store = state.app.store.of(&caller);
    let page = store.file_list(asked.walk, limit, wanted).await?;
    let page = asked.ordered(page);
    let files: Vec<FileView> = page.items.into_iter().map(FileView::from).collect();
    let list = OpenAiList::new(files, page.has_more, |file| file.id.to_string());
    Ok(Json(list))
}
