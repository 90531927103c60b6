//! Keys of model providers that tenants bring.

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use crate::clock::Moment;
use crate::error::{Error, Result};
use crate::model::{TenantId, UserId};

/// A provider's key as a tenant sent it.
#[derive(Debug, Clone)]
pub struct ProviderKey(SecretString);

impl ProviderKey {
    /// The fewest characters of a key. Shorter texts are typing errors, and could be guessed from a fingerprint.
    pub const MIN_CHARACTERS: usize = 16;
    /// The most characters of a key.
    pub const MAX_CHARACTERS: usize = 512;

    /// A key that can stand in a header.
    pub fn parse(field: &str, key: SecretString) -> Result<Self> {
        let text = key.expose_secret();
        let length = Self::MIN_CHARACTERS..=Self::MAX_CHARACTERS;
        if !length.contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            let detail = format!(
                "must be {} to {} ASCII letters, digits and signs without blanks, as the provider shows the key",
                Self::MIN_CHARACTERS,
                Self::MAX_CHARACTERS
            );
            return Err(Error::invalid(field, detail));
        }
        Ok(Self(key))
    }

    /// The key itself.
    pub const fn secret(&self) -> &SecretString {
        &self.0
    }

    /// By what a key is recognised: the first 16 hex digits of its SHA-256.
    pub fn fingerprint(&self) -> String {
        let hash = Sha256::digest(self.0.expose_secret());
        hash.iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Its last four characters.
    pub fn last4(&self) -> String {
        let text = self.0.expose_secret();
        // A key is ASCII, and long enough.
        text[text.len() - 4..].to_owned()
    }
}

/// A key as it is stored: sealed with the data key.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SealedKey {
    /// The key, sealed for [`ProviderCredential::context`].
    pub sealed: String,
    /// By what it is recognised.
    pub fingerprint: String,
    /// Its last four characters.
    pub last4: String,
    /// When it was stored.
    pub stored_at: Moment,
}

/// What a tenant brought for one provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderCredential {
    /// The provider's name.
    pub provider: String,
    /// Where the keys were tried, for a provider of the tenant's own: they go nowhere else. The platform's providers
    /// are where the configuration says.
    pub address: Option<String>,
    /// The key that is used.
    pub current: SealedKey,
    /// The key before, and until when it is used where the provider refuses the current one.
    pub previous: Option<(SealedKey, Moment)>,
    /// Who stored the current key.
    pub changed_by: UserId,
    /// Grows with every change.
    pub version: u64,
}

impl ProviderCredential {
    /// What a sealed key is bound to: it opens for this tenant, this provider and this address only.
    pub fn context(tenant: TenantId, provider: &str, address: Option<&str>) -> String {
        match address {
            None => format!("provider key {tenant} {provider}"),
            Some(address) => format!("provider key {tenant} {provider} {address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ProviderKey> {
        ProviderKey::parse("/key", SecretString::from(text))
    }

    #[test]
    fn a_key_is_what_can_stand_in_a_header() {
        let long = "k".repeat(513);
        for wrong in [
            "",
            "sk-fifteen-char",
            "sk-with a blank in it",
            "sk-with-a-newline-\n-in",
            "sk-ünicode-in-the-key",
            &long,
        ] {
            assert!(matches!(parse(wrong), Err(Error::Invalid(_))), "{wrong}");
        }
        let key = parse("sk-sixteen-chars").expect("a key");
        assert_eq!(key.last4(), "hars");
        assert_eq!(key.fingerprint().len(), 16);
        assert!(!format!("{key:?}").contains("sixteen"));
    }
}
