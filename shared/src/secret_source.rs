//! A secret that a process keeps: where it is read from, and how long it is believed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::Mutex as AsyncMutex;

use crate::clock::{Clock, Moment};
use crate::error::{Error, Result};
use crate::secrets::Secrets;

/// How long a process believes what it read.
pub const BELIEVED_FOR: Duration = Duration::from_secs(300);
/// How often the secret is read at most, whatever unknown ids are met and however often reading fails.
pub const REREAD_AT_MOST_EVERY: Duration = Duration::from_secs(60);

/// What a secret's value means.
pub trait SecretValue: Sized + Send + Sync + 'static {
    /// The variable that names the secret.
    const VARIABLE: &'static str;
    /// What can be wrong with the value. It never says what the value is.
    type Fault: std::error::Error;
    /// Reads the secret's value.
    fn parse(value: &SecretString) -> Result<Self, Self::Fault>;
}

/// A secret whose value can't be used. It names the variable, and never the value.
#[derive(Debug, thiserror::Error)]
#[error("the value of the secret that {variable} names is refused: {fault}")]
pub struct RefusedSecret {
    variable: &'static str,
    fault: String,
}

/// Where a process gets a secret from: Secrets Manager, kept for five minutes.
pub struct SecretSource<T>(Arc<Source<T>>);

struct Source<T> {
    origin: Origin,
    clock: Clock,
    kept: Mutex<Option<Kept<T>>>,
    /// Held by whoever reads it now.
    reading: AsyncMutex<()>,
}

enum Origin {
    Secret { secrets: Secrets, id: String },
    Fixed(SecretString),
}

struct Kept<T> {
    value: Arc<T>,
    read_at: Moment,
    /// When reading was last tried, with or without success.
    tried_at: Moment,
}

impl<T> Clone for SecretSource<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> std::fmt::Debug for SecretSource<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretSource")
    }
}

impl<T: SecretValue> SecretSource<T> {
    /// What that secret holds.
    pub fn secret(secrets: Secrets, id: String, clock: Clock) -> Self {
        Self::new(Origin::Secret { secrets, id }, clock)
    }

    /// What a secret with that value would hold, for tests and for trying a value out.
    pub fn fixed(value: SecretString, clock: Clock) -> Self {
        Self::new(Origin::Fixed(value), clock)
    }

    fn new(origin: Origin, clock: Clock) -> Self {
        Self(Arc::new(Source {
            origin,
            clock,
            kept: Mutex::new(None),
            reading: AsyncMutex::new(()),
        }))
    }

    /// The value: the one kept, or read anew if that one is older than five minutes. When it can't be read,
    /// the old one stays good, so that Secrets Manager is not needed to serve requests. While one request reads it, the
    /// others have the old one: they need not wait for that.
    pub async fn get(&self) -> Result<Arc<T>> {
        if let Some(good) = self.known(Some(BELIEVED_FOR)) {
            return Ok(good);
        }
        match (self.known(None), self.0.reading.try_lock()) {
            (Some(known), Err(_)) => Ok(known),
            (Some(_), Ok(_reading)) => self.read_anew().await,
            (None, unlocked) => {
                drop(unlocked);
                self.newer_than(BELIEVED_FOR).await
            }
        }
    }

    /// The value after a key id was met that is not in it: read anew, but at most once a minute, so that
    /// made-up ids cost nothing.
    pub async fn after_unknown_key(&self) -> Result<Arc<T>> {
        self.newer_than(REREAD_AT_MOST_EVERY).await
    }

    async fn newer_than(&self, age: Duration) -> Result<Arc<T>> {
        let _reading = self.0.reading.lock().await;
        match self.known(Some(age)) {
            Some(value) => Ok(value),
            None => self.read_anew().await,
        }
    }

    /// What is kept, if it is younger than `age` or reading it was tried a moment ago. Without an age, whatever is kept.
    fn known(&self, age: Option<Duration>) -> Option<Arc<T>> {
        let now = self.0.clock.now();
        let kept = self.kept();
        let kept = kept.as_ref().filter(|kept| {
            age.is_none_or(|age| now.since(kept.read_at) < age)
                || now.since(kept.tried_at) < REREAD_AT_MOST_EVERY
        });
        kept.map(|kept| kept.value.clone())
    }

    fn kept(&self) -> MutexGuard<'_, Option<Kept<T>>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Only one request does this at a time.
    async fn read_anew(&self) -> Result<Arc<T>> {
        let now = self.0.clock.now();
        // Boxed: it is rare, and everything that verifies a token would nest its futures in its own.
        let read = Box::pin(self.read()).await;
        let mut kept = self.kept();
        match (read, kept.as_mut()) {
            (Ok(value), _) => {
                let value = Arc::new(value);
                *kept = Some(Kept {
                    value: value.clone(),
                    read_at: now,
                    tried_at: now,
                });
                Ok(value)
            }
            (Err(error), Some(kept)) => {
                let variable = T::VARIABLE;
                tracing::error!(variable, error = ?error, "the secret that {variable} names could not be read; what is known of it stays in use");
                kept.tried_at = now;
                Ok(kept.value.clone())
            }
            (Err(error), None) => Err(error),
        }
    }

    async fn read(&self) -> Result<T> {
        let value = match &self.0.origin {
            Origin::Secret { secrets, id } => secrets.get(id).await?,
            Origin::Fixed(value) => value.clone(),
        };
        parse(&value)
    }
}

/// Reads the value; a fault names the variable.
pub fn parse<T: SecretValue>(value: &SecretString) -> Result<T> {
    T::parse(value).map_err(|fault| {
        Error::internal(RefusedSecret {
            variable: T::VARIABLE,
            fault: fault.to_string(),
        })
    })
}

/// The refusal in an error, if that is what it is.
pub fn refusal(error: &Error) -> Option<&RefusedSecret> {
    match error {
        Error::Internal(cause) => cause.downcast_ref(),
        _ => None,
    }
}
