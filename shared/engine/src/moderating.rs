//! Whether something is harmful, by the models of the catalogue that judge that. It costs nothing, so that no budget is
//! charged.

use std::time::Instant;

use secrecy::SecretString;
use shared::http::TraceContext;
use shared::model::{ProviderSpec, RequestId};
use shared::store::TenantStore;
use shared::{Error, Result};

use crate::calling::Call;
use crate::catalogue::ModerationModel;
use crate::provider::{Moderate, ModerationInput, Providers, Verdict};
use crate::turn::Engine;

impl Engine {
    /// The model of that name that judges, or the tenant's default. `field` is where the name stands.
    ///
    /// # Errors
    /// `Invalid` if there is none.
    pub async fn moderation_model(
        &self,
        store: &TenantStore,
        name: Option<&str>,
        field: &str,
    ) -> Result<ModerationModel> {
        let found = self.catalogues.special(store, name).await?;
        found.ok_or_else(|| {
            let detail = match name {
                None => "no provider has a model of the type `moderation`; an administrator can add one to `moderation_models` of a provider on the wire openai in PUT /api/v1/registry, such as omni-moderation-latest of OpenAI",
                Some(_) => "there is no such model of the type `moderation`; GET /api/v1/models lists those there are",
            };
            Error::unknown_model(field, detail)
        })
    }

    /// Has a model judge whether something is harmful: a verdict for each text, or one for all parts together.
    ///
    /// # Errors
    /// What providers come up with.
    pub async fn moderate(
        &self,
        store: &TenantStore,
        model: &ModerationModel,
        input: &ModerationInput,
        deadline: Instant,
    ) -> Result<Vec<Verdict>> {
        let trace = TraceContext::here(RequestId::new());
        let call = Moderate {
            provider: model.provider(),
            model: model.spec().name_at_provider(),
            trace: &trace,
            input,
        };
        self.uncharged(store, &call, deadline).await
    }
}

impl Call for Moderate<'_> {
    type Answer = Vec<Verdict>;

    fn provider(&self) -> &ProviderSpec {
        self.provider
    }

    /// None that anybody charges for.
    fn tokens(&self) -> u64 {
        0
    }

    fn counted(_: &Vec<Verdict>) -> Option<u64> {
        None
    }

    async fn ask(
        &self,
        providers: &Providers,
        own: Option<&SecretString>,
        deadline: Instant,
    ) -> Result<Vec<Verdict>> {
        providers.moderate(self, own, deadline).await
    }
}
