//! What a tenant says about models: `TENANT#<tenant>` / `REGISTRY`.
//!
//! Question: what does it say? Write: another document in its place, on the condition that nobody changed it
//! meanwhile. A tenant that never wrote one has an empty one, of version 0.

use serde::{Deserialize, Serialize};

use super::TenantStore;
use super::item::{IS_NEW, Item, key, n, to_item};
use crate::error::{Error, Result};
use crate::model::{AuditEvent, Registry};

#[derive(Serialize, Deserialize)]
struct RegistryItem {
    /// As JSON: its numbers stay what they are.
    document: String,
    version: u64,
}

impl TenantStore {
    fn registry_key(&self) -> Item {
        key(format!("TENANT#{}", self.tenant), "REGISTRY")
    }

    /// What the tenant says about models, and the version of that.
    pub async fn registry_get(&self) -> Result<(Registry, u64)> {
        let row: Option<RegistryItem> = self.store.get(self.registry_key()).await?;
        let Some(row) = row else {
            return Ok((Registry::default(), 0));
        };
        let registry = serde_json::from_str(&row.document).map_err(Error::internal)?;
        Ok((registry, row.version))
    }

    /// Writes it in place of the one of version `before`. `false`, and nothing written, if that has changed
    /// meanwhile.
    pub async fn registry_put(
        &self,
        registry: &Registry,
        before: u64,
        event: &AuditEvent,
    ) -> Result<bool> {
        let row = RegistryItem {
            document: serde_json::to_string(registry).map_err(Error::internal)?,
            version: before + 1,
        };
        let item = to_item(self.registry_key(), &row)?;
        let part = match before {
            0 => self.store.put(item, IS_NEW)?,
            before => {
                let unchanged = [(":version", n(before))];
                self.store.put_if(item, "version = :version", unchanged)?
            }
        };
        let written = self.store.transact_audited(vec![part], event).await?;
        Ok(written.made())
    }
}
