//! Requests that are sent more than once and done once: `TENANT#<tenant>#ONCE#<hash of who asks and key>` / `ONCE`.
//! Here are those of turns; all others are in `claim.rs` and have the same keys, so that an `Idempotency-Key` stands
//! for one request, whatever the operation.
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
use crate::auth::Caller;
use crate::clock::Moment;
use crate::error::Result;
use crate::model::{RunId, TenantId};

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
    /// The request of that caller with that key, which asks that.
    pub fn new(caller: &Caller, idempotency_key: &str, asks: &[impl AsRef<[u8]>]) -> Self {
        let who = caller.principal();
        Self {
            name: hash(&[who.as_bytes(), idempotency_key.as_bytes()]),
            asks: hash(asks),
        }
    }

    /// The key of its row.
    pub(super) fn key(&self, tenant: TenantId) -> Item {
        key(format!("TENANT#{tenant}#ONCE#{}", self.name), "ONCE")
    }

    /// What its reply is sealed for.
    pub(crate) fn context(&self, tenant: TenantId) -> String {
        format!("{tenant}/once/{}", self.name)
    }
}

/// SHA-256 in base64url. Each part's length keeps what is of one part from looking like the next one's.
fn hash(parts: &[impl AsRef<[u8]>]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        let part = part.as_ref();
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
    /// The run. `None` where it was no turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The TTL attribute, in Unix seconds.
    expires_at: i64,
}

impl TenantStore {
    /// What the same request began before, within [`ONCE_LASTS`].
    pub async fn once_get(&self, once: &Once, now: Moment) -> Result<Option<Begun>> {
        let found = self.store.get::<Begun>(once.key(self.tenant)).await?;
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
            run: Some(run),
            expires_at: now.plus(ONCE_LASTS).unix_seconds(),
        };
        self.store.put_if(
            to_item(once.key(self.tenant), &row)?,
            "attribute_not_exists(pk) OR expires_at <= :now",
            [(":now", n(now.unix_seconds()))],
        )
    }
}

#[cfg(test)]
impl Once {
    pub(super) fn named(name: &str, asks: &str) -> Self {
        Self {
            name: hash(&[name]),
            asks: hash(&[asks]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_row_and_one_context_in_each_tenant() {
        let (once, tenant) = (Once::named("a", "asked"), TenantId::new());
        // `printf '\0\0\0\0\0\0\0\001a' | openssl dgst -sha256 -binary | basenc --base64url`
        let name = "Oxlv1JB77fUcMJDpg18vfLYefuGyKZ6juP7ZtBg6gio";
        let row = key(format!("TENANT#{tenant}#ONCE#{name}"), "ONCE");
        assert_eq!(once.key(tenant), row);
        assert_eq!(once.context(tenant), format!("{tenant}/once/{name}"));
        assert_ne!(once.key(tenant), once.key(TenantId::new()));
    }

    #[test]
    fn what_is_of_one_part_is_not_the_next_ones() {
        assert_ne!(hash(&["a", "bc"]), hash(&["ab", "c"]));
        assert_ne!(hash(&["a", ""]), hash(&["a"]));
    }

    #[test]
    fn a_key_is_remembered_for_a_day() {
        assert_eq!(ONCE_LASTS.as_secs(), 86_400);
    }
}
