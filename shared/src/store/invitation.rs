//! Who may join a tenant: `TENANT#<tenant>` / `INVITE#<invitation>`, with a TTL.
//!
//! Questions: who is invited? what is this invitation? Only the hash of its token's secret is stored. Using it
//! deletes it, in the transaction that makes the member.

use serde::{Deserialize, Serialize};

use super::item::{IS_NEW, Item, Written, key, s, to_item};
use super::member::{MemberItem, membership_keys};
use super::message::Page;
use super::tenant::tenant_pk;
use super::{IdentityStore, TenantStore};
use crate::clock::Moment;
use crate::error::Result;
use crate::model::{AuditEvent, Email, Invitation, InvitationId, MembershipRole, TenantId, UserId};

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

fn invitation_key(tenant: TenantId, id: InvitationId) -> Item {
    key(tenant_pk(tenant), format!("INVITE#{id}"))
}

impl IdentityStore {
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
}

impl TenantStore {
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
