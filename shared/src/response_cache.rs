//! Answers that were given before, for requests that allow to be given the same again.
//!
//! A key is made of everything that the provider would be asked, and of the tenant, so that no tenant ever gets what
//! another one was answered. What is kept is sealed, bound to tenant and key. A cache that does not answer in time counts
//! as one without an answer, and is left alone for a while: it makes turns cheaper, and none waits for it.

mod memory;
mod redis;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::clock::{Clock, Moment};
use crate::config::CacheBackend;
use crate::error::{Error, Result};
use crate::model::{ContentPart, FinishReason, MAX_CACHE_AGE, RunId, TenantId};
use crate::secrets::Secrets;
use crate::store::TenantStore;
use crate::vault::Vault;
use memory::Memory;
use redis::Redis;

/// How long reading or writing may take. A turn does both at most once for each model that it asks, and gives up after
/// the first that fails, so that it waits less than a quarter of a second for a cache that is away.
const PATIENCE: Duration = Duration::from_millis(120);
/// For how long a cache that failed is left alone.
const LEFT_ALONE_FOR: Duration = Duration::from_secs(5);
/// The longest sealed answer. With its key it fits an item of DynamoDB.
const MAX_SEALED_BYTES: usize = 390_000;

/// The answers of before, as this deployment keeps them.
#[derive(Debug, Clone)]
pub struct ResponseCache(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    backend: Backend,
    vault: Vault,
    clock: Clock,
    patience: Duration,
    /// Until when it is left alone.
    away_until: Mutex<Option<Moment>>,
}

#[derive(Debug)]
enum Backend {
    Off,
    Memory(Memory),
    DynamoDb,
    Redis(Redis),
}

/// The name of a request. It tells nothing of what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CacheKey(String);

/// An answer that can be given again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CachedAnswer {
    /// What it is made of.
    pub parts: Vec<ContentPart>,
    /// Why the model stopped.
    pub finish_reason: FinishReason,
    /// The run that it was made in.
    pub run: RunId,
    /// When it was made.
    pub created_at: Moment,
}

impl ResponseCache {
    /// With that backend. `password_secret` is the secret that has the password of a Redis.
    pub fn new(
        backend: &CacheBackend,
        password_secret: Option<(Secrets, String)>,
        vault: Vault,
        clock: Clock,
    ) -> Self {
        let backend = match backend {
            CacheBackend::Off => Backend::Off,
            CacheBackend::Memory => Backend::Memory(Memory::default()),
            CacheBackend::DynamoDb => Backend::DynamoDb,
            CacheBackend::Redis(address) => {
                Backend::Redis(Redis::new(address.clone(), password_secret))
            }
        };
        Self(Arc::new(Inside {
            backend,
            vault,
            clock,
            patience: PATIENCE,
            away_until: Mutex::default(),
        }))
    }

    /// The same, which waits that long: for tests, where a busy machine must not look like a cache that is away.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        match Arc::try_unwrap(self.0) {
            Ok(inside) => Self(Arc::new(Inside { patience, ..inside })),
            Err(shared) => Self(shared),
        }
    }

    /// Whether this deployment has one.
    pub fn is_on(&self) -> bool {
        !matches!(self.0.backend, Backend::Off)
    }

    /// The key of a tenant's request. The bytes are all that would be asked.
    pub async fn key(&self, tenant: TenantId, request: &[u8]) -> Result<CacheKey> {
        let context = format!("{tenant}/response-cache");
        let name = self.0.vault.fingerprint(&context, request).await?;
        Ok(CacheKey(name))
    }

    /// The answer to that request, if there is one that is no older than that. `None` too where the cache is away.
    pub async fn get(
        &self,
        store: &TenantStore,
        key: &CacheKey,
        max_age: Duration,
    ) -> Option<CachedAnswer> {
        let now = self.0.clock.now();
        let read = async {
            let Some(sealed) = self.read(store, key, now).await? else {
                return Ok(None);
            };
            let context = context(store.tenant(), key);
            let opened = self.0.vault.open(&context, &sealed).await;
            let read = opened.and_then(|text| {
                serde_json::from_str::<CachedAnswer>(text.expose_secret()).map_err(Error::internal)
            });
            // One entry that is not what was written does not speak against the others.
            if let Err(error) = &read {
                tracing::warn!(error = ?error, "an answer in the response cache can't be read: {error}");
            }
            Ok(read.ok())
        };
        let found = self.in_time(read).await.flatten();
        let max_age = max_age.min(MAX_CACHE_AGE);
        found.filter(|answer| now.since(answer.created_at) <= max_age)
    }

    /// Keeps an answer for as long as any request may want it. One that is too long is not kept.
    pub async fn put(&self, store: &TenantStore, key: &CacheKey, answer: &CachedAnswer) {
        let written = async {
            let text = serde_json::to_string(answer).map_err(Error::internal)?;
            let context = context(store.tenant(), key);
            let text = SecretString::from(text);
            let sealed = self.0.vault.seal(&context, &text).await?;
            if sealed.len() > MAX_SEALED_BYTES {
                return Ok(());
            }
            self.write(store, key, sealed, answer.created_at.plus(MAX_CACHE_AGE))
                .await
        };
        self.in_time(written).await;
    }

    /// Whether it can be reached, where it is a service of its own.
    pub(crate) async fn check(&self) -> Result<()> {
        match &self.0.backend {
            Backend::Redis(redis) => redis.check().await,
            Backend::Off | Backend::Memory(_) | Backend::DynamoDb => Ok(()),
        }
    }

    async fn read(
        &self,
        store: &TenantStore,
        key: &CacheKey,
        now: Moment,
    ) -> Result<Option<String>> {
        let (tenant, CacheKey(key)) = (store.tenant(), key);
        match &self.0.backend {
            Backend::Off => Ok(None),
            Backend::Memory(memory) => Ok(memory.get(tenant, key, now)),
            Backend::DynamoDb => store.cached_answer_get(key, now).await,
            Backend::Redis(redis) => redis.get(tenant, key).await,
        }
    }

    async fn write(
        &self,
        store: &TenantStore,
        key: &CacheKey,
        sealed: String,
        until: Moment,
    ) -> Result<()> {
        let (tenant, CacheKey(key)) = (store.tenant(), key);
        match &self.0.backend {
            Backend::Off => Ok(()),
            Backend::Memory(memory) => {
                memory.put(tenant, key, sealed, until);
                Ok(())
            }
            Backend::DynamoDb => store.cached_answer_put(key, sealed, until).await,
            Backend::Redis(redis) => {
                let keep = until.since(self.0.clock.now());
                redis.put(tenant, key, sealed, keep).await
            }
        }
    }

    /// What becomes of that, if it comes in time. If not, the cache is left alone for a while.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T>>) -> Option<T> {
        if self.is_away() {
            return None;
        }
        let done = tokio::time::timeout(self.0.patience, work).await;
        match done.unwrap_or_else(|late| Err(Error::unavailable(late))) {
            Ok(done) => Some(done),
            Err(error) => {
                self.leave_alone(&error);
                None
            }
        }
    }

    fn is_away(&self) -> bool {
        let away = self.0.away_until.lock();
        let away = *away.unwrap_or_else(PoisonError::into_inner);
        away.is_some_and(|until| self.0.clock.now() < until)
    }

    fn leave_alone(&self, error: &Error) {
        let now = self.0.clock.now();
        let mut away = self
            .0
            .away_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let known = away.replace(now.plus(LEFT_ALONE_FOR));
        drop(away);
        if let Backend::Redis(redis) = &self.0.backend {
            redis.forget();
        }
        // Of turns at the same time one tells it.
        if known.is_none_or(|until| until <= now) {
            tracing::warn!(
                alarm = "response-cache",
                error = ?error,
                "the response cache is left alone for {} s, because it failed: {error}",
                LEFT_ALONE_FOR.as_secs()
            );
        }
    }
}

fn context(tenant: TenantId, CacheKey(key): &CacheKey) -> String {
    format!("{tenant}/response-cache/{key}")
}
