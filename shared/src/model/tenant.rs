//! Tenants, who belongs to them, and who is invited.

use serde::{Deserialize, Serialize};

use super::identity::Email;
use crate::clock::Moment;
use crate::error::Result;
use crate::model::{InvitationId, TenantId, UserId};

/// What a member may do in a tenant. Each may do what those before it may.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum MembershipRole {
    /// May look.
    Viewer,
    /// May work: chat, and make what is the member's own.
    Member,
    /// May manage people, keys and settings.
    Admin,
    /// May do everything, and is the only one who may delete the tenant or make another owner.
    Owner,
}

impl MembershipRole {
    /// Every role, from the least to the most.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Member, Self::Admin, Self::Owner];
}

/// What a tenant is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantName(String);

impl TenantName {
    /// The longest name, in characters.
    pub const MAX_CHARACTERS: usize = 100;

    /// Between 1 and 100 characters without control characters, trimmed.
    pub fn parse(field: &str, text: &str) -> Result<Self> {
        super::conversation::line(field, text, Self::MAX_CHARACTERS).map(Self)
    }

    /// The name.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Whether a tenant can be worked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TenantStatus {
    /// Yes.
    Active,
    /// Nobody may do anything in it but look at it, resume it or delete it.
    Suspended,
    /// It is being deleted, and counts as absent.
    Deleted,
}

/// Who owns data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// What it is called.
    pub name: String,
    /// Whether it was made with its owner's account, and goes with it.
    pub personal: bool,
    /// Whether it can be worked in.
    pub status: TenantStatus,
    /// Goes up with each change.
    pub version: u64,
    /// When it was made.
    pub created_at: Moment,
}

/// That a user belongs to a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The tenant.
    pub tenant: TenantId,
    /// What the user may do there.
    pub role: MembershipRole,
}

/// A user as a member of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The user.
    pub user: UserId,
    /// What the user may do.
    pub role: MembershipRole,
    /// Since when.
    pub created_at: Moment,
}

/// That somebody may join a tenant.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// Whom the mail goes to. Whoever accepts must have this address.
    pub email: Email,
    /// What the new member may do.
    pub role: MembershipRole,
    /// Who invited.
    pub invited_by: UserId,
    /// SHA-256 of the token's secret.
    pub token_hash: String,
    /// When.
    pub created_at: Moment,
    /// From when on it is not good any more.
    pub expires_at: Moment,
}
