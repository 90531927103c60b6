//! Who belongs to a tenant: `TENANT#<tenant>` / `MEMBER#<user>`, and the same row at `USER#<user>` /
//! `MEMBER#<tenant>`. Both are written together.
//!
//! Questions: who belongs to this tenant? Where a person belongs is asked in `account.rs`, beside the account.

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};

use super::account::user_pk;
use super::item::{Item, Written, from_item, key, n, value};
use super::message::Page;
use super::tenant::{tenant_key, tenant_pk};
use super::{IdentityStore, Store, TenantStore};
use crate::clock::Moment;
use crate::error::{Error, Result};
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
    /// The role of the member, or of whoever changes it, is another one meanwhile; or one of them is no member.
    ChangedMeanwhile,
    /// A tenant has an owner.
    LastOwner,
}

/// On whose authority people of a tenant are changed. What credentials are worth is remembered for a while, so
/// this is asked anew, and must still hold when the change is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authority {
    /// What whoever changes them may do.
    pub role: MembershipRole,
    /// The member whose row says so. `None` for a person of another issuer, who has no row.
    pub member: Option<UserId>,
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
        self.store.member_end(user, membership, None, event).await
    }
}

impl Store {
    async fn member_end(
        &self,
        user: UserId,
        membership: &Membership,
        authority: Option<&Authority>,
        event: &AuditEvent,
    ) -> Result<MemberChanged> {
        let Membership { tenant, role } = *membership;
        let mut parts = Vec::new();
        for side in membership_keys(user, tenant) {
            let role = value(role)?;
            parts.push(self.delete(side, "member_role = :role", [(":role", role)])?);
        }
        let owners = self.owners_part(tenant, role, None)?;
        let authority = self.authority_part(tenant, Some(user), authority)?;
        self.member_write(parts, owners, authority, event).await
    }

    /// Writes both rows of a membership with what goes with them.
    async fn member_write(
        &self,
        mut parts: Vec<TransactWriteItem>,
        owners: Option<TransactWriteItem>,
        authority: Option<TransactWriteItem>,
        event: &AuditEvent,
    ) -> Result<MemberChanged> {
        let owners_at = owners.as_ref().map(|_| parts.len());
        parts.extend(owners);
        parts.extend(authority);
        Ok(match self.transact_audited(parts, event).await? {
            Written::Yes => MemberChanged::Yes,
            Written::ConditionFailed { place } if Some(place) == owners_at => {
                MemberChanged::LastOwner
            }
            Written::ConditionFailed { .. } => MemberChanged::ChangedMeanwhile,
        })
    }

    /// The condition that whoever makes a change still has the authority. Who changes no other than itself
    /// (`changed`) is held to the row that is changed: DynamoDB takes no item twice in a transaction.
    pub(super) fn authority_part(
        &self,
        tenant: TenantId,
        changed: Option<UserId>,
        authority: Option<&Authority>,
    ) -> Result<Option<TransactWriteItem>> {
        let Some(Authority {
            role,
            member: Some(member),
        }) = authority.filter(|authority| authority.member != changed)
        else {
            return Ok(None);
        };
        let key = member_key(tenant, *member);
        let role = [(":role", value(role)?)];
        self.check_that(key, "member_role = :role", role).map(Some)
    }

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

impl TenantStore {
    /// Those of these people who are members of the tenant.
    pub async fn members_among(
        &self,
        users: impl IntoIterator<Item = UserId>,
    ) -> Result<std::collections::BTreeSet<UserId>> {
        #[derive(Deserialize)]
        struct Key {
            sk: String,
        }
        let keys = users.into_iter().map(|user| member_key(self.tenant, user));
        let items = self.store.get_many(keys.collect(), true).await?;
        let members = items.into_iter().map(|item| {
            let key: Key = from_item(item)?;
            let id = key.sk.strip_prefix("MEMBER#").unwrap_or_default();
            id.parse().map_err(Error::internal)
        });
        members.collect()
    }

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

    /// All members of the tenant.
    pub(super) async fn member_all(&self) -> Result<Vec<Member>> {
        const READ_AT_ONCE: u32 = 1000;
        let mut members: Vec<Member> = Vec::new();
        loop {
            let after = members.last().map(|member| member.user);
            let page = self.member_list(after, READ_AT_ONCE).await?;
            members.extend(page.items);
            if !page.has_more {
                return Ok(members);
            }
        }
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

    /// Changes a member's role to another one.
    pub async fn member_change(
        &self,
        member: &Member,
        to: MembershipRole,
        authority: &Authority,
        event: &AuditEvent,
    ) -> Result<MemberChanged> {
        let Member { user, role, .. } = *member;
        let mut parts = Vec::new();
        for side in membership_keys(user, self.tenant) {
            let values = [(":from", value(role)?), (":to", value(to)?)];
            let change = "SET member_role = :to";
            let condition = "member_role = :from";
            parts.push(self.store.update(side, change, condition, values)?);
        }
        let store = &self.store;
        let owners = store.owners_part(self.tenant, role, Some(to))?;
        let authority = store.authority_part(self.tenant, Some(user), Some(authority))?;
        store.member_write(parts, owners, authority, event).await
    }

    /// Takes a member out of the tenant.
    pub async fn member_remove(
        &self,
        member: &Member,
        authority: &Authority,
        event: &AuditEvent,
    ) -> Result<MemberChanged> {
        let membership = Membership {
            tenant: self.tenant,
            role: member.role,
        };
        let end = self
            .store
            .member_end(member.user, &membership, Some(authority), event);
        end.await
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
