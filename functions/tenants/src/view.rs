//! What goes out, and what several operations say.

use axum::http::HeaderValue;
use axum::http::header::{ETAG, HeaderName};
use serde::Serialize;
use shared::http::{Json, Timestamp, etag};
use shared::model::{
    Invitation, InvitationId, Member, MembershipRole, Tenant, TenantId, TenantStatus, User, UserId,
};

/// A tenant.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Tenant)]
pub(crate) struct TenantView {
    /// Its id.
    id: TenantId,
    /// What it is called.
    name: String,
    /// Whether it was made with your account: it has no other members, and goes with the account.
    personal: bool,
    /// Whether it can be worked in.
    status: TenantStatus,
    /// What you may do in it.
    role: MembershipRole,
    /// When it was made.
    created_at: Timestamp,
}

impl TenantView {
    /// The tenant as somebody with that role sees it.
    pub(crate) fn new(tenant: Tenant, role: MembershipRole) -> Self {
        let Tenant {
            id,
            name,
            personal,
            status,
            version: _,
            created_at,
        } = tenant;
        Self {
            id,
            name,
            personal,
            status,
            role,
            created_at: Timestamp(created_at),
        }
    }
}

/// A tenant and its entity tag.
pub(crate) type Tagged = ([(HeaderName, HeaderValue); 1], Json<TenantView>);

/// The reply with one tenant.
pub(crate) fn tagged(tenant: Tenant, role: MembershipRole) -> Tagged {
    let tag = etag(tenant.version);
    ([(ETAG, tag)], Json(TenantView::new(tenant, role)))
}

/// A member of a tenant.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Member)]
pub(crate) struct MemberView {
    /// The person.
    user_id: UserId,
    /// Where the person is reached; `null` if the account is gone.
    email: Option<String>,
    /// What the person wants to be called.
    name: Option<String>,
    /// What the person may do.
    role: MembershipRole,
    /// Since when the person belongs to the tenant.
    joined_at: Timestamp,
}

impl MemberView {
    /// The member with its account, if it has one.
    pub(crate) fn new(member: &Member, account: Option<User>) -> Self {
        let Member {
            user,
            role,
            created_at,
        } = *member;
        let (email, name) = account.map_or((None, None), |account| {
            (Some(account.email.as_str().to_owned()), account.name)
        });
        Self {
            user_id: user,
            email,
            name,
            role,
            joined_at: Timestamp(created_at),
        }
    }
}

/// That somebody may join.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Invitation)]
pub(crate) struct InvitationView {
    /// Its id.
    id: InvitationId,
    /// Whom the mail went to. Whoever accepts must have this address.
    email: String,
    /// What the new member may do.
    role: MembershipRole,
    /// Who invited.
    invited_by: UserId,
    /// When.
    created_at: Timestamp,
    /// From when on it is not good any more.
    expires_at: Timestamp,
}

impl From<Invitation> for InvitationView {
    fn from(invitation: Invitation) -> Self {
        let Invitation {
            id,
            email,
            role,
            invited_by,
            token_hash: _,
            created_at,
            expires_at,
        } = invitation;
        Self {
            id,
            email: email.as_str().to_owned(),
            role,
            invited_by,
            created_at: Timestamp(created_at),
            expires_at: Timestamp(expires_at),
        }
    }
}
