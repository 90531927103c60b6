//! Asks a provider, with the tenant's own keys if it brought some.

use std::time::Instant;

use shared::error::ProviderFault;
use shared::store::TenantStore;
use shared::{Error, Result};

use crate::provider::{Completion, OwnKeys, Prompt};
use crate::turn::Engine;

/// For whom, and until when.
pub(crate) struct Asking {
    pub(crate) engine: Engine,
    pub(crate) store: TenantStore,
    pub(crate) deadline: Instant,
}

impl Asking {
    /// Asks a model.
    pub(crate) async fn ask(&self, prompt: &Prompt<'_>) -> Result<Completion> {
        let keys = &self.engine.tenant_keys;
        let provider = prompt.model.provider();
        let own = keys.get(&self.store, provider).await?;
        let asked = self.ask_with(own.as_deref(), prompt).await;
        if !is_refused(&asked) {
            return asked;
        }
        // They may have been replaced since they were read.
        let now = keys.read_anew(&self.store, provider).await?;
        if own == now {
            return asked;
        }
        self.ask_with(now.as_deref(), prompt).await
    }

    async fn ask_with(&self, own: Option<&OwnKeys>, prompt: &Prompt<'_>) -> Result<Completion> {
        let providers = &self.engine.providers;
        match own {
            Some(own) => {
                let keys = own.at(self.engine.app.clock.now());
                providers.complete_with(&keys, prompt, self.deadline).await
            }
            None => providers.complete(prompt, self.deadline).await,
        }
    }
}

fn is_refused(asked: &Result<Completion>) -> bool {
    let refused = |fault: &ProviderFault| *fault == ProviderFault::CredentialRefused;
    matches!(asked, Err(Error::Provider { fault, .. }) if refused(fault))
}
