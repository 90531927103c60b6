//! `POST /api/v1/knowledge-bases/{knowledge_base_id}/search`

mod rerank;
mod view;

use std::time::{Duration, Instant};

use axum::extract::State;
use engine::{Purpose, Vectors};
use knowledge::Search;
use retrieval::{Filter, Mode, Weights};
use serde::{Deserialize, Serialize};
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, Path};
use shared::model::{KnowledgeBaseId, KnowledgeIndex};
use shared::store::TenantStore;
use shared::{Error, Result};

use crate::{Bases, access};
use rerank::{RerankRequest, Reranker};
pub(crate) use view::FoundChunk;
use view::SearchResults;

/// How long a search may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How many chunks one search gives.
const LIMITS: std::ops::RangeInclusive<u32> = 1..=50;
/// How many chunks each stage hands on.
const CANDIDATES: std::ops::RangeInclusive<u32> = 10..=1000;
/// The longest query, in characters.
const MAX_QUERY: usize = 8_000;

/// In which way to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SearchMode)]
pub(crate) enum ModeView {
    /// By vector and by words, fused by rank.
    Hybrid,
    /// By vector.
    Vector,
    /// By words.
    Keyword,
}

impl From<ModeView> for Mode {
    fn from(mode: ModeView) -> Self {
        match mode {
            ModeView::Hybrid => Self::Hybrid,
            ModeView::Vector => Self::Vector,
            ModeView::Keyword => Self::Keyword,
        }
    }
}

impl From<Mode> for ModeView {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Hybrid => Self::Hybrid,
            Mode::Vector => Self::Vector,
            Mode::Keyword => Self::Keyword,
        }
    }
}

/// How much each stage counts in `hybrid`: numbers from 0 on, not both 0.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchWeights {
    /// The vector.
    #[schema(minimum = 0)]
    vector: f32,
    /// The words.
    #[schema(minimum = 0)]
    keyword: f32,
}

/// What to search for.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchRequest {
    /// In words: up to 8000 characters, and no more than the embedding model takes unless the `mode` is `keyword`.
    #[schema(
        example = "How long is the notice period?",
        min_length = 1,
        max_length = 8000,
        pattern = r"\S"
    )]
    pub(crate) query: String,
    /// In which way; if left out `hybrid`, or `vector` where the backend knows no words.
    #[serde(default)]
    pub(crate) mode: Option<ModeView>,
    /// How many chunks to give; 10 if left out.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 50)]
    pub(crate) limit: Option<u32>,
    /// How many chunks each stage hands to the fusion; 100 if left out.
    #[serde(default)]
    #[schema(minimum = 10, maximum = 1000)]
    pub(crate) candidates: Option<u32>,
    /// What the attributes of documents must be like, as OpenAI writes it: `{"type": "eq", "key": …, "value": …}` with
    /// `eq`, `ne`, `gt`, `gte`, `lt`, `lte`, `in`, `nin`, and `{"type": "and", "filters": […]}` with `and` and `or`.
    #[serde(default)]
    #[schema(value_type = Option<shared::http::openapi::Filter>)]
    pub(crate) filters: Option<serde_json::Value>,
    /// How much each stage counts; both 1 if left out.
    #[serde(default)]
    pub(crate) weights: Option<SearchWeights>,
    /// Leave out what has a smaller `score`: with `rerank` that is the model's, on its own scale.
    #[serde(default)]
    pub(crate) min_score: Option<f32>,
    /// Leave out of the stage of vectors what has a smaller cosine.
    #[serde(default)]
    pub(crate) min_cosine: Option<f32>,
    /// At most so many chunks of one document.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub(crate) per_document: Option<u32>,
    /// Have a model read the best hits with the query and put them into an order, of which the first `limit` are given.
    /// It is charged beside the vector. If it fails the search fails, and nothing is given in another order.
    #[serde(default)]
    pub(crate) rerank: Option<RerankRequest>,
}

/// Searches a knowledge base.
///
/// You find what you may see, whatever you ask: documents that are not for you have no influence on what you find.
#[utoipa::path(
    post,
    path = "/api/v1/knowledge-bases/{knowledge_base_id}/search",
    tag = "knowledge bases",
    security(("bearer" = [])),
    params(("knowledge_base_id" = KnowledgeBaseId, Path, description = "The knowledge base.")),
    request_body = SearchRequest,
    responses((status = 200, description = "What was found.", body = SearchResults)),
)]
pub(crate) async fn search_knowledge_base(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Bases>,
    Path(id): Path<KnowledgeBaseId>,
    Json(request): Json<SearchRequest>,
) -> Result<Json<SearchResults>> {
    search(&state, &caller, id, &request).await.map(Json)
}

/// What a caller finds.
pub(crate) async fn search(
    state: &Bases,
    caller: &Caller,
    id: KnowledgeBaseId,
    request: &SearchRequest,
) -> Result<SearchResults> {
    let store = state.app.store.of(caller);
    let deadline = Instant::now() + TIMEOUT;
    let (base, index) = access::opened(&store, caller, id).await?;
    let search = checked(request)?;
    let mode = state.knowledge.mode(&base, search.mode)?;
    let reranker = match &request.rerank {
        Some(rerank) => {
            let asked = (search.text.as_str(), search.limit);
            Some(Reranker::of((&state.engine, &store), rerank, asked).await?)
        }
        None => None,
    };
    let embedded = match mode {
        Mode::Keyword => None,
        Mode::Vector | Mode::Hybrid => {
            Some(query_vector((state, &store, caller), &index, &search.text, deadline).await?)
        }
    };
    let vector = embedded
        .as_ref()
        .and_then(|embedded| embedded.vectors.first());
    let fused = fused(&search, reranker.as_ref());
    let found = state.knowledge.search(
        (&store, caller),
        (&base, &index),
        &fused,
        vector.map(Vec::as_slice),
        deadline,
    );
    let found = found.await?;
    let (data, rerank) = match reranker {
        None => {
            let found = found.into_iter().map(|hit| FoundChunk::of(hit, None));
            (found.collect(), None)
        }
        Some(reranker) => {
            let who = (&state.engine, &store, caller);
            let (data, told) = reranker.ordered(who, &search, found, deadline).await?;
            (data, Some(told))
        }
    };
    let model = &index.active.settings.embedding_model;
    Ok(SearchResults {
        data,
        mode: mode.into(),
        embedding_model: embedded.is_some().then(|| model.clone()),
        input_tokens: embedded.as_ref().map(|embedded| embedded.input_tokens),
        cost_micro_dollars: embedded.and_then(|embedded| embedded.cost),
        rerank,
    })
}

/// What is searched for before a model puts the hits into an order: all that it is given, whatever their scores.
fn fused(search: &Search, reranker: Option<&Reranker>) -> Search {
    let Some(reranker) = reranker else {
        return search.clone();
    };
    Search {
        limit: reranker.candidates,
        candidates: search.candidates.max(reranker.candidates),
        min_score: None,
        ..search.clone()
    }
}

/// The query as a vector, by the model of the index.
async fn query_vector(
    (state, store, caller): (&Bases, &TenantStore, &Caller),
    index: &KnowledgeIndex,
    query: &str,
    deadline: Instant,
) -> Result<Vectors> {
    let (engine, name) = (&state.engine, &index.active.settings.embedding_model);
    let model = engine.embedding_model(store, Some(name)).await?;
    let texts = [query.to_owned()];
    let vectors = engine.embed(store, caller, &model, &texts, Purpose::Query, deadline);
    vectors.await.map_err(of_query)
}

/// The query is the only text that the model was given.
fn of_query(error: Error) -> Error {
    let Error::Invalid(mut faults) = error else {
        return error;
    };
    for fault in &mut faults {
        if fault.field == "/input/0" {
            "/query".clone_into(&mut fault.field);
        }
    }
    Error::Invalid(faults)
}

fn checked(request: &SearchRequest) -> Result<Search> {
    let text = request.query.trim();
    if text.is_empty() || text.chars().count() > MAX_QUERY {
        let detail = format!("must have between 1 and {MAX_QUERY} characters");
        return Err(Error::invalid("/query", detail));
    }
    let within = |field: &str, value: Option<u32>, allowed: std::ops::RangeInclusive<u32>| {
        let (least, most) = (*allowed.start(), *allowed.end());
        match value {
            Some(value) if !allowed.contains(&value) => {
                let detail = format!("must be from {least} to {most}");
                Err(Error::invalid(field, detail))
            }
            other => Ok(other.map(|value| value as usize)),
        }
    };
    let filter = request.filters.as_ref().map(Filter::parse).transpose();
    let filter = filter.map_err(|fault| {
        // `filters[1].value` as a JSON Pointer.
        let place = fault.path.replace(['[', '.'], "/").replace(']', "");
        let field = format!("/filters/{place}");
        let field = field.trim_end_matches('/').to_owned();
        Error::invalid(field, fault.reason)
    })?;
    let fault = |weight: f32| !weight.is_finite() || weight < 0.0;
    let weights = match request.weights {
        Some(SearchWeights { vector, keyword })
            if fault(vector) || fault(keyword) || vector + keyword == 0.0 =>
        {
            let detail = "must be numbers from 0 on, not both 0";
            return Err(Error::invalid("/weights", detail));
        }
        Some(SearchWeights { vector, keyword }) => Weights { vector, keyword },
        None => Weights::default(),
    };
    let fresh = Search::new(text);
    let limit = within("/limit", request.limit, LIMITS)?.unwrap_or(fresh.limit);
    let candidates = within("/candidates", request.candidates, CANDIDATES)?;
    Ok(Search {
        mode: request.mode.map(Mode::from),
        limit,
        candidates: candidates.unwrap_or(fresh.candidates).max(limit),
        filter,
        weights,
        min_score: request.min_score,
        min_cosine: request.min_cosine,
        per_document: within("/per_document", request.per_document, 1..=u32::MAX)?,
        ..fresh
    })
}
