//! What was found, in the order of a model that reads each chunk with the question.

use std::time::Instant;

use knowledge::FoundChunk;
use shared::auth::Caller;
use shared::error::FieldError;
use shared::model::{Budget, ModelSettings};
use shared::store::TenantStore;
use shared::{Error, Result};

use super::is_wanted;
use crate::budget::most_of_call;
use crate::running::Running;
use crate::tokens;
use crate::turn::Engine;

/// Where the model's name stands in a request.
const MODEL: &str = "/settings/rerank/model";
/// Of a question that is too long at least so many tokens are read with each chunk.
const SHORTEST_QUESTION: u64 = 32;

/// How many chunks a model puts into an order. 0 if none is asked.
pub(super) fn candidates(settings: &ModelSettings) -> usize {
    let rerank = settings.rerank.as_ref();
    rerank.map_or(0, |rerank| rerank.most() as usize)
}

fn model_name(settings: &ModelSettings) -> Option<&str> {
    settings.rerank.as_ref()?.model.as_deref()
}

impl Engine {
    /// That there is a model for the order that is wanted, which budgets let be asked, before anything begins.
    ///
    /// # Errors
    /// `Invalid` if there is none, or it has no price and a budget in money binds the caller.
    pub(crate) async fn can_sort(
        &self,
        (store, caller): (&TenantStore, &Caller),
        settings: &ModelSettings,
        budgets: &[Budget],
    ) -> Result<()> {
        if !is_wanted(settings) || candidates(settings) == 0 {
            return Ok(());
        }
        let model = self.rerank_model(store, model_name(settings), MODEL);
        let model = model.await?;
        let priced = (model.spec().id.as_str(), model.spec().price.as_ref());
        match most_of_call(caller, budgets, priced, (0, 0)) {
            Err(Error::Invalid(faults)) => {
                let faults = faults.into_iter();
                let faults = faults.map(|fault| FieldError {
                    field: MODEL.to_owned(),
                    ..fault
                });
                Err(Error::Invalid(faults.collect()))
            }
            other => other.map(|_| ()),
        }
    }
}

impl Running {
    /// What was found in the order of a model, if one is wanted, and which that was. What it says is the score of a hit
    /// from then on.
    pub(super) async fn sorted(
        &self,
        mut found: Vec<FoundChunk>,
        query: &str,
        deadline: Instant,
    ) -> Result<(Vec<FoundChunk>, Option<String>)> {
        let (engine, settings) = (&self.engine, &self.run.settings);
        let most = candidates(settings);
        if most == 0 {
            return Ok((found, None));
        }
        let who = (&self.store, &self.caller);
        let model = engine.rerank_model(who.0, model_name(settings), MODEL);
        let model = model.await?;
        found.truncate(most);
        let texts: Vec<String> = found.iter().map(|chunk| chunk.hit.text.clone()).collect();
        let longest = texts.iter().map(|text| tokens::estimate(text)).max();
        let room = u64::from(model.spec().max_input_tokens).saturating_sub(longest.unwrap_or(0));
        // Of what is too long the end is read, where the question stands.
        let query = tokens::end_of(query, room.max(SHORTEST_QUESTION));
        let asked = (texts.as_slice(), texts.len());
        let order = engine.rerank(who, &model, &query, asked, deadline).await?;
        let mut found: Vec<_> = found.into_iter().map(Some).collect();
        let sorted = order.scores.into_iter().filter_map(|(index, score)| {
            let mut chunk = found.get_mut(index)?.take()?;
            chunk.hit.score = score;
            Some(chunk)
        });
        let sorted = sorted.collect();
        Ok((sorted, Some(model.spec().id.clone())))
    }
}
