//! API keys.
//!
//! - `TENANT#<tenant>` / `APIKEY#<key>`: a key as its owner and its tenant's administrators see it, with a TTL
//!   if it expires.
//! - `TENANT#<tenant>` / `APIKEYS`: goes up with each new key, so that no two are made on the same count.
//! - `APIKEY#<SHA-256 of the secret>` / `APIKEY`: what a request with that secret may do. One read finds it.
//!
//! A key has one such row for each secret that is good: more than one while a rotation overlaps, none once it
//! is revoked. All rows of a key are written together.
//!
//! Questions: which keys does this tenant have? what may this secret do?

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};

use super::item::{IS_NEW, Item, key, moment, n, to_item, value, written};
use super::message::Page;
use super::transaction::pause;
use super::{Store, TenantStore};
use crate::clock::Moment;
use crate::error::{Error, Result};
use crate::model::{ApiKey, ApiKeyId, AuditEvent, KeySecret, Scopes, TenantId, UserId};

/// How often a key's last use is written.
pub const USE_IS_RECORDED_EVERY: std::time::Duration = std::time::Duration::from_secs(60);

/// How often a new key is tried when others make keys in the tenant at the same time.
const ATTEMPTS: u32 = 30;
/// How many rows of expired keys are deleted with each new key, so that they do not pile up before DynamoDB
/// deletes them.
const CLEARED_AT_ONCE: usize = 10;

#[derive(Serialize, Deserialize)]
struct ApiKeyItem {
    id: ApiKeyId,
    key_name: String,
    key_owner: UserId,
    member_since: Moment,
    scopes: Scopes,
    current_secret: KeySecret,
    previous_secrets: Vec<KeySecret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_used_at: Option<Moment>,
    good_until: Option<Moment>,
    version: u64,
    created_at: Moment,
    /// The TTL attribute, in Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct CounterItem {
    made: u64,
}

/// What a request with a secret may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyGrant {
    /// The key.
    pub id: ApiKeyId,
    /// Whose data it reaches.
    pub tenant: TenantId,
    /// For whom it acts.
    pub key_owner: UserId,
    /// When the membership began that it dies with.
    pub member_since: Moment,
    /// What it may be used for.
    pub scopes: Scopes,
    /// From when on the secret is not good any more.
    pub good_until: Option<Moment>,
}

#[derive(Serialize)]
struct GrantItem {
    #[serde(flatten)]
    grant: KeyGrant,
    /// The TTL attribute, in Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

fn grant_key(hash: &str) -> Item {
    key(format!("APIKEY#{hash}"), "APIKEY")
}

impl Store {
    /// What the secret with that hash may do at `now`. `None` if it is unknown, revoked or expired.
    pub(crate) async fn key_grant(&self, hash: &str, now: Moment) -> Result<Option<KeyGrant>> {
        let found = self.get::<KeyGrant>(grant_key(hash)).await?;
        Ok(found.filter(|grant| grant.good_until.is_none_or(|end| end > now)))
    }

    /// A key that is good at `now`. `None` if it is unknown, revoked or expired.
    pub(crate) async fn api_key_good(
        &self,
        tenant: TenantId,
        id: ApiKeyId,
        now: Moment,
    ) -> Result<Option<ApiKey>> {
        let found = self.get::<ApiKeyItem>(api_key_key(tenant, id)).await?;
        Ok(found.map(ApiKey::from).filter(|key| key.is_good(now)))
    }

    /// Notes that a key was used, unless that was noted less than a minute ago.
    pub(crate) async fn key_used(&self, grant: &KeyGrant, now: Moment) -> Result<()> {
        let request = self.db.update_item().table_name(&*self.table);
        let request = request
            .set_key(Some(api_key_key(grant.tenant, grant.id)))
            .update_expression("SET last_used_at = :now")
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(last_used_at) OR last_used_at <= :before)",
            )
            .expression_attribute_values(":now", moment(now)?)
            .expression_attribute_values(":before", moment(now.minus(USE_IS_RECORDED_EVERY))?);
        written(request.send().await).map(|_| ())
    }
}

fn api_key_key(tenant: TenantId, id: ApiKeyId) -> Item {
    key(format!("TENANT#{tenant}"), format!("APIKEY#{id}"))
}

fn counter_key(tenant: TenantId) -> Item {
    key(format!("TENANT#{tenant}"), "APIKEYS")
}

impl TenantStore {
    /// Writes a new key. `false`, and nothing written, if the tenant has as many as it may have.
    pub async fn api_key_create(&self, api_key: &ApiKey, event: &AuditEvent) -> Result<bool> {
        let now = api_key.created_at;
        for attempt in 0..ATTEMPTS {
            // Before the keys are counted: one that is made after the counting changes it.
            let counter = self.store.get::<CounterItem>(counter_key(self.tenant));
            let made = counter.await?.map(|counter| counter.made);
            let rows = self.store.list::<ApiKeyItem>(
                format!("TENANT#{}", self.tenant),
                "APIKEY#",
                None,
                u32::MAX,
            );
            let (rows, _) = rows.await?;
            let (good, over): (Vec<ApiKey>, Vec<ApiKey>) = rows
                .into_iter()
                .map(ApiKey::from)
                .partition(|other| other.is_good(now));
            if good.len() >= ApiKey::MOST_IN_A_TENANT {
                return Ok(false);
            }
            let mut parts = vec![self.counted_part(made)?];
            let row = ApiKeyItem::from(api_key);
            let row = to_item(api_key_key(self.tenant, api_key.id), &row)?;
            parts.push(self.store.put(row, IS_NEW)?);
            parts.push(self.grant_part(api_key, &api_key.current)?);
            for gone in over.iter().take(CLEARED_AT_ONCE) {
                let values = [(":version", n(gone.version))];
                let condition = "attribute_not_exists(pk) OR version = :version";
                let row = api_key_key(self.tenant, gone.id);
                parts.push(self.store.delete(row, condition, values)?);
            }
            if self.store.transact_audited(parts, event).await?.made() {
                return Ok(true);
            }
            pause(&api_key.id.to_string(), attempt / 8).await;
        }
        Err(Error::unavailable("others keep making keys"))
    }

    fn counted_part(&self, made: Option<u64>) -> Result<TransactWriteItem> {
        let row = counter_key(self.tenant);
        match made {
            None => {
                let values = [(":made", n(1))];
                self.store.update(row, "SET made = :made", IS_NEW, values)
            }
            Some(made) => {
                let values = [(":made", n(made)), (":next", n(made + 1))];
                self.store
                    .update(row, "SET made = :next", "made = :made", values)
            }
        }
    }

    /// A key of the tenant that is good at `now`.
    pub async fn api_key_get(&self, id: ApiKeyId, now: Moment) -> Result<Option<ApiKey>> {
        let found = self.store.get::<ApiKeyItem>(api_key_key(self.tenant, id));
        let found = found.await?.map(ApiKey::from);
        let good = found.filter(|api_key| api_key.is_good(now));
        Ok(good.map(|api_key| api_key.at(now)))
    }

    /// The keys of the tenant, or of one of its members, that are good at `now`: `limit` of them after that
    /// one, oldest first.
    pub async fn api_key_list(
        &self,
        owner: Option<UserId>,
        after: Option<ApiKeyId>,
        limit: u32,
        now: Moment,
    ) -> Result<Page<ApiKey>> {
        let mut after = after.map(|id| format!("APIKEY#{id}"));
        let mut found = Vec::new();
        loop {
            let pk = format!("TENANT#{}", self.tenant);
            let page = self.store.list::<ApiKeyItem>(pk, "APIKEY#", after, limit);
            let (items, has_more) = page.await?;
            after = items.last().map(|item| format!("APIKEY#{}", item.id));
            let keys = items.into_iter().map(ApiKey::from);
            let wanted = keys.filter(|api_key| {
                api_key.is_good(now) && owner.is_none_or(|owner| owner == api_key.owner)
            });
            found.extend(wanted.map(|api_key| api_key.at(now)));
            if !has_more || found.len() > limit as usize {
                return Ok(Page::cut(found, limit));
            }
        }
    }

    /// Writes a changed key with the rows of its secrets, in place of the key `before`. `false`, and nothing
    /// written, if it has changed meanwhile.
    pub async fn api_key_update(
        &self,
        before: &ApiKey,
        after: &ApiKey,
        event: &AuditEvent,
    ) -> Result<bool> {
        let mut parts = vec![self.changed_part(before, after)?];
        let good = || std::iter::once(&after.current).chain(&after.previous);
        for secret in good() {
            parts.push(self.grant_part(after, secret)?);
        }
        let before = std::iter::once(&before.current).chain(&before.previous);
        for gone in before.filter(|old| !good().any(|secret| secret.hash == old.hash)) {
            parts.push(self.store.delete_any(grant_key(&gone.hash))?);
        }
        Ok(self.store.transact_audited(parts, event).await?.made())
    }

    fn changed_part(&self, before: &ApiKey, after: &ApiKey) -> Result<TransactWriteItem> {
        let row = ApiKeyItem::from(after);
        let mut values = vec![
            (":name", value(&row.key_name)?),
            (":scopes", value(row.scopes)?),
            (":current", value(&row.current_secret)?),
            (":previous", value(&row.previous_secrets)?),
            (":end", value(row.good_until)?),
            (":next", n(after.version)),
            (":version", n(before.version)),
        ];
        // The time of its last use is written by others meanwhile, so it is left alone.
        let set = "SET key_name = :name, scopes = :scopes, current_secret = :current, \
                   previous_secrets = :previous, good_until = :end, version = :next";
        let expression = match row.expires_at {
            Some(end) => {
                values.push((":ttl", n(end)));
                format!("{set}, expires_at = :ttl")
            }
            None => format!("{set} REMOVE expires_at"),
        };
        let row = api_key_key(self.tenant, after.id);
        self.store
            .update(row, &expression, "version = :version", values)
    }

    /// Deletes a key with the rows of its secrets. `false`, and nothing deleted, if it has changed meanwhile.
    pub async fn api_key_delete(&self, api_key: &ApiKey, event: &AuditEvent) -> Result<bool> {
        let row = api_key_key(self.tenant, api_key.id);
        let values = [(":version", n(api_key.version))];
        let mut parts = vec![self.store.delete(row, "version = :version", values)?];
        for secret in std::iter::once(&api_key.current).chain(&api_key.previous) {
            parts.push(self.store.delete_any(grant_key(&secret.hash))?);
        }
        Ok(self.store.transact_audited(parts, event).await?.made())
    }

    /// The row of a secret, new or in place of the one that the key has for it.
    fn grant_part(&self, api_key: &ApiKey, secret: &KeySecret) -> Result<TransactWriteItem> {
        let ends = [api_key.expires_at, secret.expires_at];
        let good_until = ends.into_iter().flatten().min();
        let grant = KeyGrant {
            id: api_key.id,
            tenant: self.tenant,
            key_owner: api_key.owner,
            member_since: api_key.member_since,
            scopes: api_key.scopes,
            good_until,
        };
        let row = GrantItem {
            grant,
            expires_at: good_until.map(Moment::unix_seconds),
        };
        let row = to_item(grant_key(&secret.hash), &row)?;
        self.store.put_once(row, api_key.id.to_string())
    }
}

impl From<&ApiKey> for ApiKeyItem {
    fn from(api_key: &ApiKey) -> Self {
        let ApiKey {
            id,
            name,
            owner,
            member_since,
            scopes,
            current,
            previous,
            last_used_at,
            expires_at,
            version,
            created_at,
        } = api_key.clone();
        Self {
            id,
            key_name: name,
            key_owner: owner,
            member_since,
            scopes,
            current_secret: current,
            previous_secrets: previous,
            last_used_at,
            good_until: expires_at,
            version,
            created_at,
            expires_at: expires_at.map(Moment::unix_seconds),
        }
    }
}

impl From<ApiKeyItem> for ApiKey {
    fn from(item: ApiKeyItem) -> Self {
        let ApiKeyItem {
            id,
            key_name,
            key_owner,
            member_since,
            scopes,
            current_secret,
            previous_secrets,
            last_used_at,
            good_until,
            version,
            created_at,
            expires_at: _,
        } = item;
        Self {
            id,
            name: key_name,
            owner: key_owner,
            member_since,
            scopes,
            current: current_secret,
            previous: previous_secrets,
            last_used_at,
            expires_at: good_until,
            version,
            created_at,
        }
    }
}
