//! Passages in an order by how well they answer a query, by the models of the catalogue, charged to budgets.

use std::time::Instant;

use secrecy::SecretString;
use shared::auth::Caller;
use shared::http::TraceContext;
use shared::model::{MicroDollars, ProviderSpec, RequestId};
use shared::store::TenantStore;
use shared::{Error, Result};

use crate::calling::Call;
use crate::catalogue::RerankModel;
use crate::provider::{Providers, Rerank, Reranked};
use crate::tokens;
use crate::turn::Engine;

/// An order, and what it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The numbers of passages, from 0, best first, each with how good it is on the model's own scale.
    pub scores: Vec<(usize, f32)>,
    /// How many tokens were sent: as the provider counted, or as we do where it did not say. 0 if nobody was asked.
    pub input_tokens: u64,
    /// What it cost. `None` if the model has no price.
    pub cost: Option<MicroDollars>,
}

impl Engine {
    /// The model for orders of passages of that name, or the tenant's default. `field` is where the name stands.
    ///
    /// # Errors
    /// `Invalid` if there is none.
    pub async fn rerank_model(
        &self,
        store: &TenantStore,
        name: Option<&str>,
        field: &str,
    ) -> Result<RerankModel> {
        let found = self.catalogues.special(store, name).await?;
        found.ok_or_else(|| {
            let detail = match name {
                None => "no provider has a model of the type `rerank`; leave `rerank` out, or have an administrator add one to the registry",
                Some(_) => "there is no such model of the type `rerank`; GET /api/v1/models lists those there are",
            };
            Error::invalid(field, detail)
        })
    }

    /// The `best` of some passages, in an order. What that costs is charged to the caller's budgets, also where nothing
    /// comes of it. Of no passages nobody is asked.
    ///
    /// # Errors
    /// `Invalid` for a query that is blank, and for one that is, with a passage, longer than the model takes (at
    /// `/query`), `BudgetExceeded` if there is no room, and what providers come up with.
    pub async fn rerank(
        &self,
        (store, caller): (&TenantStore, &Caller),
        model: &RerankModel,
        query: &str,
        (documents, best): (&[String], usize),
        deadline: Instant,
    ) -> Result<Order> {
        let spec = model.spec();
        let best = best.min(documents.len());
        if best == 0 {
            return Ok(Order {
                scores: Vec::new(),
                input_tokens: 0,
                cost: spec.price.as_ref().map(|_| MicroDollars::default()),
            });
        }
        check(model, query, documents)?;
        let trace = TraceContext::here(RequestId::new());
        let call = [Rerank {
            provider: model.provider(),
            model: spec.name_at_provider(),
            trace: &trace,
            query,
            documents,
            best,
        }];
        let price = (spec.id.as_str(), spec.price.as_ref());
        let charged = self.charged((store, caller), price, &call, deadline);
        let charged = charged.await?;
        let order = charged.answers.into_iter().next();
        let order = order.ok_or_else(|| Error::internal("a call without an answer"))?;
        Ok(Order {
            scores: order.scores,
            input_tokens: charged.input_tokens,
            cost: charged.cost,
        })
    }
}

impl Call for Rerank<'_> {
    type Answer = Reranked;

    fn provider(&self) -> &ProviderSpec {
        self.provider
    }

    /// The query counts with each passage: the model reads them together.
    fn tokens(&self) -> u64 {
        let query = tokens::estimate(self.query);
        let documents = self.documents.iter();
        documents.map(|text| query + tokens::estimate(text)).sum()
    }

    fn counted(reranked: &Reranked) -> Option<u64> {
        reranked.input_tokens
    }

    async fn ask(
        &self,
        providers: &Providers,
        own: Option<&SecretString>,
        deadline: Instant,
    ) -> Result<Reranked> {
        providers.rerank(self, own, deadline).await
    }
}

/// That the model takes the query with each of the passages.
fn check(model: &RerankModel, query: &str, documents: &[String]) -> Result<()> {
    let most = u64::from(model.spec().max_input_tokens);
    let longest = documents.iter().map(|text| tokens::estimate(text)).max();
    let (query, longest) = (tokens::estimate(query), longest.unwrap_or(0));
    if query + longest <= most {
        return Ok(());
    }
    let detail = format!(
        "has about {query} tokens and the longest of the passages {longest}, and the reranking model takes {most} of both together; shorten it, take another model, or cut documents into smaller chunks"
    );
    Err(Error::invalid("/query", detail))
}
