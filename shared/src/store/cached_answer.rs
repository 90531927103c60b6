//! Answers that can be given again: `TENANT#<tenant>#CACHE#<0 to f>` / `<key>`, sealed, until their time is over.
//!
//! Question: what was answered to the request with that key? Write: an answer, in the place of one of before. A tenant's
//! answers are in sixteen partitions, by their keys: one takes 1,000 write units a second, and a long answer needs hundreds.

use serde::{Deserialize, Serialize};

use super::TenantStore;
use super::item::{Item, key, to_item};
use crate::clock::Moment;
use crate::error::Result;

#[derive(Serialize, Deserialize)]
struct CachedAnswerItem {
    sealed: String,
    /// The TTL attribute, in Unix seconds.
    expires_at: i64,
}

impl TenantStore {
    fn cached_answer_key(&self, name: &str) -> Item {
        let digit = name.bytes().next().unwrap_or_default() % 16;
        key(format!("TENANT#{}#CACHE#{digit:x}", self.tenant), name)
    }

    /// The sealed answer under that name, if its time is not over: DynamoDB deletes rows some time after that.
    pub(crate) async fn cached_answer_get(
        &self,
        name: &str,
        now: Moment,
    ) -> Result<Option<String>> {
        let row: Option<CachedAnswerItem> = self.store.get(self.cached_answer_key(name)).await?;
        let row = row.filter(|row| row.expires_at > now.unix_seconds());
        Ok(row.map(|row| row.sealed))
    }

    /// Keeps a sealed answer under that name until then.
    pub(crate) async fn cached_answer_put(
        &self,
        name: &str,
        sealed: String,
        until: Moment,
    ) -> Result<()> {
        let row = CachedAnswerItem {
            sealed,
            expires_at: until.unix_seconds(),
        };
        let request = self.store.db.put_item().table_name(&*self.store.table);
        let request = request.set_item(Some(to_item(self.cached_answer_key(name), &row)?));
        request.send().await.map(|_| ()).map_err(crate::aws::error)
    }
}
