//! Reading documents (`document.rs`): one, some, those of a knowledge base, and those that are being deleted.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::TenantStore;
use super::document::DocumentItem;
use super::item::{Item, from_item, s};
use super::message::Page;
use super::walk::{Rows, Walk};
use crate::error::Result;
use crate::model::{Document, DocumentId, KnowledgeBaseId};

impl TenantStore {
    /// A document. `None` also if it is being deleted.
    pub async fn document_get(
        &self,
        base: KnowledgeBaseId,
        id: DocumentId,
    ) -> Result<Option<Document>> {
        let found: Option<DocumentItem> = self.store.get(self.document_key(base, id)).await?;
        let found = found.filter(|item| item.deleted_at.is_none());
        Ok(found.map(|item| item.document))
    }

    /// Documents by their ids, those that are there, in no order.
    pub async fn documents_get(
        &self,
        base: KnowledgeBaseId,
        ids: impl IntoIterator<Item = DocumentId>,
    ) -> Result<Vec<Document>> {
        let keys = ids.into_iter().map(|id| self.document_key(base, id));
        let items = self.store.get_many(keys.collect(), true).await?;
        let items = items.into_iter().map(from_item::<DocumentItem>);
        let items = items.collect::<Result<Vec<_>>>()?.into_iter();
        let there = items.filter(|item| item.deleted_at.is_none());
        Ok(there.map(|item| item.document).collect())
    }

    /// The documents with that id in those knowledge bases, each with the one that it is in.
    pub async fn documents_of_file(
        &self,
        bases: &[KnowledgeBaseId],
        id: DocumentId,
    ) -> Result<Vec<(KnowledgeBaseId, Document)>> {
        let keys = bases.iter().map(|base| self.document_key(*base, id));
        let partitions: BTreeMap<String, KnowledgeBaseId> = bases
            .iter()
            .map(|base| (self.knowledge_pk(*base), *base))
            .collect();
        let mut found = Vec::new();
        for item in self.store.get_many(keys.collect(), true).await? {
            let pk = item.get("pk").and_then(|pk| pk.as_s().ok());
            let base = pk.and_then(|pk| partitions.get(pk)).copied();
            let item: DocumentItem = from_item(item)?;
            if item.deleted_at.is_none() {
                found.extend(base.map(|base| (base, item.document)));
            }
        }
        found.sort_by_key(|(base, _)| *base);
        Ok(found)
    }

    /// The documents of a knowledge base that `is_wanted`, `limit` of them: without more being said, the newest first.
    pub async fn document_list(
        &self,
        base: KnowledgeBaseId,
        walk: impl Into<Walk<DocumentId>>,
        limit: u32,
        is_wanted: impl Fn(&Document) -> bool,
    ) -> Result<Page<Document>> {
        let Walk { after, direction } = walk.into();
        let rows = Rows {
            pk: self.knowledge_pk(base),
            prefix: "DOC#",
            at_once: i32::try_from(limit.saturating_add(1)).unwrap_or(i32::MAX),
        };
        let start = after.map(|id| self.document_key(base, id));
        let read = |item: Item| {
            let item: DocumentItem = from_item(item)?;
            let wanted = item.deleted_at.is_none() && is_wanted(&item.document);
            Ok(wanted.then_some(item.document))
        };
        self.walk(rows, (start, direction), limit, read).await
    }

    /// Tells `each` of every document of a knowledge base.
    pub async fn documents_each(
        &self,
        base: KnowledgeBaseId,
        mut each: impl FnMut(Document),
    ) -> Result<()> {
        let query = self.store.db.query().table_name(&*self.store.table);
        let query = query
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", s(self.knowledge_pk(base)))
            .expression_attribute_values(":prefix", s("DOC#"))
            .consistent_read(true);
        let mut start = None;
        loop {
            let (items, next) = self.store.page(query.clone(), start).await?;
            for item in items {
                let item: DocumentItem = from_item(item)?;
                if item.deleted_at.is_none() {
                    each(item.document);
                }
            }
            start = next;
            if start.is_none() {
                return Ok(());
            }
        }
    }

    /// The documents that are being deleted.
    pub async fn documents_deleted(&self, base: KnowledgeBaseId) -> Result<Vec<DocumentId>> {
        let query = self.store.db.query().table_name(&*self.store.table);
        let query = query
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .filter_expression("attribute_exists(deleted_at)")
            .expression_attribute_values(":pk", s(self.knowledge_pk(base)))
            .expression_attribute_values(":prefix", s("DOC#"))
            .projection_expression("id")
            .consistent_read(true);
        #[derive(Deserialize)]
        struct Id {
            id: DocumentId,
        }
        let (mut found, mut start) = (Vec::new(), None);
        loop {
            let (items, next) = self.store.page(query.clone(), start).await?;
            for item in items {
                found.push(from_item::<Id>(item)?.id);
            }
            start = next;
            if start.is_none() {
                return Ok(found);
            }
        }
    }
}
