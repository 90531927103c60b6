//! Passages in an order by how well they answer a query, on the wire of OpenAI: `POST {base_url}/rerank` in the shape that
//! Cohere, Jina, vLLM and llama.cpp share.

use std::time::Instant;

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use shared::http::TraceContext;
use shared::model::{ProviderSpec, Wire};
use shared::{Error, Result};

use super::completion::nonsense;
use super::served::served;
use super::{Providers, openai, traced, url};

/// How many passages one call may have.
const MAX_DOCUMENTS: usize = 100;

/// What is to be put into an order.
#[derive(Debug, Clone, Copy)]
pub struct Rerank<'a> {
    /// Who does it.
    pub provider: &'a ProviderSpec,
    /// The model's name there.
    pub model: &'a str,
    /// The trace that the call belongs to.
    pub trace: &'a TraceContext,
    /// What is looked for.
    pub query: &'a str,
    /// The passages, up to 100.
    pub documents: &'a [String],
    /// How many of the best are wanted: from 1 to as many as there are.
    pub best: usize,
}

/// The best of what was put into an order.
#[derive(Debug, Clone, PartialEq)]
pub struct Reranked {
    /// Best first: the number of a passage, from 0, and how good it is, on the model's own scale. As many as were wanted.
    pub scores: Vec<(usize, f32)>,
    /// How many tokens were read. `None` if the provider does not say.
    pub input_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Scored>,
    #[serde(default)]
    usage: Option<Used>,
}

#[derive(Deserialize)]
struct Scored {
    index: usize,
    relevance_score: f32,
}

/// Nothing is written, so that all tokens are those of the input.
#[derive(Deserialize)]
struct Used {
    #[serde(default)]
    total_tokens: Option<u64>,
    #[serde(default)]
    prompt_tokens: Option<u64>,
}

impl Providers {
    /// Puts passages into an order, with the tenant's key or with the platform's.
    ///
    /// # Errors
    /// `Invalid` for what can't be asked, and `Provider` when the provider gives no order.
    pub async fn rerank(
        &self,
        rerank: &Rerank<'_>,
        own: Option<&SecretString>,
        deadline: Instant,
    ) -> Result<Reranked> {
        rerank.check()?;
        let platform = match own {
            Some(_) => None,
            None => self.platform_key(rerank.provider).await?,
        };
        let key = own.or(platform.as_ref());
        let body = json!({
            "model": rerank.model,
            "query": rerank.query,
            "documents": rerank.documents,
            "top_n": rerank.best,
        });
        let request = self.http()?.post(url(rerank.provider, "/rerank"));
        let request = openai::authorized(request, key).json(&body);
        let mut span = traced::call(rerank.trace, "rerank", rerank.provider, rerank.model);
        let trace = span.trace().clone();
        let answer = self.answer((rerank.provider, &trace), request, key, deadline);
        let answer: Answer = span.note(answer.await)?;
        let used = answer.usage;
        let input_tokens = used.and_then(|used| used.total_tokens.or(used.prompt_tokens));
        traced::sent(&mut span, input_tokens);
        Ok(Reranked {
            scores: span.note(rerank.ordered(&answer.results))?,
            input_tokens,
        })
    }
}

impl Rerank<'_> {
    fn check(&self) -> Result<()> {
        if self.provider.wire != Wire::Openai {
            let detail = "is not a model that puts passages into an order; choose another one";
            return Err(Error::invalid("/model", detail));
        }
        if !(1..=MAX_DOCUMENTS).contains(&self.documents.len()) {
            let detail = format!("must have from 1 to {MAX_DOCUMENTS} passages");
            return Err(Error::invalid("/documents", detail));
        }
        if !(1..=self.documents.len()).contains(&self.best) {
            let detail = "must be from 1 to the number of passages";
            return Err(Error::invalid("/best", detail));
        }
        if self.query.trim().is_empty() {
            return Err(Error::invalid("/query", "must not be blank"));
        }
        Ok(())
    }

    /// The best first, whatever the provider's order is. Of equals the one that was given first.
    fn ordered(&self, results: &[Scored]) -> Result<Vec<(usize, f32)>> {
        let mut seen = vec![false; self.documents.len()];
        for scored in results {
            match seen.get_mut(scored.index) {
                Some(seen) if !*seen => *seen = true,
                Some(_) => return Err(served(nonsense("an order that names a passage twice"))),
                None => {
                    let cause = "an order that names a passage that was not given";
                    return Err(served(nonsense(cause)));
                }
            }
        }
        if results.len() != self.best {
            let cause = "an order of more or fewer passages than were asked for";
            return Err(served(nonsense(cause)));
        }
        if !results.iter().all(|one| one.relevance_score.is_finite()) {
            return Err(served(nonsense("a score that is not finite")));
        }
        let scores = results.iter().map(|one| (one.index, one.relevance_score));
        let mut scores: Vec<(usize, f32)> = scores.collect();
        scores.sort_by(|(one, better), (other, worse)| {
            worse.total_cmp(better).then_with(|| one.cmp(other))
        });
        Ok(scores)
    }
}
