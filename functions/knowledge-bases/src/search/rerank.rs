//! Hits in the order of a model that reads each of them with the query.

use std::time::Instant;

use engine::{Engine, RerankModel, estimate_tokens};
use knowledge::Search;
use retrieval::{Hit, Stage};
use serde::{Deserialize, Serialize};
use shared::auth::Caller;
use shared::model::MicroDollars;
use shared::store::TenantStore;
use shared::{Error, Result};

use super::view::FoundChunk;

/// How many hits are put into an order, at most, and if nobody says how many.
const MOST: u32 = 100;
const USUAL: u32 = 50;
/// Where the model's name stands in the request.
const MODEL: &str = "/rerank/model";

/// Which model puts what was found into an order.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SearchRerank)]
pub(crate) struct RerankRequest {
    /// A model of the type `rerank`; if left out the tenant's default.
    #[serde(default)]
    #[schema(example = "jina-reranker-v2")]
    model: Option<String>,
    /// How many hits it is given: at least `limit`; 50 if left out. The more there are, the more it finds and costs.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    candidates: Option<u32>,
}

/// What putting the hits into an order took.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SearchReranked)]
pub(super) struct RerankedView {
    /// The model.
    model: String,
    /// How many hits it was given.
    candidates: usize,
    /// How many tokens it read; 0 if nothing was found that it could be given.
    input_tokens: u64,
    /// What that cost; `null` if the model has no price.
    cost_micro_dollars: Option<MicroDollars>,
}

/// A model, and how many hits it is given.
pub(super) struct Reranker {
    model: RerankModel,
    pub(super) candidates: usize,
}

impl Reranker {
    /// What is asked for, looked at before anything is spent.
    ///
    /// # Errors
    /// `Invalid` with the field that breaks a rule.
    pub(super) async fn of(
        (engine, store): (&Engine, &TenantStore),
        request: &RerankRequest,
        (query, limit): (&str, usize),
    ) -> Result<Self> {
        let candidates = request.candidates.unwrap_or(USUAL);
        let enough = usize::try_from(candidates).is_ok_and(|candidates| candidates >= limit);
        if !enough || candidates > MOST {
            let detail =
                format!("must be at least the `limit`, which is {limit}, and at most {MOST}");
            return Err(Error::invalid("/rerank/candidates", detail));
        }
        let name = request.model.as_deref();
        let model = engine.rerank_model(store, name, MODEL).await?;
        let (tokens, most) = (estimate_tokens(query), model.spec().max_input_tokens);
        if tokens >= most.into() {
            let detail = format!(
                "has about {tokens} tokens, and the reranking model takes {most} with a passage; shorten it"
            );
            return Err(Error::invalid("/query", detail));
        }
        Ok(Self {
            model,
            candidates: candidates as usize,
        })
    }

    /// The best of what was found, as far as its score is high enough, and what finding that out took.
    pub(super) async fn ordered(
        &self,
        (engine, store, caller): (&Engine, &TenantStore, &Caller),
        search: &Search,
        found: Vec<Hit>,
        deadline: Instant,
    ) -> Result<(Vec<FoundChunk>, RerankedView)> {
        let (model, query) = (&self.model, &search.text);
        let texts: Vec<String> = found.iter().map(|hit| hit.text.clone()).collect();
        let asked = (texts.as_slice(), search.limit);
        let order = engine.rerank((store, caller), model, query, asked, deadline);
        let order = order.await.map_err(of_request)?;
        let told = RerankedView {
            model: model.spec().id.clone(),
            candidates: found.len(),
            input_tokens: order.input_tokens,
            cost_micro_dollars: order.cost,
        };
        let mut found: Vec<Option<Hit>> = found.into_iter().map(Some).collect();
        let good = |score: f32| search.min_score.is_none_or(|least| score >= least);
        let ranked = order.scores.into_iter().zip(1..);
        let ranked = ranked.filter(|((_, score), _)| good(*score));
        let chunks = ranked.filter_map(|((index, score), rank)| {
            let hit = found.get_mut(index)?.take()?;
            Some(FoundChunk::of(hit, Some(Stage { rank, score })))
        });
        let chunks = chunks.collect();
        Ok((chunks, told))
    }
}

/// What is wrong with the model is wrong with the one that was named here.
fn of_request(error: Error) -> Error {
    let Error::Invalid(mut faults) = error else {
        return error;
    };
    for fault in &mut faults {
        if fault.field == "/model" {
            MODEL.clone_into(&mut fault.field);
        }
    }
    Error::Invalid(faults)
}
