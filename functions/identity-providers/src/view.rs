//! What goes out.

use std::collections::BTreeMap;

use serde::Serialize;
use shared::http::Timestamp;
use shared::model::{IdentityProvider, IdentityProviderId, MembershipRole};

/// An issuer whose tokens the tenant trusts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = IdentityProvider)]
pub(crate) struct IdentityProviderView {
    /// Its id.
    id: IdentityProviderId,
    /// The `iss` of its tokens.
    issuer: String,
    /// The `aud` of its tokens.
    audience: String,
    /// Where in its tokens the roles stand.
    role_claim: String,
    /// What its roles are worth here.
    roles: BTreeMap<String, MembershipRole>,
    /// When it was created.
    created_at: Timestamp,
}

impl From<IdentityProvider> for IdentityProviderView {
    fn from(provider: IdentityProvider) -> Self {
        let IdentityProvider {
            id,
            tenant: _,
            issuer,
            audience,
            role_claim,
            roles,
            created_at,
        } = provider;
        Self {
            id,
            issuer,
            audience: audience.as_str().to_owned(),
            role_claim: role_claim.as_str().to_owned(),
            roles: roles.as_map().clone(),
            created_at: Timestamp(created_at),
        }
    }
}
