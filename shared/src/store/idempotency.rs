//! Requests that are sent more than once and done once: `TENANT#<tenant>#ONCE#<hash of user and key>` / `ONCE`.
//!
//! Question: which run did the request with that key begin? Write: with the run, in one transaction, on the
//! condition that no such row is there or that its time is over. DynamoDB deletes a row some time after its end, so
//! readers count one past it as absent.

use aws_sdk_dynamodb::types::TransactWriteItem;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::TenantStore;
use super::item::{Item, key, n, to_item};
use crate::clock::Moment;
use crate::error::Result;
use crate::model::{RunId, UserId};

/// For how long a key is remembered.
pub const ONCE_LASTS: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

/// A request that is to be done once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// The hash of who sends it and of its `Idempotency-Key`.
    name: String,
    /// The hash of what it asks.
    pub asks: String,
}

impl Once {
    /// The request of that user with that key, which asks that.
    pub fn new(user: UserId, idempotency_key: &str, asks: &[&[u8]]) -> Self {
        let user = user.to_string();
        Self {
            name: hash(&[user.as_bytes(), idempotency_key.as_bytes()]),
            asks: hash(asks),
        }
    }
}

/// SHA-256 in base64url. Each part's length keeps what is of one part from looking like the next one's.
fn hash(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

/// What the first of the same requests began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// The hash of what it asked.
    pub asks: String,
    /// The run.
    pub run: RunId,
    /// The TTL attribute, in Unix seconds.
    expires_at: i64,
}

impl TenantStore {
    fn once_key(&self, once: &Once) -> Item {
        key(format!("TENANT#{}#ONCE#{}", self.tenant, once.name), "ONCE")
    }

    /// What the same request began before, within [`ONCE_LASTS`].
    pub async fn once_get(&self, once: &Once, now: Moment) -> Result<Option<Begun>> {
        let found = self.store.get::<Begun>(self.once_key(once)).await?;
        Ok(found.filter(|begun| begun.expires_at > now.unix_seconds()))
    }

    pub(super) fn once_put(
        &self,
        once: &Once,
        run: RunId,
        now: Moment,
    ) -> Result<TransactWriteItem> {
        let row = Begun {
            asks: once.asks.clone(),
            run,
            expires_at: now.plus(ONCE_LASTS).unix_seconds(),
        };
        self.store.put_if(
            to_item(self.once_key(once), &row)?,
            "attribute_not_exists(pk) OR expires_at <= :now",
            [(":now", n(now.unix_seconds()))],
        )
    }
}
