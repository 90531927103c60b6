//! Tenants: `TENANT#<tenant>` / `TENANT`.
//!
//! Questions: what is this tenant? what are these? Who belongs to one is in `member.rs`, who may join it in
//! `invitation.rs`.

use serde::{Deserialize, Serialize};

use super::audit::AUDIT_PARTS;
use super::item::{IS_NEW, Item, key, n, s, to_item, value};
use super::member::{MemberItem, membership_keys};
use super::transaction::MOST_PARTS;
use super::{IdentityStore, TenantStore};
use crate::clock::Moment;
use crate::error::Result;
use crate::model::{AuditEvent, MembershipRole, Tenant, TenantId, TenantStatus, UserId};

#[derive(Serialize, Deserialize)]
pub(super) struct TenantItem {
    id: TenantId,
    #[serde(default)]
    tenant_name: String,
    personal: bool,
    #[serde(default = "active")]
    pub(super) tenant_status: TenantStatus,
    #[serde(default)]
    version: u64,
    /// How many owners it has, so that the last one can't go.
    #[serde(default = "one")]
    owners: u32,
    created_at: Moment,
}

const fn active() -> TenantStatus {
    TenantStatus::Active
}

const fn one() -> u32 {
    1
}

pub(super) fn tenant_pk(tenant: TenantId) -> String {
    format!("TENANT#{tenant}")
}

pub(super) fn tenant_key(tenant: TenantId) -> Item {
    key(tenant_pk(tenant), "TENANT")
}

impl IdentityStore {
    /// Writes a new tenant with its owner.
    pub async fn tenant_create(
        &self,
        tenant: &Tenant,
        owner: UserId,
        event: &AuditEvent,
    ) -> Result<()> {
        let store = &self.store;
        let member = MemberItem {
            user: owner,
            tenant: tenant.id,
            role: MembershipRole::Owner,
            created_at: tenant.created_at,
        };
        let row = to_item(tenant_key(tenant.id), &TenantItem::from(tenant))?;
        let mut parts = vec![store.put(row, IS_NEW)?];
        for side in membership_keys(owner, tenant.id) {
            parts.push(store.put(to_item(side, &member)?, IS_NEW)?);
        }
        store.transact_audited(parts, event).await?.surely()
    }

    /// A tenant, whoever asks.
    pub async fn tenant_get(&self, tenant: TenantId) -> Result<Option<Tenant>> {
        let found = self.store.get::<TenantItem>(tenant_key(tenant)).await?;
        Ok(found.map(Tenant::from))
    }

    /// Those tenants, in their order; what is gone is left out.
    pub async fn tenants_get(&self, tenants: &[TenantId]) -> Result<Vec<Tenant>> {
        let keys = tenants.iter().map(|tenant| tenant_key(*tenant)).collect();
        let items = self.store.get_many(keys, true).await?;
        let mut found = items
            .into_iter()
            .map(|item| super::item::from_item::<TenantItem>(item).map(Tenant::from))
            .collect::<Result<Vec<_>>>()?;
        found.retain(|tenant| tenant.status != TenantStatus::Deleted);
        found.sort_by_key(|found| tenants.iter().position(|id| *id == found.id));
        Ok(found)
    }
}

impl TenantStore {
    /// The tenant.
    pub async fn tenant_get(&self) -> Result<Option<Tenant>> {
        let found = self
            .store
            .get::<TenantItem>(tenant_key(self.tenant))
            .await?;
        let found = found.map(Tenant::from);
        Ok(found.filter(|tenant| tenant.status != TenantStatus::Deleted))
    }

    /// Writes a changed tenant, if it still has the version before. `false`, and nothing written, if not.
    pub async fn tenant_update(&self, tenant: &Tenant, event: &AuditEvent) -> Result<bool> {
        let part = self.store.update(
            tenant_key(self.tenant),
            "SET tenant_name = :name, tenant_status = :status, version = :next",
            "attribute_exists(pk) AND version = :version",
            [
                (":name", s(&tenant.name)),
                (":status", value(tenant.status)?),
                (":next", n(tenant.version)),
                (":version", n(tenant.version.saturating_sub(1))),
            ],
        )?;
        let written = self.store.transact_audited(vec![part], event).await?;
        Ok(written.made())
    }

    /// Deletes the tenant, if it still has the version of `tenant`: it counts as absent from then on, and nobody
    /// belongs to it or is invited any more. `false`, and nothing written, if it has changed meanwhile.
    ///
    /// The rows of up to 49 people go in the same transaction, owners first. If it breaks off before the rest
    /// are gone, they lead to a tenant that counts as absent.
    pub async fn tenant_delete(&self, tenant: &Tenant, event: &AuditEvent) -> Result<bool> {
        /// What a transaction holds, without the places of the tenant and the event.
        const ROWS_AT_ONCE: usize = MOST_PARTS - 1 - AUDIT_PARTS;
        let mark = self.store.update(
            tenant_key(self.tenant),
            "SET tenant_status = :deleted, version = :next",
            "version = :version",
            [
                (":deleted", value(TenantStatus::Deleted)?),
                (":next", n(tenant.version.saturating_add(1))),
                (":version", n(tenant.version)),
            ],
        )?;
        let mut rows = self.people_rows().await?;
        let mut parts = vec![mark];
        for row in rows.drain(..rows.len().min(ROWS_AT_ONCE)) {
            parts.push(self.store.delete_any(row)?);
        }
        if !self.store.transact_audited(parts, event).await?.made() {
            return Ok(false);
        }
        // Whoever joined after the rows were read did so before the mark, and nobody does after it.
        rows = self.people_rows().await?;
        for batch in rows.chunks(ROWS_AT_ONCE) {
            let parts = batch.iter().cloned();
            let parts = parts.map(|row| self.store.delete_any(row));
            let parts = parts.collect::<Result<_>>()?;
            self.store.transact(parts).await?.surely()?;
        }
        Ok(true)
    }

    /// The keys of the rows of everybody who belongs to the tenant, owners first, and of who is invited.
    async fn people_rows(&self) -> Result<Vec<Item>> {
        let mut members = self.member_all().await?;
        members.sort_by_key(|member| std::cmp::Reverse(member.role));
        let members = members
            .iter()
            .flat_map(|member| membership_keys(member.user, self.tenant));
        let mut rows: Vec<Item> = members.collect();
        rows.extend(self.invitation_rows().await?);
        Ok(rows)
    }
}

impl From<&Tenant> for TenantItem {
    fn from(tenant: &Tenant) -> Self {
        let Tenant {
            id,
            name,
            personal,
            status,
            version,
            created_at,
        } = tenant.clone();
        Self {
            id,
            tenant_name: name,
            personal,
            tenant_status: status,
            version,
            owners: 1,
            created_at,
        }
    }
}

impl From<TenantItem> for Tenant {
    fn from(item: TenantItem) -> Self {
        let TenantItem {
            id,
            tenant_name,
            personal,
            tenant_status,
            version,
            owners: _,
            created_at,
        } = item;
        Self {
            id,
            name: tenant_name,
            personal,
            status: tenant_status,
            version,
            created_at,
        }
    }
}
