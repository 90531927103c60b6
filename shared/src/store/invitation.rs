//! Who may join a tenant, with a TTL.
//!
//! - `TENANT#<tenant>` / `INVITE#<invitation>`: an invitation. Only the hash of its token's secret is stored.
//! - `TENANT#<tenant>` / `INVITED#<SHA-256 of the address>`: which invitation the address has, so that it has at
//!   most one. Both are written and deleted together.
//!
//! Questions: who is invited? what is this invitation? which does this address have? Using one deletes it, in the
//! transaction that makes the member.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::item::{IS_NEW, Item, Written, key, n, s, to_item, value};
use super::member::{Authority, MemberItem, membership_keys};
use super::message::Page;
use super::tenant::{tenant_key, tenant_pk};
use super::{IdentityStore, Store, TenantStore};
use crate::clock::Moment;
use crate::error::Result;
use crate::model::{
    AuditEvent, Email, Invitation, InvitationId, MembershipRole, TenantId, TenantStatus, UserId,
};

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

#[derive(Serialize, Deserialize)]
struct InvitedItem {
    invitation_id: InvitationId,
    /// The TTL attribute, in Unix seconds.
    expires_at: i64,
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
    /// The tenant is not active any more; the invitation stays.
    NotActive,
}

fn invitation_key(tenant: TenantId, id: InvitationId) -> Item {
    key(tenant_pk(tenant), format!("INVITE#{id}"))
}

fn invited_key(tenant: TenantId, email: &Email) -> Item {
    let digest = Sha256::digest(email.as_str());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    key(tenant_pk(tenant), format!("INVITED#{hex}"))
}

impl Store {
    async fn invitation(
        &self,
        tenant: TenantId,
        id: InvitationId,
        now: Moment,
    ) -> Result<Option<Invitation>> {
        let found = self.get::<InvitationItem>(invitation_key(tenant, id));
        let found = found.await?.map(Invitation::from);
        Ok(found.filter(|invitation| invitation.expires_at > now))
    }
}

impl IdentityStore {
    /// An invitation that is good at `now`, whoever asks: its token is the proof.
    pub async fn invitation_get(
        &self,
        tenant: TenantId,
        id: InvitationId,
        now: Moment,
    ) -> Result<Option<Invitation>> {
        self.store.invitation(tenant, id, now).await
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
        let [user_side, tenant_side] = membership_keys(user, tenant);
        // First, so that of two who use it at once the second learns that it is used.
        let used = store.delete(
            invitation_key(tenant, invitation.id),
            "token_hash = :hash AND expires_at > :now",
            [
                (":hash", s(&invitation.token_hash)),
                (":now", n(now.unix_seconds())),
            ],
        )?;
        let active = [(":active", value(TenantStatus::Active)?)];
        let condition = "tenant_status = :active";
        let tenant_part = if invitation.role == MembershipRole::Owner {
            let [active] = active;
            let more = "SET owners = owners + :one";
            let values = [active, (":one", n(1))];
            store.update(tenant_key(tenant), more, condition, values)?
        } else {
            store.check_that(tenant_key(tenant), condition, active)?
        };
        let parts = vec![
            used,
            store.put(to_item(user_side, &member)?, IS_NEW)?,
            store.put(to_item(tenant_side, &member)?, IS_NEW)?,
            tenant_part,
            store.delete_any(invited_key(tenant, &invitation.email))?,
        ];
        Ok(match store.transact_audited(parts, event).await? {
            Written::Yes => Joined::Yes,
            Written::ConditionFailed { place: 0 } => Joined::NoInvitation,
            Written::ConditionFailed { place: 1 | 2 } => Joined::WasMember,
            Written::ConditionFailed { .. } => Joined::NotActive,
        })
    }
}

impl TenantStore {
    /// An invitation of the tenant that is good at `now`.
    pub async fn invitation_get(
        &self,
        id: InvitationId,
        now: Moment,
    ) -> Result<Option<Invitation>> {
        self.store.invitation(self.tenant, id, now).await
    }

    /// The invitation of that address that is good at `now`.
    pub async fn invitation_find(&self, email: &Email, now: Moment) -> Result<Option<Invitation>> {
        let invited = self
            .store
            .get::<InvitedItem>(invited_key(self.tenant, email));
        match invited.await? {
            Some(invited) => self.invitation_get(invited.invitation_id, now).await,
            None => Ok(None),
        }
    }

    /// Writes a new invitation with the mail that carries its token, in place of the one that the address has.
    /// `false`, and nothing written, if the address has another one meanwhile, or the authority is gone.
    pub async fn invitation_create(
        &self,
        invitation: &Invitation,
        earlier: Option<&Invitation>,
        authority: &Authority,
        mail: &super::Mail,
        event: &AuditEvent,
    ) -> Result<bool> {
        let store = &self.store;
        let row = InvitationItem::from(invitation);
        let invited = InvitedItem {
            invitation_id: invitation.id,
            expires_at: row.expires_at,
        };
        let invited = to_item(invited_key(self.tenant, &invitation.email), &invited)?;
        let row = to_item(invitation_key(self.tenant, invitation.id), &row)?;
        let mut parts = vec![store.put(row, IS_NEW)?, store.mail_part(mail)?];
        match earlier {
            Some(earlier) => {
                let same = [(":earlier", s(earlier.id.to_string()))];
                parts.push(store.put_if(invited, "invitation_id = :earlier", same)?);
                parts.push(store.delete_any(invitation_key(self.tenant, earlier.id))?);
            }
            None => {
                // An item past its TTL is absent.
                let absent = "attribute_not_exists(pk) OR expires_at <= :now";
                let now = [(":now", n(invitation.created_at.unix_seconds()))];
                parts.push(store.put_if(invited, absent, now)?);
            }
        }
        // Whoever is invited is no member yet, so that nobody invites itself.
        parts.extend(store.authority_part(self.tenant, None, Some(authority))?);
        Ok(store.transact_audited(parts, event).await?.made())
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

    /// Takes an invitation back. `false`, and nothing written, if it was used or replaced meanwhile.
    pub async fn invitation_delete(
        &self,
        invitation: &Invitation,
        event: &AuditEvent,
    ) -> Result<bool> {
        let store = &self.store;
        let parts = vec![
            store.delete(
                invitation_key(self.tenant, invitation.id),
                "token_hash = :hash",
                [(":hash", s(&invitation.token_hash))],
            )?,
            store.delete_any(invited_key(self.tenant, &invitation.email))?,
        ];
        Ok(store.transact_audited(parts, event).await?.made())
    }

    /// The keys of all rows about who is invited.
    pub(super) async fn invitation_rows(&self) -> Result<Vec<Item>> {
        const READ_AT_ONCE: u32 = 1000;
        let mut rows: Vec<Item> = Vec::new();
        let mut after = None;
        loop {
            let pk = tenant_pk(self.tenant);
            let page = self
                .store
                .list::<InvitationItem>(pk, "INVITE#", after, READ_AT_ONCE);
            let (items, has_more) = page.await?;
            after = items.last().map(|item| format!("INVITE#{}", item.id));
            for invitation in items.into_iter().map(Invitation::from) {
                rows.push(invitation_key(self.tenant, invitation.id));
                rows.push(invited_key(self.tenant, &invitation.email));
            }
            if !has_more {
                return Ok(rows);
            }
        }
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
