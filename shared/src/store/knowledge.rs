//! Knowledge bases: `TENANT#<tenant>#KBS` / `KB#<knowledge base>`.
//!
//! Questions: this knowledge base, and what its index consists of? which are there for me? Who may read one is said by its
//! row: everybody who asks the table is of the tenant.
//!
//! One that is being deleted has `deleted_at`, as its index has, and counts as absent; its rows go last.

use serde::{Deserialize, Serialize};

use super::TenantStore;
use super::item::{IS_NEW, Item, Written, from_item, key, moment, n, s, to_item};
use super::job::StoredJob;
use super::knowledge_index::IndexItem;
use super::message::Page;
use super::walk::{Rows, Walk};
use crate::clock::Moment;
use crate::error::{Error, Result};
use crate::model::{AuditEvent, KnowledgeBase, KnowledgeBaseId, KnowledgeIndex};

/// How many knowledge bases one Query looks through.
const SEARCHED_AT_ONCE: i32 = 100;
/// Holds where it exists and is not being deleted.
pub(super) const IS_THERE: &str = "attribute_exists(pk) AND attribute_not_exists(deleted_at)";

#[derive(Serialize, Deserialize)]
struct BaseItem {
    #[serde(flatten)]
    base: KnowledgeBase,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Moment>,
}

impl TenantStore {
    pub(super) fn knowledge_pk(&self, id: KnowledgeBaseId) -> String {
        format!("TENANT#{}#KB#{id}", self.tenant)
    }

    fn bases_pk(&self) -> String {
        format!("TENANT#{}#KBS", self.tenant)
    }

    fn base_key(&self, id: KnowledgeBaseId) -> Item {
        key(self.bases_pk(), format!("KB#{id}"))
    }

    /// Writes a new knowledge base with its empty index, and the record of whom it is shared with, if it is.
    pub async fn knowledge_base_create(
        &self,
        base: &KnowledgeBase,
        index: &KnowledgeIndex,
        shared: Option<&AuditEvent>,
    ) -> Result<()> {
        let row = BaseItem {
            base: base.clone(),
            deleted_at: None,
        };
        let parts = vec![
            self.store
                .put(to_item(self.base_key(base.id), &row)?, IS_NEW)?,
            self.index_put(base.id, index)?,
        ];
        self.store.transact_told(parts, shared).await?.surely()
    }

    /// A knowledge base of the tenant. `None` also if it is being deleted.
    pub async fn knowledge_base_get(&self, id: KnowledgeBaseId) -> Result<Option<KnowledgeBase>> {
        let found: Option<BaseItem> = self.store.get(self.base_key(id)).await?;
        let found = found.filter(|item| item.deleted_at.is_none());
        Ok(found.map(|item| item.base))
    }

    /// A knowledge base with its index, as they are together in one call.
    pub async fn knowledge_base_open(
        &self,
        id: KnowledgeBaseId,
    ) -> Result<Option<(KnowledgeBase, KnowledgeIndex)>> {
        let opened = self.knowledge_base_opened(id).await?;
        Ok(opened.and_then(|(base, index, deleted)| (!deleted).then_some((base, index))))
    }

    /// The same of one that may be in the midst of being deleted, and whether it is.
    pub async fn knowledge_base_opened(
        &self,
        id: KnowledgeBaseId,
    ) -> Result<Option<(KnowledgeBase, KnowledgeIndex, bool)>> {
        let keys = vec![self.base_key(id), self.index_key(id)];
        let (mut base, mut index) = (None, None);
        for item in self.store.get_many(keys, true).await? {
            if item.get("sk") == Some(&s("INDEX")) {
                index = Some(from_item::<IndexItem>(item)?);
            } else {
                base = Some(from_item::<BaseItem>(item)?);
            }
        }
        let both = base.zip(index);
        Ok(both.map(|(base, index)| (base.base, index.into(), base.deleted_at.is_some())))
    }

    /// The tenant's knowledge bases that `is_wanted`, `limit` of them: without more being said, the newest first.
    pub async fn knowledge_base_list(
        &self,
        walk: impl Into<Walk<KnowledgeBaseId>>,
        limit: u32,
        is_wanted: impl Fn(&KnowledgeBase) -> bool,
    ) -> Result<Page<KnowledgeBase>> {
        let Walk { after, direction } = walk.into();
        let rows = Rows {
            pk: self.bases_pk(),
            prefix: "KB#",
            at_once: SEARCHED_AT_ONCE,
        };
        let start = after.map(|id| self.base_key(id));
        let read = |item: Item| {
            let item: BaseItem = from_item(item)?;
            let wanted = item.deleted_at.is_none() && is_wanted(&item.base);
            Ok(wanted.then_some(item.base))
        };
        self.walk(rows, (start, direction), limit, read).await
    }

    /// Writes a changed knowledge base, if it still has the version before that of `after`, and the record of whom it is
    /// shared with from now on, if that changes. `false`, and nothing written, if it has not.
    pub async fn knowledge_base_update(
        &self,
        after: &KnowledgeBase,
        shared: Option<&AuditEvent>,
    ) -> Result<bool> {
        let row = BaseItem {
            base: after.clone(),
            deleted_at: None,
        };
        let part = self.store.put_if(
            to_item(self.base_key(after.id), &row)?,
            &format!("{IS_THERE} AND version = :before"),
            [(":before", n(after.version.saturating_sub(1)))],
        )?;
        Ok(self.store.transact_told(vec![part], shared).await?.made())
    }

    /// Begins to delete a knowledge base: from now on it counts as absent, and the job deletes what is in it. `false` if
    /// it is not there.
    pub async fn knowledge_base_delete(
        &self,
        id: KnowledgeBaseId,
        job: &StoredJob,
        event: &AuditEvent,
    ) -> Result<bool> {
        let now = event.at;
        let mut parts = Vec::new();
        for key in [self.base_key(id), self.index_key(id)] {
            let values = [(":now", moment(now)?)];
            let set = "SET deleted_at = :now";
            parts.push(self.store.update(key, set, IS_THERE, values)?);
        }
        parts.extend(self.job_parts(job)?);
        match self.store.transact_audited(parts, event).await? {
            Written::Yes => Ok(true),
            Written::ConditionFailed { place } if place < 2 => Ok(false),
            Written::ConditionFailed { .. } => Err(Error::internal("a new job exists already")),
        }
    }

    /// Forgets a knowledge base all of whose content is deleted. Its rows go in an order that can be taken up again.
    pub async fn knowledge_base_forget(&self, id: KnowledgeBaseId) -> Result<()> {
        loop {
            let rows = self.knowledge_rows(id).await?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                self.store.remove(row).await?;
            }
        }
        self.store.remove(self.index_key(id)).await?;
        self.store.remove(self.base_key(id)).await
    }

    /// Some of the rows of a knowledge base but that of its index.
    async fn knowledge_rows(&self, id: KnowledgeBaseId) -> Result<Vec<Item>> {
        let query = self.store.db.query().table_name(&*self.store.table);
        let query = query
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(self.knowledge_pk(id)))
            .projection_expression("pk, sk")
            .consistent_read(true);
        let (mut items, _) = self.store.page(query, None).await?;
        items.retain(|item| item.get("sk") != Some(&s("INDEX")));
        Ok(items)
    }
}
