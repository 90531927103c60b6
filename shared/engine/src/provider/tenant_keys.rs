//! The keys that tenants bring, opened, and remembered for half a minute.

use std::sync::Arc;

use secrecy::SecretString;
use shared::clock::{Clock, Moment};
use shared::error::ProviderFault;
use shared::kept::Kept;
use shared::model::{ProviderCredential, ProviderSpec, TenantId};
use shared::store::TenantStore;
use shared::vault::Vault;
use shared::{App, Error, Result};

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

impl OwnKeys {
    /// These keys, if they were stored for where the provider is.
    ///
    /// # Errors
    /// `Provider` if its address has changed since: whoever may change it could send the keys anywhere.
    fn for_provider(self: Arc<Self>, provider: &ProviderSpec) -> Result<Arc<Self>> {
        if self.stored.address.as_deref() == provider.tenant_address() {
            return Ok(self);
        }
        Err(Error::provider(
            ProviderFault::CredentialRefused,
            "the tenant's key was stored for another address of this provider",
        ))
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
        provider: &ProviderSpec,
    ) -> Result<Option<Arc<OwnKeys>>> {
        let key = (store.tenant(), provider.name.clone());
        match self.kept.get(&key, self.clock.now()) {
            Ok(None) => Ok(None),
            // It may have been stored for the new address since.
            Ok(Some(own)) => match own.for_provider(provider) {
                Ok(own) => Ok(Some(own)),
                Err(_) => self.read_anew(store, provider).await,
            },
            Err(_) => self.read_anew(store, provider).await,
        }
    }

    /// The same past what is remembered: the provider has refused the keys, so they may have changed.
    pub(crate) async fn read_anew(
        &self,
        store: &TenantStore,
        provider: &ProviderSpec,
    ) -> Result<Option<Arc<OwnKeys>>> {
        let (now, state) = (self.clock.now(), self.kept.state());
        let own = match store.credential_get(&provider.name).await? {
            Some(credential) => Some(Arc::new(self.open(store.tenant(), credential).await?)),
            None => None,
        };
        let key = (store.tenant(), provider.name.clone());
        self.kept.put(key, own.clone(), now, state);
        own.map(|own| own.for_provider(provider)).transpose()
    }

    async fn open(&self, tenant: TenantId, credential: ProviderCredential) -> Result<OwnKeys> {
        let address = credential.address.as_deref();
        let context = ProviderCredential::context(tenant, &credential.provider, address);
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
