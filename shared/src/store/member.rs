//! Who belongs to a tenant: `TENANT#<tenant>` / `MEMBER#<user>`, and the same row at `USER#<user>` /
//! `MEMBER#<tenant>`. Both are written together.
//!
//! Questions: who belongs to this tenant? Where a person belongs is asked in `account.rs`, beside the account.

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};

use super::account::user_pk;
use super::item::{Item, Written, key, n, value};
use super::message::Page;
use super::tenant::{tenant_key, tenant_pk};
use super::{IdentityStore, Store, TenantStore};
use crate::clock::Moment;
use crate::error::Result;
use crate::model::{AuditEvent, Member, Membership, MembershipRole, TenantId, User, UserId};

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct MemberItem {
    pub(super) user: UserId,
    pub(super) tenant: TenantId,
    #[serde(rename = "member_role")]
    pub(super) role: MembershipRole,
    pub(super) created_at: Moment,
}

/// What became of the attempt to change or end a membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberChanged {
    /// It is done.
    Yes,
    /// The member's role is another one meanwhile, or there is no such member.
    ChangedMeanwhile,
    /// A tenant has an owner.
    LastOwner,
}

pub(super) fn member_key(tenant: TenantId, user: UserId) -> Item {
    key(tenant_pk(tenant), format!("MEMBER#{user}"))
}

/// Where a membership stands: on the user's side and on the tenant's.
pub(super) fn membership_keys(user: UserId, tenant: TenantId) -> [Item; 2] {
    [
        key(user_pk(user), format!("MEMBER#{tenant}")),
        member_key(tenant, user),
    ]
}

impl IdentityStore {
    /// Takes a person out of a tenant.
    pub async fn membership_end(
        &self,
        user: UserId,
        membership: &Membership,
        event: &AuditEvent,
    ) -> Result<MemberChanged> {
        let Membership { tenant, role } = *membership;
        let store = &self.store;
        let mut parts = Vec::new();
        for side in membership_keys(user, tenant) {
            let role = value(role)?;
            parts.push(store.delete(side, "member_role = :role", [(":role", role)])?);
        }
        parts.extend(store.owners_part(tenant, role, None)?);
        changed(store.transact_audited(parts, event).await?)
    }
}

impl Store {
    /// The change of the number of owners that goes with a change of a member's role.
    fn owners_part(
        &self,
        tenant: TenantId,
        from: MembershipRole,
        to: Option<MembershipRole>,
    ) -> Result<Option<TransactWriteItem>> {
        let (was, is) = (
            from == MembershipRole::Owner,
            to == Some(MembershipRole::Owner),
        );
        let one = [(":one", n(1))];
        let part = match (was, is) {
            (true, false) => {
                let less = "SET owners = owners - :one";
                self.update(tenant_key(tenant), less, "owners > :one", one)?
            }
            (false, true) => {
                let more = "SET owners = owners + :one";
                self.update(tenant_key(tenant), more, "attribute_exists(pk)", one)?
            }
            _ => return Ok(None),
        };
        Ok(Some(part))
    }
}

fn changed(written: Written) -> Result<MemberChanged> {
    Ok(match written {
        Written::Yes => MemberChanged::Yes,
        Written::ConditionFailed { place: 0 | 1 } => MemberChanged::ChangedMeanwhile,
        Written::ConditionFailed { .. } => MemberChanged::LastOwner,
    })
}

impl TenantStore {
    /// The tenant's members, `limit` of them after that one, in the order of their ids.
    pub async fn member_list(&self, after: Option<UserId>, limit: u32) -> Result<Page<Member>> {
        let after = after.map(|user| format!("MEMBER#{user}"));
        let page = self
            .store
            .list::<MemberItem>(tenant_pk(self.tenant), "MEMBER#", after, limit);
        let (items, has_more) = page.await?;
        Ok(Page {
            items: items.into_iter().map(Member::from).collect(),
            has_more,
        })
    }

    /// A member of the tenant.
    pub async fn member_get(&self, user: UserId) -> Result<Option<Member>> {
        let found = self.store.get::<MemberItem>(member_key(self.tenant, user));
        Ok(found.await?.map(Member::from))
    }

    /// The accounts of those members, in their order; one that is gone is `None`.
    pub async fn member_profiles(&self, members: &[Member]) -> Result<Vec<Option<User>>> {
        self.store.profiles(members).await
    }

    /// Changes a member's role from one to another.
    pub async fn member_change(
        &self,
        user: UserId,
        from: MembershipRole,
        to: MembershipRole,
        event: &AuditEvent,
    ) -> Result<MemberChanged> {
        let mut parts = Vec::new();
        for side in membership_keys(user, self.tenant) {
            let values = [(":from", value(from)?), (":to", value(to)?)];
            let condition = "member_role = :from";
            parts.push(
                self.store
                    .update(side, "SET member_role = :to", condition, values)?,
            );
        }
        parts.extend(self.store.owners_part(self.tenant, from, Some(to))?);
        changed(self.store.transact_audited(parts, event).await?)
    }
}

impl From<MemberItem> for Member {
    fn from(item: MemberItem) -> Self {
        let MemberItem {
            user,
            tenant: _,
            role,
            created_at,
        } = item;
        Self {
            user,
            role,
            created_at,
        }
    }
}

impl From<MemberItem> for Membership {
    fn from(item: MemberItem) -> Self {
        let MemberItem { tenant, role, .. } = item;
        Self { tenant, role }
    }
}
