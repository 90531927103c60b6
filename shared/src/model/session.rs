//! Sessions.

use crate::clock::Moment;
use crate::model::{SessionId, TenantId, UserId};

/// One login and the chain of refresh tokens that descends from it: only the newest of them is good.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Who logged in.
    pub user: UserId,
    /// Into which tenant.
    pub tenant: TenantId,
    /// What the client called itself, cut off at 200 characters.
    pub user_agent: Option<String>,
    /// SHA-256 of the newest refresh token's secret.
    pub current_hash: String,
    /// SHA-256 of the secret before that one, if it was rotated at all.
    pub previous_hash: Option<String>,
    /// The signing key from which the newest secret was derived, if it was rotated at all.
    pub derived_with: Option<String>,
    /// When the newest refresh token was handed out.
    pub rotated_at: Moment,
    /// When the login took place.
    pub created_at: Moment,
    /// From when on its refresh tokens are not good any more.
    pub expires_at: Moment,
}
