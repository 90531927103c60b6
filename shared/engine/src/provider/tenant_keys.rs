//! The keys that tenants bring, opened, and remembered for half a minute.

use std::sync::Arc;

use secrecy::SecretString;
use shared::clock::{Clock, Moment};
use shared::kept::Kept;
use shared::model::{ProviderCredential, TenantId};
use shared::store::TenantStore;
use shared::vault::Vault;
use shared::{App, Result};

/// A tenant's keys for one provider, in the order in which they are tried.
#[derive(Debug)]
pub(crate) struct OwnKeys {
    /// How they are stored, by which they are told from others.
    stored: ProviderCredential,
    current: SecretString,
    previous: Option<(SecretString, Moment)>,
}

impl PartialEq for OwnKeys {
    fn eq(&self, other: &Self) -> bool {
        self.stored == other.stored
    }
}

impl OwnKeys {
    /// The current key, and the one before it while it still may be used.
    pub(crate) fn at(&self, now: Moment) -> Vec<&SecretString> {
        let previous = self.previous.iter().filter(|(_, until)| now < *until);
        std::iter::once(&self.current)
            .chain(previous.map(|(key, _)| key))
            .collect()
    }
}

/// A tenant and the name of a provider.
type Whose = (TenantId, String);

/// Opens tenants' keys.
#[derive(Debug, Clone)]
pub(crate) struct TenantKeys {
    vault: Vault,
    clock: Clock,
    kept: Arc<Kept<Whose, Option<Arc<OwnKeys>>>>,
}

impl TenantKeys {
    pub(crate) fn new(app: &App) -> Self {
        Self {
            vault: app.vault.clone(),
            clock: app.clock.clone(),
            kept: Arc::default(),
        }
    }

    /// The keys that the tenant brought for that provider. `None` if it brought none.
    pub(crate) async fn get(
        &self,
        store: &TenantStore,
        provider: &str,
    ) -> Result<Option<Arc<OwnKeys>>> {
        let key = (store.tenant(), provider.to_owned());
        match self.kept.get(&key, self.clock.now()) {
            Some(known) => Ok(known),
            None => self.read_anew(store, provider).await,
        }
    }

    /// The same past what is remembered: the provider has refused the keys, so they may have changed.
    pub(crate) async fn read_anew(
        &self,
        store: &TenantStore,
        provider: &str,
    ) -> Result<Option<Arc<OwnKeys>>> {
        let now = self.clock.now();
        let own = match store.credential_get(provider).await? {
            Some(credential) => Some(Arc::new(self.open(store.tenant(), credential).await?)),
            None => None,
        };
        self.kept
            .put((store.tenant(), provider.to_owned()), own.clone(), now);
        Ok(own)
    }

    async fn open(&self, tenant: TenantId, credential: ProviderCredential) -> Result<OwnKeys> {
        let context = ProviderCredential::context(tenant, &credential.provider);
        let current = self
            .vault
            .open(&context, &credential.current.sealed)
            .await?;
        let previous = match &credential.previous {
            Some((key, until)) => Some((self.vault.open(&context, &key.sealed).await?, *until)),
            None => None,
        };
        Ok(OwnKeys {
            stored: credential,
            current,
            previous,
        })
    }
}
