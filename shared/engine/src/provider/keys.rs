//! The keys of the providers: one secret, a JSON object from provider name to key.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret as _, SecretString};
use shared::secrets::Secrets;
use shared::{Error, Result};
use tokio::sync::Mutex;

/// How long a process believes the keys that it read.
const BELIEVED_FOR: Duration = Duration::from_secs(300);

type Keys = Arc<HashMap<String, SecretString>>;

/// Where the keys come from.
#[derive(Clone)]
pub struct ProviderKeys {
    origin: Arc<Origin>,
    kept: Arc<Mutex<Option<(Keys, Instant)>>>,
}

enum Origin {
    Secret { secrets: Secrets, id: String },
    Fixed(Keys),
}

impl std::fmt::Debug for ProviderKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProviderKeys")
    }
}

impl ProviderKeys {
    /// The keys in that secret.
    pub fn secret(secrets: Secrets, id: String) -> Self {
        Self::new(Origin::Secret { secrets, id })
    }

    /// These keys, for tests.
    pub fn fixed(keys: impl IntoIterator<Item = (String, SecretString)>) -> Self {
        Self::new(Origin::Fixed(Arc::new(keys.into_iter().collect())))
    }

    fn new(origin: Origin) -> Self {
        Self {
            origin: Arc::new(origin),
            kept: Arc::default(),
        }
    }

    /// A provider's key. One without a key, such as a server on the same machine, has none or an empty one.
    pub(super) async fn get(&self, provider: &str) -> Result<Option<SecretString>> {
        let keys = self.keys().await?;
        Ok(keys
            .get(provider)
            .filter(|key| !key.expose_secret().is_empty())
            .cloned())
    }

    /// Makes the next call read the secret again: a provider has refused a key, so it may have changed.
    pub(super) async fn forget(&self) {
        *self.kept.lock().await = None;
    }

    async fn keys(&self) -> Result<Keys> {
        let mut kept = self.kept.lock().await;
        if let Some((keys, _)) = kept
            .as_ref()
            .filter(|(_, read_at)| read_at.elapsed() < BELIEVED_FOR)
        {
            return Ok(keys.clone());
        }
        let keys = match (self.read().await, kept.as_ref()) {
            (Ok(keys), _) => keys,
            (Err(error), Some((keys, _))) => {
                tracing::error!(error = ?error, "the provider keys could not be read; the ones known stay in use");
                keys.clone()
            }
            (Err(error), None) => return Err(error),
        };
        *kept = Some((keys.clone(), Instant::now()));
        Ok(keys)
    }

    async fn read(&self) -> Result<Keys> {
        match &*self.origin {
            Origin::Fixed(keys) => Ok(keys.clone()),
            Origin::Secret { secrets, id } => {
                let value = secrets.get(id).await?;
                // The parser's own message could quote a key, so it is dropped.
                let keys: HashMap<String, SecretString> = serde_json::from_str(
                    value.expose_secret(),
                )
                .map_err(|_| {
                    Error::internal(
                        "the provider-keys secret is not a JSON object from provider name to key",
                    )
                })?;
                Ok(Arc::new(keys))
            }
        }
    }
}
