//! `POST /v1/vector_stores/{vector_store_id}/search`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, Path};
use shared::model::KnowledgeBaseId;
use shared::{Error, Result};

use crate::Bases;
use crate::openai::renamed;
use crate::search::{FoundChunk, SearchRequest, search};

/// How many results there are where nobody says it: OpenAI's number.
const RESULTS: u32 = 10;

/// What to search for.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VectorStoreSearch {
    /// In words: up to 8000 characters. Only one query can be sent.
    #[schema(
        value_type = String,
        example = "How long is the notice period?",
        min_length = 1,
        max_length = 8000,
        pattern = r"\S"
    )]
    query: Query,
    /// How many results to give; 10 if left out.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 50)]
    max_num_results: Option<u32>,
    /// What the attributes of files must be like.
    #[serde(default)]
    #[schema(value_type = Option<shared::http::openapi::Filter>)]
    filters: Option<serde_json::Value>,
    /// Which results to leave out.
    #[serde(default)]
    ranking_options: Option<RankingOptions>,
    /// `true` is not supported: queries are searched as they are.
    #[serde(default)]
    rewrite_query: Option<bool>,
}

/// One query, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Query {
    One(String),
    Several(SeveralQueries),
}

/// Queries that are not looked at.
#[derive(Debug, Deserialize)]
#[serde(from = "Vec<serde::de::IgnoredAny>")]
struct SeveralQueries;

impl From<Vec<serde::de::IgnoredAny>> for SeveralQueries {
    fn from(_: Vec<serde::de::IgnoredAny>) -> Self {
        Self
    }
}

/// Which results to leave out.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RankingOptions {
    /// `auto` or `none`, which are the same: results are ranked as knowledge bases rank them. Rankers of OpenAI's are not
    /// supported.
    #[serde(default)]
    #[schema(example = "auto")]
    ranker: Option<Ranker>,
    /// Leave out what has a smaller `score`, from 0 to 1.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1)]
    score_threshold: Option<f32>,
}

/// Who ranks results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
pub(crate) enum Ranker {
    /// As knowledge bases rank them.
    #[serde(rename = "auto")]
    Auto,
    /// The same.
    #[serde(rename = "none")]
    None,
    /// Not supported.
    #[serde(rename = "default-2024-11-15")]
    OpenAi,
}

/// What was found.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct VectorStoreSearchPage {
    /// Always `vector_store.search_results.page`.
    #[schema(value_type = String)]
    object: &'static str,
    /// What was searched for.
    search_query: Vec<String>,
    /// The best chunks, best first.
    data: Vec<VectorStoreSearchResult>,
    /// Always `false`: there is one page.
    has_more: bool,
    /// Always `null`.
    next_page: Option<String>,
}

/// A chunk that was found.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct VectorStoreSearchResult {
    /// The file that it is of.
    file_id: String,
    /// What the file is called.
    filename: String,
    /// How good it is: the greater, the better.
    score: f32,
    /// The file's attributes.
    #[schema(value_type = Object)]
    attributes: retrieval::Attributes,
    /// Its text.
    content: [TextContent; 1],
}

/// A text.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = VectorStoreText)]
pub(crate) struct TextContent {
    /// Always `text`.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    kind: &'static str,
    /// The text.
    text: String,
}

impl TextContent {
    pub(crate) const fn new(text: String) -> Self {
        Self { kind: "text", text }
    }
}

impl From<FoundChunk> for VectorStoreSearchResult {
    fn from(found: FoundChunk) -> Self {
        Self {
            file_id: found.document_id,
            filename: found.document_name,
            score: found.score,
            attributes: found.attributes,
            content: [TextContent::new(found.text)],
        }
    }
}

/// Searches a vector store.
#[utoipa::path(
    post,
    path = "/v1/vector_stores/{vector_store_id}/search",
    tag = "openai",
    security(("bearer" = [])),
    params(("vector_store_id" = KnowledgeBaseId, Path, description = "The vector store.")),
    request_body = VectorStoreSearch,
    responses((status = 200, description = "What was found.", body = VectorStoreSearchPage)),
)]
pub(crate) async fn search_vector_store(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Bases>,
    Path(id): Path<KnowledgeBaseId>,
    Json(asked): Json<VectorStoreSearch>,
) -> Result<Json<VectorStoreSearchPage>> {
    let request = asked.checked()?;
    let found = search(&state, &caller, id, &request).await;
    let found = found.map_err(renamed)?.data.into_iter();
    Ok(Json(VectorStoreSearchPage {
        object: "vector_store.search_results.page",
        search_query: vec![request.query],
        data: found.map(VectorStoreSearchResult::from).collect(),
        has_more: false,
        next_page: None,
    }))
}

impl VectorStoreSearch {
    fn checked(self) -> Result<SearchRequest> {
        let query = match self.query {
            Query::One(query) => query,
            Query::Several(SeveralQueries) => {
                let detail = "must be one text: several queries are not supported; send one request for each";
                return Err(Error::unsupported("/query", detail));
            }
        };
        if self.rewrite_query == Some(true) {
            let detail = "is not supported: queries are searched as they are; leave it out";
            return Err(Error::unsupported("/rewrite_query", detail));
        }
        let limit = self.max_num_results.unwrap_or(RESULTS);
        if !(1..=50).contains(&limit) {
            return Err(Error::invalid("/max_num_results", "must be from 1 to 50"));
        }
        let ranking = self.ranking_options.as_ref();
        if ranking.and_then(|options| options.ranker) == Some(Ranker::OpenAi) {
            let detail = "must be `auto` or `none`: rankers of OpenAI's are not supported";
            return Err(Error::unsupported("/ranking_options/ranker", detail));
        }
        let min_score = ranking.and_then(|options| options.score_threshold);
        if min_score.is_some_and(|score| !(0.0..=1.0).contains(&score)) {
            let detail = "must be from 0 to 1";
            return Err(Error::invalid("/ranking_options/score_threshold", detail));
        }
        Ok(SearchRequest {
            query,
            limit: Some(limit),
            filters: self.filters,
            min_score,
            ..SearchRequest::default()
        })
    }
}
