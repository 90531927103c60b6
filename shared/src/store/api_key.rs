//! API keys.
//!
//! - `TENANT#<tenant>` / `APIKEY#<key>`: a key as its tenant's administrators see it.
//! - `APIKEY#<SHA-256 of the secret>` / `APIKEY`: what a request with that secret may do. One read finds it.
//!
//! A key has one such row for each secret that is good: two while a rotation overlaps, none once it is
//! revoked. All rows of a key are written together.
//!
//! Questions: which keys does this tenant have? what may this secret do?

use serde::{Deserialize, Serialize};

use super::item::{IS_NEW, Item, key, moment, n, to_item, written};
use super::message::Page;
use super::{Store, TenantStore};
use crate::clock::Moment;
use crate::error::Result;
use crate::model::{ApiKey, ApiKeyId, AuditEvent, KeySecret, Scopes, TenantId, UserId};

/// How often a key's last use is written.
pub const USE_IS_RECORDED_EVERY: std::time::Duration = std::time::Duration::from_secs(60);

#[derive(Serialize, Deserialize)]
struct ApiKeyItem {
    id: ApiKeyId,
    key_name: String,
    key_owner: UserId,
    scopes: Scopes,
    current_secret: KeySecret,
    previous_secret: Option<KeySecret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_used_at: Option<Moment>,
    good_until: Option<Moment>,
    revoked_at: Option<Moment>,
    version: u64,
    created_at: Moment,
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

impl TenantStore {
    /// Writes a new key.
    pub async fn api_key_create(&self, api_key: &ApiKey, event: &AuditEvent) -> Result<()> {
        let row = to_item(
            api_key_key(self.tenant, api_key.id),
            &ApiKeyItem::from(api_key),
        )?;
        let parts = vec![
            self.store.put(row, IS_NEW)?,
            self.store
                .put(self.grant_item(api_key, &api_key.current)?, IS_NEW)?,
        ];
        self.store.transact_audited(parts, event).await?.surely()
    }

    /// A key of the tenant.
    pub async fn api_key_get(&self, id: ApiKeyId) -> Result<Option<ApiKey>> {
        let found = self.store.get::<ApiKeyItem>(api_key_key(self.tenant, id));
        Ok(found.await?.map(ApiKey::from))
    }

    /// The tenant's keys, `limit` of them after that one, oldest first.
    pub async fn api_key_list(&self, after: Option<ApiKeyId>, limit: u32) -> Result<Page<ApiKey>> {
        let pk = format!("TENANT#{}", self.tenant);
        let after = after.map(|id| format!("APIKEY#{id}"));
        let page = self.store.list::<ApiKeyItem>(pk, "APIKEY#", after, limit);
        let (items, has_more) = page.await?;
        Ok(Page {
            items: items.into_iter().map(ApiKey::from).collect(),
            has_more,
        })
    }

    /// Writes a changed key with the rows of its secrets, in place of the key `before`. `false`, and nothing
    /// written, if it has changed meanwhile.
    pub async fn api_key_update(
        &self,
        before: &ApiKey,
        after: &ApiKey,
        event: &AuditEvent,
    ) -> Result<bool> {
        let row = ApiKeyItem::from(after);
        let values = [
            (":name", super::item::value(&row.key_name)?),
            (":scopes", super::item::value(row.scopes)?),
            (":current", super::item::value(&row.current_secret)?),
            (":previous", super::item::value(&row.previous_secret)?),
            (":end", super::item::value(row.good_until)?),
            (":revoked", super::item::value(row.revoked_at)?),
            (":next", n(after.version)),
            (":version", n(before.version)),
        ];
        // The time of its last use is written by others meanwhile, so it is left alone.
        let part = self.store.update(
            api_key_key(self.tenant, after.id),
            "SET key_name = :name, scopes = :scopes, current_secret = :current, previous_secret = :previous, \
             good_until = :end, revoked_at = :revoked, version = :next",
            "version = :version",
            values,
        )?;
        let mut parts = vec![part];
        let good: Vec<&KeySecret> = match after.revoked_at {
            Some(_) => Vec::new(),
            None => std::iter::once(&after.current)
                .chain(&after.previous)
                .collect(),
        };
        for secret in &good {
            let item = self.grant_item(after, secret)?;
            let any = "attribute_exists(pk) OR attribute_not_exists(pk)";
            parts.push(self.store.put(item, any)?);
        }
        let before = std::iter::once(&before.current).chain(&before.previous);
        for gone in before.filter(|old| !good.iter().any(|secret| secret.hash == old.hash)) {
            parts.push(self.store.delete_any(grant_key(&gone.hash))?);
        }
        Ok(self.store.transact_audited(parts, event).await?.made())
    }

    fn grant_item(&self, api_key: &ApiKey, secret: &KeySecret) -> Result<Item> {
        let ends = [api_key.expires_at, secret.expires_at];
        let good_until = ends.into_iter().flatten().min();
        let grant = KeyGrant {
            id: api_key.id,
            tenant: self.tenant,
            key_owner: api_key.owner,
            scopes: api_key.scopes,
            good_until,
        };
        let row = GrantItem {
            grant,
            expires_at: good_until.map(Moment::unix_seconds),
        };
        to_item(grant_key(&secret.hash), &row)
    }
}

impl From<&ApiKey> for ApiKeyItem {
    fn from(api_key: &ApiKey) -> Self {
        let ApiKey {
            id,
            name,
            owner,
            scopes,
            current,
            previous,
            last_used_at,
            expires_at,
            revoked_at,
            version,
            created_at,
        } = api_key.clone();
        Self {
            id,
            key_name: name,
            key_owner: owner,
            scopes,
            current_secret: current,
            previous_secret: previous,
            last_used_at,
            good_until: expires_at,
            revoked_at,
            version,
            created_at,
        }
    }
}

impl From<ApiKeyItem> for ApiKey {
    fn from(item: ApiKeyItem) -> Self {
        let ApiKeyItem {
            id,
            key_name,
            key_owner,
            scopes,
            current_secret,
            previous_secret,
            last_used_at,
            good_until,
            revoked_at,
            version,
            created_at,
        } = item;
        Self {
            id,
            name: key_name,
            owner: key_owner,
            scopes,
            current: current_secret,
            previous: previous_secret,
            last_used_at,
            expires_at: good_until,
            revoked_at,
            version,
            created_at,
        }
    }
}
