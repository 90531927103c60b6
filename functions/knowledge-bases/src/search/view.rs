//! What a search says.

use retrieval::{Hit, Stage};
use serde::Serialize;
use shared::model::MicroDollars;

use super::ModeView;
use super::rerank::RerankedView;

/// What was found.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct SearchResults {
    /// The best chunks, best first.
    pub(crate) data: Vec<FoundChunk>,
    /// In which way was searched.
    pub(super) mode: ModeView,
    /// The model that made a vector of the query; `null` if none did.
    pub(super) embedding_model: Option<String>,
    /// How many tokens the query had; `null` if it was made no vector now.
    pub(super) input_tokens: Option<u64>,
    /// What its vector cost; `null` if none was made, or the model has no price.
    pub(super) cost_micro_dollars: Option<MicroDollars>,
    /// What putting the hits into an order took; `null` if the request has no `rerank`.
    pub(super) rerank: Option<RerankedView>,
}

/// A chunk that was found.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct FoundChunk {
    /// The document that it is of.
    pub(crate) document_id: String,
    /// What the document is called.
    pub(crate) document_name: String,
    /// The document's attributes.
    #[schema(value_type = Object)]
    pub(crate) attributes: retrieval::Attributes,
    /// Its number in the document, from 0.
    chunk: u32,
    /// The page on which it begins, where the document has pages.
    page: Option<u32>,
    /// The headings above it, outermost first.
    headings: Vec<String>,
    /// Where it begins in the document's text, in Unicode code points.
    start: u32,
    /// Where it ends.
    end: u32,
    /// Its text.
    pub(crate) text: String,
    /// How good it is, by the stage that decides, which is `rerank` where there is one: the greater, the better.
    pub(crate) score: f32,
    /// What each stage said.
    stages: Stages,
}

/// What each stage said of a chunk; `null` where it did not find it or did not look.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SearchStages)]
pub(crate) struct Stages {
    /// By vector: the cosine.
    vector: Option<StageView>,
    /// By words: BM25.
    keyword: Option<StageView>,
    /// Both, by reciprocal rank fusion, of which 1 is being first in both.
    fused: Option<StageView>,
    /// The model of `rerank`: a number on its own scale, which may be negative.
    rerank: Option<StageView>,
}

/// What a stage said of a chunk.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SearchStage)]
pub(crate) struct StageView {
    /// Its score there.
    score: f32,
    /// Its place there, from 1.
    rank: u32,
}

impl From<Stage> for StageView {
    fn from(stage: Stage) -> Self {
        Self {
            score: stage.score,
            rank: stage.rank,
        }
    }
}

impl FoundChunk {
    /// What was found, and what a model said of it that has put it into an order.
    pub(super) fn of(hit: Hit, rerank: Option<Stage>) -> Self {
        Self {
            document_id: hit.document,
            document_name: hit.name,
            attributes: hit.attributes,
            chunk: hit.ordinal,
            page: hit.page,
            headings: hit.headings,
            start: hit.start,
            end: hit.end,
            text: hit.text,
            score: rerank.map_or(hit.score, |stage| stage.score),
            stages: Stages {
                vector: hit.vector.map(StageView::from),
                keyword: hit.keyword.map(StageView::from),
                fused: hit.fused.map(StageView::from),
                rerank: rerank.map(StageView::from),
            },
        }
    }
}
