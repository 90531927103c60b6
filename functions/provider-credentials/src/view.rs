//! A credential as a client sees it: by what the key is recognised, and never the key.

use serde::Serialize;
use shared::clock::Moment;
use shared::http::Timestamp;
use shared::model::{ProviderCredential, UserId};

/// A key of a model provider that the tenant brought.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ProviderCredential)]
pub(crate) struct CredentialView {
    /// The provider.
    provider: String,
    /// The first 16 hex digits of the key's SHA-256.
    fingerprint: String,
    /// The key's last four characters.
    last4: String,
    /// When the key was stored.
    stored_at: Timestamp,
    /// Who stored it.
    changed_by: UserId,
    /// The key before it, while it is used where the provider refuses the current one.
    previous: Option<PreviousView>,
}

/// The key before.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PreviousProviderCredential)]
pub(crate) struct PreviousView {
    /// The first 16 hex digits of the key's SHA-256.
    fingerprint: String,
    /// The key's last four characters.
    last4: String,
    /// Until when it is used.
    used_until: Timestamp,
}

impl CredentialView {
    pub(crate) fn new(credential: ProviderCredential, now: Moment) -> Self {
        let previous = credential.previous.filter(|(_, until)| now < *until);
        Self {
            provider: credential.provider,
            fingerprint: credential.current.fingerprint,
            last4: credential.current.last4,
            stored_at: Timestamp(credential.current.stored_at),
            changed_by: credential.changed_by,
            previous: previous.map(|(key, until)| PreviousView {
                fingerprint: key.fingerprint,
                last4: key.last4,
                used_until: Timestamp(until),
            }),
        }
    }
}
