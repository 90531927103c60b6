//! Texts as vectors, by the models of the catalogue: in batches, again where that may help, charged to budgets.

mod asked;

use std::time::Instant;

use secrecy::SecretString;
use shared::auth::Caller;
use shared::error::ProviderFault;
use shared::http::TraceContext;
use shared::model::{MicroDollars, ProviderSpec, RequestId};
use shared::store::TenantStore;
use shared::{Error, Result};

pub(crate) use asked::AskedVectors;
use asked::fingerprint;

use crate::calling::Call;
use crate::catalogue::EmbeddingModel;
use crate::provider::{Embed, Embedded, Providers, Purpose, served};
use crate::tokens;
use crate::turn::Engine;

/// How many texts one call has at most.
const TEXTS: usize = 96;
/// How many tokens one call has at most, as we count them.
const TOKENS: u64 = 30_000;

/// Texts as vectors, and what it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Vectors {
    /// A vector a text, in their order, all as long as the model says.
    pub vectors: Vec<Vec<f32>>,
    /// How many tokens were sent: as the provider counted, or as we do where it did not say. 0 if nobody was asked.
    pub input_tokens: u64,
    /// What it cost. `None` if the model has no price.
    pub cost: Option<MicroDollars>,
}

impl Engine {
    /// The model for vectors of that name, or the tenant's default.
    ///
    /// # Errors
    /// `Invalid` if there is none.
    pub async fn embedding_model(
        &self,
        store: &TenantStore,
        name: Option<&str>,
    ) -> Result<EmbeddingModel> {
        let found = self.catalogues.special(store, name).await?;
        found.ok_or_else(|| {
            let detail = match name {
                None => "no provider has a model that makes vectors; an administrator can add one to the registry",
                Some(_) => "there is no such model that makes vectors; GET /api/v1/models lists those there are",
            };
            Error::unknown_model("/embedding_model", detail)
        })
    }

    /// Turns texts into vectors. What that costs is charged to the caller's budgets, also where nothing comes of it. What
    /// was searched for a moment ago is not asked again.
    ///
    /// # Errors
    /// `Invalid` for a text that is blank or longer than the model takes, `BudgetExceeded` if there is no room, and what
    /// providers come up with.
    pub async fn embed(
        &self,
        store: &TenantStore,
        caller: &Caller,
        model: &EmbeddingModel,
        texts: &[String],
        purpose: Purpose,
        deadline: Instant,
    ) -> Result<Vectors> {
        let asked = match (purpose, texts) {
            (Purpose::Query, [text]) => Some((store.tenant(), fingerprint(model, text))),
            _ => None,
        };
        let known = asked
            .as_ref()
            .and_then(|asked| self.asked_vectors.get(asked, self.app.clock.now()));
        if let Some(known) = known {
            return Ok(Vectors {
                vectors: vec![known],
                input_tokens: 0,
                cost: model.spec().price.as_ref().map(|_| MicroDollars::default()),
            });
        }
        check(model, texts)?;
        let vectors = self
            .made((store, caller), model, texts, (purpose, deadline))
            .await?;
        if let (Some(asked), Some(vector)) = (asked, vectors.vectors.first()) {
            let now = self.app.clock.now();
            self.asked_vectors.put(asked, vector.clone(), now);
        }
        Ok(vectors)
    }

    async fn made(
        &self,
        (store, caller): (&TenantStore, &Caller),
        model: &EmbeddingModel,
        texts: &[String],
        (purpose, deadline): (Purpose, Instant),
    ) -> Result<Vectors> {
        let (spec, trace) = (model.spec(), TraceContext::here(RequestId::new()));
        let calls = batches(texts).into_iter().map(|batch| Batch {
            model,
            embed: Embed {
                provider: model.provider(),
                model: spec.name_at_provider(),
                trace: &trace,
                texts: batch,
                purpose,
                dimensions: spec.send_dimensions.then_some(spec.dimensions),
            },
        });
        let calls: Vec<Batch<'_>> = calls.collect();
        let price = (spec.id.as_str(), spec.price.as_ref());
        let charged = self.charged((store, caller), price, &calls, deadline);
        let charged = charged.await?;
        let vectors = charged.answers.into_iter().flat_map(|batch| batch.vectors);
        Ok(Vectors {
            vectors: vectors.collect(),
            input_tokens: charged.input_tokens,
            cost: charged.cost,
        })
    }
}

/// As many texts as one call has.
struct Batch<'a> {
    model: &'a EmbeddingModel,
    embed: Embed<'a>,
}

impl Call for Batch<'_> {
    type Answer = Embedded;

    fn provider(&self) -> &ProviderSpec {
        self.embed.provider
    }

    fn tokens(&self) -> u64 {
        let texts = self.embed.texts.iter();
        texts.map(|text| tokens::estimate(text)).sum()
    }

    fn counted(embedded: &Embedded) -> Option<u64> {
        embedded.input_tokens
    }

    async fn ask(
        &self,
        providers: &Providers,
        own: Option<&SecretString>,
        deadline: Instant,
    ) -> Result<Embedded> {
        let embedded = providers.embed(&self.embed, own, deadline).await?;
        checked(self.model, embedded).map_err(served)
    }
}

/// Vectors as long as the model says, of finite numbers.
fn checked(model: &EmbeddingModel, embedded: Embedded) -> Result<Embedded> {
    let wanted = model.spec().dimensions as usize;
    let mut vectors = embedded.vectors.iter();
    if let Some(wrong) = vectors.find(|vector| vector.len() != wanted) {
        let cause = format!("vectors of {} numbers and not of {wanted}", wrong.len());
        return Err(Error::provider(ProviderFault::Nonsense, cause));
    }
    let finite = |vector: &Vec<f32>| vector.iter().all(|number| number.is_finite());
    if !embedded.vectors.iter().all(finite) {
        let cause = "a vector with a number that is not finite";
        return Err(Error::provider(ProviderFault::Nonsense, cause));
    }
    Ok(embedded)
}

/// That no text is longer than the model takes.
fn check(model: &EmbeddingModel, texts: &[String]) -> Result<()> {
    let most = u64::from(model.spec().max_input_tokens);
    for (index, text) in texts.iter().enumerate() {
        let tokens = tokens::estimate(text);
        if tokens > most {
            let detail = format!(
                "has about {tokens} tokens, and the embedding model takes {most}; shorten it"
            );
            return Err(Error::invalid(format!("/input/{index}"), detail));
        }
    }
    Ok(())
}

/// The texts in calls that providers take.
fn batches(texts: &[String]) -> Vec<&[String]> {
    let mut batches = Vec::new();
    let (mut from, mut tokens) = (0, 0);
    for (index, text) in texts.iter().enumerate() {
        let more = tokens::estimate(text);
        if index > from && (index - from == TEXTS || tokens + more > TOKENS) {
            batches.push(&texts[from..index]);
            (from, tokens) = (index, 0);
        }
        tokens += more;
    }
    if from < texts.len() {
        batches.push(&texts[from..]);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_keep_to_what_providers_take_and_lose_nothing() {
        let texts: Vec<String> = (0..200).map(|number| format!("text {number}")).collect();
        let made = batches(&texts);
        assert_eq!(
            made.iter().map(|batch| batch.len()).collect::<Vec<_>>(),
            [96, 96, 8]
        );
        assert_eq!(made.concat(), texts);
        let long: Vec<String> = (0..5).map(|_| "x".repeat(60_000)).collect();
        let made = batches(&long);
        assert_eq!(
            made.iter().map(|batch| batch.len()).collect::<Vec<_>>(),
            [1, 1, 1, 1, 1]
        );
        assert!(batches(&[]).is_empty());
    }
}
