//! The two rings: what their next value is, and whether it can be used.

use secrecy::SecretString;
use shared::clock::Moment;
use shared::{Result, auth, vault};

/// Which keys a secret holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ring {
    /// Those that sign access tokens.
    SigningKeys,
    /// Those that encrypt what is stored.
    DataKeys,
}

impl Ring {
    /// The value after this one.
    pub(crate) fn successor(self, value: &SecretString, now: Moment) -> Result<SecretString> {
        match self {
            Self::SigningKeys => auth::successor(value, now),
            Self::DataKeys => vault::successor(value, now),
        }
    }

    /// Makes sure that `pending` can take the place of `current`.
    pub(crate) async fn try_successor(
        self,
        current: &SecretString,
        pending: &SecretString,
        issuer: &str,
        now: Moment,
    ) -> Result<()> {
        match self {
            Self::SigningKeys => auth::try_successor(current, pending, issuer, now).await,
            Self::DataKeys => vault::try_successor(current, pending, now),
        }
    }
}
