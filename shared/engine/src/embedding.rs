//! Texts as vectors, by the models of the catalogue: in batches, again where that may help, charged to budgets.

mod asked;

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _};
use shared::auth::Caller;
use shared::error::ProviderFault;
use shared::http::TraceContext;
use shared::model::{MicroDollars, RequestId, RunId, Usage};
use shared::store::TenantStore;
use shared::{Error, Result};

pub(crate) use asked::AskedVectors;
use asked::fingerprint;

use crate::budget::most_of_call;
use crate::catalogue::EmbeddingModel;
use crate::provider::{Embed, Embedded, OwnKeys, Purpose};
use crate::title::charge;
use crate::tokens;
use crate::turn::Engine;

/// How many texts one call has at most.
const TEXTS: usize = 96;
/// How many tokens one call has at most, as we count them.
const TOKENS: u64 = 30_000;
/// How many calls are made side by side.
const CALLS: usize = 2;
/// How often a call is made.
const ATTEMPTS: u32 = 3;
/// The longest pause before another attempt that is worth waiting for.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long a process that died may have had something reserved.
const RESERVED_FOR: Duration = Duration::from_secs(300);
/// Texts as vectors, and what it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Vectors {
    /// A vector a text, in their order, all as long as the model says.
    pub vectors: Vec<Vec<f32>>,
    /// How many tokens they had: as the provider counted, or as we do where it did not say. 0 if nobody was asked.
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
        let known = self.catalogues.of(store).await?;
        let Some(name) = name else {
            let default = known.default_embedding();
            return default.ok_or_else(|| {
                let detail = "no provider has a model that makes vectors; an administrator can add one to the registry";
                Error::unknown_model("/embedding_model", detail)
            });
        };
        if let Some(found) = known.find_embedding(name) {
            return Ok(found);
        }
        // It may have been added since.
        let found = self.catalogues.read_anew(store).await?.find_embedding(name);
        found.ok_or_else(|| {
            let detail = "there is no such model that makes vectors; GET /api/v1/models lists those there are";
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
        let counted = counted(model, texts)?;
        let vectors = self
            .charged(store, caller, model, (texts, counted), (purpose, deadline))
            .await?;
        if let (Some(asked), Some(vector)) = (asked, vectors.vectors.first()) {
            let now = self.app.clock.now();
            self.asked_vectors.put(asked, vector.clone(), now);
        }
        Ok(vectors)
    }

    async fn charged(
        &self,
        store: &TenantStore,
        caller: &Caller,
        model: &EmbeddingModel,
        (texts, counted): (&[String], u64),
        (purpose, deadline): (Purpose, Instant),
    ) -> Result<Vectors> {
        let budgets = self.budgets.of(store, caller).await?;
        let price = model.spec().price.as_ref();
        // What a provider counts may be more than what we do.
        let most = most_of_call(
            caller,
            &budgets,
            (&model.spec().id, price),
            (counted * 2, 0),
        )?;
        let (began, charged) = (self.app.clock.now(), RunId::new());
        if let Some(reservation) = &most {
            let until = began.plus(RESERVED_FOR);
            self.reserve(store, (charged, began, until), reservation, &budgets)
                .await?;
        }
        let trace = TraceContext::begin(RequestId::new());
        let calls = batches(texts).into_iter().map(|batch| {
            let embed = Embed {
                provider: model.provider(),
                model: model.spec().name_at_provider(),
                trace: &trace,
                texts: batch,
                purpose,
                dimensions: model
                    .spec()
                    .send_dimensions
                    .then_some(model.spec().dimensions),
            };
            self.embed_batch(store, model, embed, deadline)
        });
        let calls: Vec<_> = calls.collect();
        let embedded: Result<Vec<Embedded>> = futures_util::stream::iter(calls)
            .buffered(CALLS)
            .try_collect()
            .await;
        let input_tokens = match &embedded {
            Ok(embedded) => embedded.iter().zip(batches(texts)).map(tokens_of).sum(),
            // Nobody says which of the calls were charged.
            Err(_) => counted,
        };
        let usage = Usage {
            input_tokens,
            ..Usage::default()
        };
        let cost = price.map(|price| price.of(&usage));
        if let Some(reservation) = &most {
            let spent = charge(Some(usage), cost, reservation);
            let now = self.app.clock.now();
            store
                .reservation_settle(charged, began, reservation, &spent, now)
                .await?;
        }
        let vectors = embedded?.into_iter().flat_map(|batch| batch.vectors);
        Ok(Vectors {
            vectors: vectors.collect(),
            input_tokens,
            cost,
        })
    }

    /// One call, and again where that may help.
    async fn embed_batch(
        &self,
        store: &TenantStore,
        model: &EmbeddingModel,
        embed: Embed<'_>,
        deadline: Instant,
    ) -> Result<Embedded> {
        let mut attempt = 1;
        loop {
            let error = match self.embed_once(store, model, &embed, deadline).await {
                Ok(embedded) => return checked(model, embedded),
                Err(error) => error,
            };
            let pause = pause(&error, attempt).filter(|pause| {
                let left = deadline.saturating_duration_since(Instant::now());
                attempt < ATTEMPTS && *pause < left
            });
            let Some(pause) = pause else {
                return Err(error);
            };
            tracing::info!(provider = embed.provider.name, error = ?error, "a call for vectors is made again: {error}");
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// One call with the tenant's own keys if it brought some.
    async fn embed_once(
        &self,
        store: &TenantStore,
        model: &EmbeddingModel,
        embed: &Embed<'_>,
        deadline: Instant,
    ) -> Result<Embedded> {
        let own = self.tenant_keys.get(store, model.provider()).await?;
        let asked = self.embed_with(own.as_deref(), embed, deadline).await;
        if !is_refused(&asked) {
            return asked;
        }
        // They may have been replaced since they were read.
        let now = self.tenant_keys.read_anew(store, model.provider()).await?;
        if own == now {
            return asked;
        }
        self.embed_with(now.as_deref(), embed, deadline).await
    }

    async fn embed_with(
        &self,
        own: Option<&OwnKeys>,
        embed: &Embed<'_>,
        deadline: Instant,
    ) -> Result<Embedded> {
        let Some(own) = own else {
            return self.providers.embed(embed, None, deadline).await;
        };
        for key in own.at(self.app.clock.now()) {
            let asked = self.providers.embed(embed, Some(key), deadline).await;
            if !is_unauthorized(&asked) {
                return asked;
            }
        }
        Err(Error::provider(
            ProviderFault::CredentialRefused,
            "the provider refused every key of the tenant's",
        ))
    }
}

fn is_refused(asked: &Result<Embedded>) -> bool {
    let refused = |fault: &ProviderFault| *fault == ProviderFault::CredentialRefused;
    matches!(asked, Err(Error::Provider { fault, .. }) if refused(fault))
}

fn is_unauthorized(asked: &Result<Embedded>) -> bool {
    let refused = |fault: &ProviderFault| *fault == ProviderFault::Unauthorized;
    matches!(asked, Err(Error::Provider { fault, .. }) if refused(fault))
}

/// How long to wait before another attempt; `None` if none may help.
fn pause(error: &Error, attempt: u32) -> Option<Duration> {
    let Error::Provider { fault, .. } = error else {
        return None;
    };
    if !fault.may_pass() {
        return None;
    }
    let jitter = u64::from(RunId::new().to_string().bytes().last().unwrap_or(0) % 16);
    let growing = Duration::from_millis((200 + 10 * jitter) << attempt);
    match fault {
        ProviderFault::Overloaded { retry_after } => {
            let asked_for = retry_after.unwrap_or(growing);
            (asked_for <= LONGEST_PAUSE).then_some(asked_for)
        }
        _ => Some(growing),
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

/// How many tokens the texts have, as we count them.
fn counted(model: &EmbeddingModel, texts: &[String]) -> Result<u64> {
    let most = u64::from(model.spec().max_input_tokens);
    let mut sum = 0_u64;
    for (index, text) in texts.iter().enumerate() {
        let tokens = tokens::estimate(text);
        if tokens > most {
            let detail = format!(
                "has about {tokens} tokens, and the embedding model takes {most}; shorten it"
            );
            return Err(Error::invalid(format!("/input/{index}"), detail));
        }
        sum = sum.saturating_add(tokens);
    }
    Ok(sum)
}

fn tokens_of((embedded, batch): (&Embedded, &[String])) -> u64 {
    let ours = || batch.iter().map(|text| tokens::estimate(text)).sum();
    embedded.input_tokens.unwrap_or_else(ours)
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
