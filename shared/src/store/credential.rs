//! Keys of model providers that tenants bring: `TENANT#<tenant>` / `PROVIDERKEY#<provider>`, sealed.
//!
//! Questions: which key does this tenant have for this provider? for which providers has it one? Writes: a
//! new or changed one, on the condition that nobody changed it meanwhile; forget it.

use serde::{Deserialize, Serialize};

use super::TenantStore;
use super::item::{IS_NEW, Item, key, n, to_item};
use crate::clock::Moment;
use crate::error::Result;
use crate::model::{AuditEvent, ProviderCredential, SealedKey, TenantId, UserId};

/// There are fewer providers than that.
const MOST_LISTED: u32 = 100;

#[derive(Serialize, Deserialize)]
struct CredentialItem {
    provider: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    current_key: SealedKey,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous_key: Option<(SealedKey, Moment)>,
    changed_by: UserId,
    version: u64,
}

fn credential_key(tenant: TenantId, provider: &str) -> Item {
    key(
        format!("TENANT#{tenant}"),
        format!("PROVIDERKEY#{provider}"),
    )
}

impl TenantStore {
    /// Whose data this is.
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// What the tenant brought for that provider.
    pub async fn credential_get(&self, provider: &str) -> Result<Option<ProviderCredential>> {
        let key = credential_key(self.tenant, provider);
        let found = self.store.get::<CredentialItem>(key).await?;
        Ok(found.map(ProviderCredential::from))
    }

    /// What the tenant brought, by provider.
    pub async fn credential_list(&self) -> Result<Vec<ProviderCredential>> {
        let pk = format!("TENANT#{}", self.tenant);
        let page = self
            .store
            .list::<CredentialItem>(pk, "PROVIDERKEY#", None, MOST_LISTED);
        let (items, _) = page.await?;
        Ok(items.into_iter().map(ProviderCredential::from).collect())
    }

    /// Writes a credential in place of the one of version `before`, or of none. `false`, and nothing written,
    /// if it has changed meanwhile.
    pub async fn credential_put(
        &self,
        credential: &ProviderCredential,
        before: Option<u64>,
        event: &AuditEvent,
    ) -> Result<bool> {
        let row = CredentialItem::from(credential);
        let item = to_item(credential_key(self.tenant, &credential.provider), &row)?;
        let part = match before {
            None => self.store.put(item, IS_NEW)?,
            Some(version) => {
                self.store
                    .put_if(item, "version = :version", [(":version", n(version))])?
            }
        };
        let written = self.store.transact_audited(vec![part], event).await?;
        Ok(written.made())
    }

    /// Forgets what the tenant brought for that provider. `false` if there is nothing.
    pub async fn credential_delete(&self, provider: &str, event: &AuditEvent) -> Result<bool> {
        let key = credential_key(self.tenant, provider);
        let part = self.store.delete(key, "attribute_exists(pk)", [])?;
        let written = self.store.transact_audited(vec![part], event).await?;
        Ok(written.made())
    }
}

impl From<&ProviderCredential> for CredentialItem {
    fn from(credential: &ProviderCredential) -> Self {
        let ProviderCredential {
            provider,
            address,
            current,
            previous,
            changed_by,
            version,
        } = credential.clone();
        Self {
            provider,
            address,
            current_key: current,
            previous_key: previous,
            changed_by,
            version,
        }
    }
}

impl From<CredentialItem> for ProviderCredential {
    fn from(item: CredentialItem) -> Self {
        let CredentialItem {
            provider,
            address,
            current_key,
            previous_key,
            changed_by,
            version,
        } = item;
        Self {
            provider,
            address,
            current: current_key,
            previous: previous_key,
            changed_by,
            version,
        }
    }
}
