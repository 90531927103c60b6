//! Where a process gets the ring from, and how long it keeps it.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::Mutex;

use super::keys::KeyRing;
use crate::clock::{Clock, Moment};
use crate::error::{Error, Result};
use crate::secrets::Secrets;

/// How long a process believes the ring that it read.
const BELIEVED_FOR: Duration = Duration::from_secs(300);
/// How often a key id that is not in the ring may cause a new read.
const REREAD_AT_MOST_EVERY: Duration = Duration::from_secs(60);

/// Where a process gets the ring from: Secrets Manager, kept for five minutes.
#[derive(Clone)]
pub struct KeySource(Arc<Source>);

struct Source {
    origin: Origin,
    clock: Clock,
    kept: Mutex<Option<Kept>>,
}

enum Origin {
    Secret { secrets: Secrets, id: String },
    Fixed(SecretString),
}

struct Kept {
    ring: Arc<KeyRing>,
    read_at: Moment,
}

impl std::fmt::Debug for KeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeySource")
    }
}

impl KeySource {
    /// The ring in that secret.
    pub fn secret(secrets: Secrets, id: String, clock: Clock) -> Self {
        Self::new(Origin::Secret { secrets, id }, clock)
    }

    /// A ring with that value of the secret, for tests.
    pub fn fixed(value: SecretString, clock: Clock) -> Self {
        Self::new(Origin::Fixed(value), clock)
    }

    fn new(origin: Origin, clock: Clock) -> Self {
        Self(Arc::new(Source {
            origin,
            clock,
            kept: Mutex::new(None),
        }))
    }

    /// The ring: the one kept, or read anew if that one is older than five minutes. When it can't be read,
    /// the old one stays good, so that Secrets Manager is not needed to serve requests.
    pub async fn ring(&self) -> Result<Arc<KeyRing>> {
        self.newer_than(BELIEVED_FOR).await
    }

    /// The ring after a key id was met that is not in it: read anew, but at most once a minute, so that
    /// made-up ids cost nothing.
    pub(super) async fn ring_after_unknown_key(&self) -> Result<Arc<KeyRing>> {
        self.newer_than(REREAD_AT_MOST_EVERY).await
    }

    async fn newer_than(&self, age: Duration) -> Result<Arc<KeyRing>> {
        let mut kept = self.0.kept.lock().await;
        let now = self.0.clock.now();
        if let Some(kept) = kept.as_ref().filter(|kept| now.since(kept.read_at) < age) {
            return Ok(kept.ring.clone());
        }
        let ring = match (self.read().await, kept.as_ref()) {
            (Ok(ring), _) => Arc::new(ring),
            (Err(error), Some(kept)) => {
                tracing::error!(error = ?error, "the signing keys could not be read; the ones known stay in use");
                kept.ring.clone()
            }
            (Err(error), None) => return Err(error),
        };
        *kept = Some(Kept {
            ring: ring.clone(),
            read_at: now,
        });
        Ok(ring)
    }

    async fn read(&self) -> Result<KeyRing> {
        let value = match &self.0.origin {
            Origin::Secret { secrets, id } => secrets.get(id).await?,
            Origin::Fixed(value) => value.clone(),
        };
        KeyRing::parse(&value).map_err(Error::internal)
    }
}
