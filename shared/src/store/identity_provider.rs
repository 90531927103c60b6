//! Other issuers whose tokens tenants trust.
//!
//! - `TENANT#<tenant>` / `IDP#<identity provider>`: one as its tenant's administrators see it.
//! - `ISSUER#<SHA-256 of issuer and audience>` / `ISSUER`: whose data a token of that issuer for that audience
//!   reaches. One read finds it.
//!
//! Both rows are written together. A pair of issuer and audience belongs to one tenant, or a token could not tell
//! whose data it is for; a tenant that is deleted holds none.
//!
//! Questions: who trusts this issuer for this audience? which issuers does this tenant trust?

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::item::{IS_NEW, Item, Written, key, s, to_item};
use super::{Store, TenantStore};
use crate::auth::pair_hash;
use crate::clock::Moment;
use crate::error::Result;
use crate::model::{
    Audience, AuditEvent, IdentityProvider, IdentityProviderId, MembershipRole, RoleClaim, RoleMap,
    TenantId,
};

/// How many of them a tenant has at most. A few that are created at the same moment can make it some more.
pub const MOST_IDENTITY_PROVIDERS: usize = 20;

/// How many are read at most.
const MOST_LISTED: u32 = 100;

#[derive(Serialize, Deserialize)]
struct IdentityProviderItem {
    id: IdentityProviderId,
    tenant: TenantId,
    issuer: String,
    audience: String,
    role_claim: String,
    role_map: BTreeMap<String, MembershipRole>,
    created_at: Moment,
}

/// What became of the attempt to trust an issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trusted {
    /// It is trusted now.
    Yes,
    /// A tenant trusts this issuer for this audience already.
    Taken,
}

fn pk(tenant: TenantId) -> String {
    format!("TENANT#{tenant}")
}

fn row_key(tenant: TenantId, id: IdentityProviderId) -> Item {
    key(pk(tenant), format!("IDP#{id}"))
}

fn issuer_key(issuer: &str, audience: &str) -> Item {
    key(format!("ISSUER#{}", pair_hash(issuer, audience)), "ISSUER")
}

impl Store {
    /// Who trusts that issuer for that audience.
    pub(crate) async fn issuer_get(
        &self,
        issuer: &str,
        audience: &str,
    ) -> Result<Option<IdentityProvider>> {
        let found = self.get::<IdentityProviderItem>(issuer_key(issuer, audience));
        let same = |item: &IdentityProviderItem| item.issuer == issuer && item.audience == audience;
        Ok(found.await?.filter(same).map(IdentityProvider::from))
    }
}

impl TenantStore {
    /// Trusts an issuer.
    pub async fn identity_provider_create(
        &self,
        provider: &IdentityProvider,
        event: &AuditEvent,
    ) -> Result<Trusted> {
        let (issuer, audience) = (&provider.issuer, provider.audience.as_str());
        if self.trust(provider, None, event).await?.made() {
            return Ok(Trusted::Yes);
        }
        // Whoever deletes a tenant does not look for what it held.
        let Some(holder) = self.store.issuer_get(issuer, audience).await? else {
            return Ok(Trusted::Taken);
        };
        if self.store.tenant_status(holder.tenant).await?.is_some() {
            return Ok(Trusted::Taken);
        }
        let taken_over = self.trust(provider, Some(holder.tenant), event).await?;
        Ok(if taken_over.made() {
            Trusted::Yes
        } else {
            Trusted::Taken
        })
    }

    /// Writes both rows, where the pair is nobody's, or that tenant's.
    async fn trust(
        &self,
        provider: &IdentityProvider,
        from: Option<TenantId>,
        event: &AuditEvent,
    ) -> Result<Written> {
        let item = IdentityProviderItem::from(provider);
        let row = to_item(row_key(self.tenant, provider.id), &item)?;
        let lookup = issuer_key(&provider.issuer, provider.audience.as_str());
        let lookup = to_item(lookup, &item)?;
        let lookup = match from {
            None => self.store.put(lookup, IS_NEW)?,
            Some(tenant) => {
                let values = [(":tenant", s(tenant.to_string()))];
                self.store.put_if(lookup, "tenant = :tenant", values)?
            }
        };
        let parts = vec![self.store.put(row, IS_NEW)?, lookup];
        self.store.transact_audited(parts, event).await
    }

    /// The issuers that the tenant trusts, oldest first.
    pub async fn identity_provider_list(&self) -> Result<Vec<IdentityProvider>> {
        let page =
            self.store
                .list::<IdentityProviderItem>(pk(self.tenant), "IDP#", None, MOST_LISTED);
        let (items, _) = page.await?;
        Ok(items.into_iter().map(IdentityProvider::from).collect())
    }

    /// One of them.
    pub async fn identity_provider_get(
        &self,
        id: IdentityProviderId,
    ) -> Result<Option<IdentityProvider>> {
        let found = self
            .store
            .get::<IdentityProviderItem>(row_key(self.tenant, id));
        Ok(found.await?.map(IdentityProvider::from))
    }

    /// Trusts it no longer. `false`, and nothing written, if it is gone already.
    pub async fn identity_provider_delete(
        &self,
        provider: &IdentityProvider,
        event: &AuditEvent,
    ) -> Result<bool> {
        let id = || [(":id", s(provider.id.to_string()))];
        let lookup = issuer_key(&provider.issuer, provider.audience.as_str());
        let parts = vec![
            self.store
                .delete(row_key(self.tenant, provider.id), "id = :id", id())?,
            self.store.delete(lookup, "id = :id", id())?,
        ];
        Ok(self.store.transact_audited(parts, event).await?.made())
    }
}

impl From<&IdentityProvider> for IdentityProviderItem {
    fn from(provider: &IdentityProvider) -> Self {
        let IdentityProvider {
            id,
            tenant,
            issuer,
            audience,
            role_claim,
            roles,
            created_at,
        } = provider;
        Self {
            id: *id,
            tenant: *tenant,
            issuer: issuer.clone(),
            audience: audience.as_str().to_owned(),
            role_claim: role_claim.as_str().to_owned(),
            role_map: roles.as_map().clone(),
            created_at: *created_at,
        }
    }
}

impl From<IdentityProviderItem> for IdentityProvider {
    fn from(item: IdentityProviderItem) -> Self {
        let IdentityProviderItem {
            id,
            tenant,
            issuer,
            audience,
            role_claim,
            role_map,
            created_at,
        } = item;
        Self {
            id,
            tenant,
            issuer,
            audience: Audience::from_stored(audience),
            role_claim: RoleClaim::from_stored(role_claim),
            roles: RoleMap::from_stored(role_map),
            created_at,
        }
    }
}
