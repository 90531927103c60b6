//! Tenants, their members, and who is invited.
//!
//! - `TENANT#<tenant>` / `TENANT`: the tenant.
//! - `TENANT#<tenant>` / `MEMBER#<user>`, and the same row at `USER#<user>` / `MEMBER#<tenant>`: who belongs
//!   where. Both are written together.
//! - `TENANT#<tenant>` / `INVITE#<invitation>`: who may join, with a TTL.
//!
//! Questions: what is this tenant? who belongs to it? who is invited? where does this person belong?

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};

use super::account::user_pk;
use super::item::{IS_NEW, Item, Written, key, n, s, to_item, value};
use super::message::Page;
use super::{IdentityStore, Store, TenantStore};
use crate::clock::Moment;
use crate::error::Result;
use crate::model::{
    AuditEvent, Email, Invitation, InvitationId, Member, Membership, MembershipRole, Tenant,
    TenantId, TenantStatus, User, UserId,
};

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

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct MemberItem {
    pub(super) user: UserId,
    pub(super) tenant: TenantId,
    #[serde(rename = "member_role")]
    pub(super) role: MembershipRole,
    pub(super) created_at: Moment,
}

#[derive(Serialize, Deserialize)]
struct InvitationItem {
    id: InvitationId,
    email: String,
    role: MembershipRole,
    invited_by: UserId,
    token_hash: String,
    created_at: Moment,
    /// The TTL attribute, in Unix seconds.
    expires_at: i64,
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

/// What became of the attempt to join a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// The user is a member now.
    Yes,
    /// The user was one before; the invitation stays.
    WasMember,
    /// The invitation was used or revoked meanwhile.
    NoInvitation,
}

const fn active() -> TenantStatus {
    TenantStatus::Active
}

const fn one() -> u32 {
    1
}

fn tenant_pk(tenant: TenantId) -> String {
    format!("TENANT#{tenant}")
}

pub(super) fn tenant_key(tenant: TenantId) -> Item {
    key(tenant_pk(tenant), "TENANT")
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

fn invitation_key(tenant: TenantId, id: InvitationId) -> Item {
    key(tenant_pk(tenant), format!("INVITE#{id}"))
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

    /// An invitation that is good at `now`, whoever asks: its token is the proof.
    pub async fn invitation_get(
        &self,
        tenant: TenantId,
        id: InvitationId,
        now: Moment,
    ) -> Result<Option<Invitation>> {
        let found = self.store.get::<InvitationItem>(invitation_key(tenant, id));
        let found = found.await?.map(Invitation::from);
        Ok(found.filter(|invitation| invitation.expires_at > now))
    }

    /// Uses an invitation: the user becomes a member, and the invitation is gone.
    pub async fn invitation_accept(
        &self,
        tenant: TenantId,
        invitation: &Invitation,
        user: UserId,
        now: Moment,
        event: &AuditEvent,
    ) -> Result<Joined> {
        let store = &self.store;
        let member = MemberItem {
            user,
            tenant,
            role: invitation.role,
            created_at: now,
        };
        let mut parts = Vec::new();
        for side in membership_keys(user, tenant) {
            parts.push(store.put(to_item(side, &member)?, IS_NEW)?);
        }
        parts.push(store.delete(
            invitation_key(tenant, invitation.id),
            "token_hash = :hash",
            [(":hash", s(&invitation.token_hash))],
        )?);
        Ok(match store.transact_audited(parts, event).await? {
            Written::Yes => Joined::Yes,
            Written::ConditionFailed { place: 0 | 1 } => Joined::WasMember,
            Written::ConditionFailed { .. } => Joined::NoInvitation,
        })
    }

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

    /// Writes a new invitation with the mail that carries its token.
    pub async fn invitation_create(
        &self,
        invitation: &Invitation,
        mail: &super::Mail,
        event: &AuditEvent,
    ) -> Result<()> {
        let row = InvitationItem::from(invitation);
        let row = to_item(invitation_key(self.tenant, invitation.id), &row)?;
        let parts = vec![self.store.put(row, IS_NEW)?, self.store.mail_part(mail)?];
        self.store.transact_audited(parts, event).await?.surely()
    }

    /// The invitations that are good at `now`, `limit` of them after that one, oldest first.
    pub async fn invitation_list(
        &self,
        after: Option<InvitationId>,
        limit: u32,
        now: Moment,
    ) -> Result<Page<Invitation>> {
        let mut after = after.map(|id| format!("INVITE#{id}"));
        let mut found = Vec::new();
        loop {
            let page =
                self.store
                    .list::<InvitationItem>(tenant_pk(self.tenant), "INVITE#", after, limit);
            let (items, has_more) = page.await?;
            after = items.last().map(|item| format!("INVITE#{}", item.id));
            let items = items.into_iter().map(Invitation::from);
            found.extend(items.filter(|invitation| invitation.expires_at > now));
            if !has_more || found.len() > limit as usize {
                let page = Page::cut(found, limit);
                let has_more = page.has_more || has_more;
                return Ok(Page { has_more, ..page });
            }
        }
    }

    /// Takes an invitation back. `false`, and nothing written, if there is none.
    pub async fn invitation_delete(&self, id: InvitationId, event: &AuditEvent) -> Result<bool> {
        let key = invitation_key(self.tenant, id);
        let part = self.store.delete(key, "attribute_exists(pk)", [])?;
        let written = self.store.transact_audited(vec![part], event).await?;
        Ok(written.made())
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

impl From<&Invitation> for InvitationItem {
    fn from(invitation: &Invitation) -> Self {
        let Invitation {
            id,
            email,
            role,
            invited_by,
            token_hash,
            created_at,
            expires_at,
        } = invitation.clone();
        Self {
            id,
            email: email.as_str().to_owned(),
            role,
            invited_by,
            token_hash,
            created_at,
            expires_at: expires_at.unix_seconds(),
        }
    }
}

impl From<InvitationItem> for Invitation {
    fn from(item: InvitationItem) -> Self {
        let InvitationItem {
            id,
            email,
            role,
            invited_by,
            token_hash,
            created_at,
            expires_at,
        } = item;
        Self {
            id,
            email: Email::from_stored(email),
            role,
            invited_by,
            token_hash,
            created_at,
            expires_at: Moment::from_unix_seconds(expires_at),
        }
    }
}
