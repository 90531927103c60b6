//! The platform's keys of the providers: one secret, a JSON object from provider name to key.

use std::collections::HashMap;

use secrecy::{ExposeSecret as _, SecretString};
use shared::Result;
use shared::clock::Clock;
use shared::secret_source::{SecretSource, SecretValue};
use shared::secrets::Secrets;

/// Where the keys come from.
#[derive(Debug, Clone)]
pub struct ProviderKeys(SecretSource<Keys>);

/// What the secret holds.
#[derive(serde::Deserialize)]
struct Keys(HashMap<String, SecretString>);

/// Why a value is none. The parser's own message could quote a key.
#[derive(Debug, thiserror::Error)]
#[error("it is not a JSON object from provider name to key")]
struct NoKeys;

impl SecretValue for Keys {
    const VARIABLE: &'static str = "PROVIDER_KEYS_SECRET_ID";
    type Fault = NoKeys;

    fn parse(value: &SecretString) -> std::result::Result<Self, NoKeys> {
        serde_json::from_str(value.expose_secret()).map_err(|_| NoKeys)
    }
}

impl ProviderKeys {
    /// The keys in that secret.
    pub fn secret(secrets: Secrets, id: String, clock: Clock) -> Self {
        Self(SecretSource::secret(secrets, id, clock))
    }

    /// These keys, for tests and for functions that have none.
    pub fn fixed(keys: impl IntoIterator<Item = (String, SecretString)>) -> Self {
        let keys = keys.into_iter();
        let keys = keys.map(|(name, key)| (name, key.expose_secret().into()));
        let value = serde_json::Value::Object(keys.collect()).to_string();
        Self(SecretSource::fixed(value.into(), Clock::system()))
    }

    /// A provider's key. One without a key, such as a server on the same machine, has none or an empty one.
    pub(super) async fn get(&self, provider: &str) -> Result<Option<SecretString>> {
        Ok(self.0.get().await?.of(provider))
    }

    /// The provider's key after it refused that one, if there is another now: the secret is read anew, but at
    /// most once a minute.
    pub(super) async fn after_refusal(
        &self,
        provider: &str,
        refused: Option<&SecretString>,
    ) -> Result<Option<SecretString>> {
        let key = self.0.after_unknown_key().await?.of(provider);
        let refused = refused.map(SecretString::expose_secret);
        Ok(key.filter(|key| Some(key.expose_secret()) != refused))
    }
}

impl Keys {
    fn of(&self, provider: &str) -> Option<SecretString> {
        let key = self.0.get(provider);
        key.filter(|key| !key.expose_secret().is_empty()).cloned()
    }
}
