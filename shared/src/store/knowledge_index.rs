//! What the indexes of a knowledge base consist of, `TENANT#<tenant>#KB#<knowledge base>` / `INDEX`, and who alone may see
//! a document, `READERS#<document>`.
//!
//! Segments are appended and versions of documents declared dead by updates that do not get in each other's way; what
//! needs the whole to be as it was read is conditioned on `revision`.
//!
//! Questions: which documents are not for everybody?

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use serde::{Deserialize, Serialize};

use super::TenantStore;
use super::item::{IS_NEW, Item, from_item, key, n, to_item, value};
use super::job::StoredJob;
use super::job_effect::{DocumentReady, IndexSwitch};
use super::knowledge::IS_THERE;
use crate::clock::Moment;
use crate::error::{Error, Result};
use crate::model::{
    DocumentId, DocumentVersionId, IndexId, KnowledgeBaseId, KnowledgeIndex, Manifest,
    RetiredIndex, SegmentRef, UserId,
};

#[derive(Serialize, Deserialize)]
pub(super) struct IndexItem {
    active: Manifest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    building: Option<Manifest>,
    #[serde(default)]
    retired: Vec<RetiredIndex>,
    /// DynamoDB knows no empty set, and adds to one that is not there.
    #[serde(
        default,
        with = "serde_dynamo::string_set",
        skip_serializing_if = "BTreeSet::is_empty"
    )]
    dead: BTreeSet<String>,
    revision: u64,
    access_revision: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Moment>,
}

impl From<IndexItem> for KnowledgeIndex {
    fn from(item: IndexItem) -> Self {
        Self {
            active: item.active,
            building: item.building,
            retired: item.retired,
            dead: item.dead,
            revision: item.revision,
            access_revision: item.access_revision,
        }
    }
}

/// Who alone may see a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentReaders {
    /// The document.
    pub document: DocumentId,
    /// Who may, beside whoever may change the knowledge base.
    pub readers: BTreeSet<UserId>,
}

/// Segments of an index in the place of others, without what is dead.
#[derive(Debug, Clone)]
pub struct SegmentsChange {
    /// The index.
    pub index: IndexId,
    /// All of its segments from now on.
    pub segments: Vec<SegmentRef>,
    /// What was dead and is in no index any more.
    pub forgotten: BTreeSet<String>,
    /// The revision at which that was decided.
    pub revision: u64,
}

/// How a version of a document that no longer counts stands among the dead.
pub(super) fn dead(document: DocumentId, version: DocumentVersionId) -> AttributeValue {
    AttributeValue::Ss(vec![format!("{document}/{version}")])
}

impl TenantStore {
    pub(super) fn index_key(&self, id: KnowledgeBaseId) -> Item {
        key(self.knowledge_pk(id), "INDEX")
    }

    fn readers_key(&self, base: KnowledgeBaseId, document: DocumentId) -> Item {
        key(self.knowledge_pk(base), format!("READERS#{document}"))
    }

    pub(super) fn index_put(
        &self,
        base: KnowledgeBaseId,
        index: &KnowledgeIndex,
    ) -> Result<TransactWriteItem> {
        let row = IndexItem {
            active: index.active.clone(),
            building: index.building.clone(),
            retired: index.retired.clone(),
            dead: index.dead.clone(),
            revision: index.revision,
            access_revision: index.access_revision,
            deleted_at: None,
        };
        self.store.put(to_item(self.index_key(base), &row)?, IS_NEW)
    }

    /// The part that counts a content, and no longer the one before.
    pub(super) fn index_gains(&self, made: &DocumentReady) -> Result<TransactWriteItem> {
        let mut set = "SET revision = revision + :one".to_owned();
        let mut values = vec![(":one", n(1)), (":index", value(made.index)?)];
        let mut names = vec![];
        if let Some(segment) = &made.segment {
            set.push_str(", active.#segments = list_append(active.#segments, :new)");
            values.push((":new", value([segment])?));
            names.push("segments");
        }
        if let Some(replaced) = &made.replaced {
            set.push_str(" ADD dead :dead");
            values.push((":dead", dead(made.document, replaced.id)));
        }
        let condition = format!("{IS_THERE} AND active.id = :index");
        self.store
            .update_named(self.index_key(made.base), (&set, &condition), names, values)
    }

    /// The part that no longer counts these versions of a document.
    pub(super) fn index_loses(
        &self,
        base: KnowledgeBaseId,
        document: DocumentId,
        versions: &[DocumentVersionId],
    ) -> Result<TransactWriteItem> {
        let dead = versions
            .iter()
            .map(|version| format!("{document}/{version}"));
        let dead: Vec<String> = dead.collect();
        let mut set =
            "SET revision = revision + :one, access_revision = access_revision + :one".to_owned();
        let mut values = vec![(":one", n(1))];
        if !dead.is_empty() {
            set.push_str(" ADD dead :dead");
            values.push((":dead", AttributeValue::Ss(dead)));
        }
        self.store
            .update(self.index_key(base), &set, IS_THERE, values)
    }

    /// The parts that say who alone may see a document; `None` for everybody who may read the knowledge base.
    pub(super) fn readers_parts(
        &self,
        base: KnowledgeBaseId,
        document: DocumentId,
        readers: Option<&BTreeSet<UserId>>,
    ) -> Result<[TransactWriteItem; 2]> {
        let key = self.readers_key(base, document);
        let row = match readers {
            None => self.store.delete_any(key)?,
            Some(readers) => {
                let row = DocumentReaders {
                    document,
                    readers: readers.clone(),
                };
                self.store.put_if(
                    to_item(key, &row)?,
                    "attribute_exists(pk) OR attribute_not_exists(pk)",
                    [],
                )?
            }
        };
        let revision = self.store.update(
            self.index_key(base),
            "SET access_revision = access_revision + :one",
            IS_THERE,
            [(":one", n(1))],
        )?;
        Ok([row, revision])
    }

    pub(super) fn readers_delete(
        &self,
        base: KnowledgeBaseId,
        document: DocumentId,
    ) -> Result<TransactWriteItem> {
        self.store.delete_any(self.readers_key(base, document))
    }

    /// The documents of a knowledge base that are not for everybody who may read it.
    pub async fn document_readers(&self, base: KnowledgeBaseId) -> Result<Vec<DocumentReaders>> {
        let (mut found, mut after): (Vec<DocumentReaders>, Option<String>) = (Vec::new(), None);
        loop {
            let pk = self.knowledge_pk(base);
            let (more, has_more) = self.store.list(pk, "READERS#", after, 1000).await?;
            found.extend(more);
            let last = found.last().filter(|_| has_more);
            let Some(last) = last else {
                return Ok(found);
            };
            after = Some(format!("READERS#{}", last.document));
        }
    }

    /// The indexes of knowledge bases, those that are there.
    pub async fn knowledge_indexes(
        &self,
        ids: impl IntoIterator<Item = KnowledgeBaseId>,
    ) -> Result<HashMap<KnowledgeBaseId, KnowledgeIndex>> {
        let of: HashMap<String, KnowledgeBaseId> = ids
            .into_iter()
            .map(|id| (self.knowledge_pk(id), id))
            .collect();
        let keys = of.values().map(|id| self.index_key(*id)).collect();
        let mut found = HashMap::new();
        for item in self.store.get_many(keys, true).await? {
            let pk = item.get("pk").and_then(|pk| pk.as_s().ok());
            let id = pk.and_then(|pk| of.get(pk)).copied();
            let id = id.ok_or_else(|| Error::internal("an index that nobody asked for"))?;
            found.insert(id, from_item::<IndexItem>(item)?.into());
        }
        Ok(found)
    }

    /// Begins another index beside the one that is searched. One that was begun before is given up. `false`, and nothing
    /// written, if the index has changed since it was read.
    pub async fn index_build(
        &self,
        base: KnowledgeBaseId,
        index: &KnowledgeIndex,
        built: &Manifest,
        job: &StoredJob,
    ) -> Result<bool> {
        let mut retired = index.retired.clone();
        retired.extend(index.building.as_ref().map(|given_up| RetiredIndex {
            id: given_up.id,
            dimensions: given_up.settings.dimensions,
        }));
        let part = self.store.update(
            self.index_key(base),
            "SET building = :built, retired = :retired, revision = revision + :one",
            &format!("{IS_THERE} AND revision = :seen"),
            [
                (":built", value(built)?),
                (":retired", value(retired)?),
                (":one", n(1)),
                (":seen", n(index.revision)),
            ],
        )?;
        let parts = [vec![part], self.job_parts(job)?.into()].concat();
        Ok(self.store.transact(parts).await?.made())
    }

    /// Puts a document that is searched into the index that is made beside. `false` if it is not that content any more, or
    /// not that index.
    pub async fn index_built(
        &self,
        base: KnowledgeBaseId,
        (document, version): (DocumentId, DocumentVersionId),
        built: IndexId,
        segment: Option<&SegmentRef>,
    ) -> Result<bool> {
        let mut set = "SET access_revision = access_revision + :none".to_owned();
        let mut values = vec![(":none", n(0)), (":index", value(built)?)];
        let mut names = vec![];
        if let Some(segment) = segment {
            set.push_str(", building.#segments = list_append(building.#segments, :new)");
            values.push((":new", value([segment])?));
            names.push("segments");
        }
        let condition = format!("{IS_THERE} AND building.id = :index");
        let index =
            self.store
                .update_named(self.index_key(base), (&set, &condition), names, values)?;
        let is_it =
            format!("{IS_THERE} AND live.id = :version AND NOT contains(live.#indexes, :built)");
        let document = self.store.update_named(
            self.document_key(base, document),
            (
                "SET live.#indexes = list_append(live.#indexes, :new)",
                &is_it,
            ),
            ["indexes"],
            [
                (":new", value([built])?),
                (":built", value(built)?),
                (":version", value(version)?),
            ],
        )?;
        Ok(self.store.transact(vec![document, index]).await?.made())
    }

    pub(super) fn switch_part(&self, made: &IndexSwitch) -> Result<TransactWriteItem> {
        self.store.update(
            self.index_key(made.base),
            "SET active = building, retired = list_append(retired, :retired), revision = revision + :one, \
             access_revision = access_revision + :one REMOVE building",
            &format!("{IS_THERE} AND building.id = :built AND revision = :seen"),
            [
                (":retired", value([made.retired])?),
                (":one", n(1)),
                (":built", value(made.built)?),
                (":seen", n(made.revision)),
            ],
        )
    }

    /// Puts segments in the place of others. `false`, and nothing written, if the index has changed since `revision`.
    pub async fn index_rewrite(
        &self,
        base: KnowledgeBaseId,
        change: &SegmentsChange,
    ) -> Result<bool> {
        let mut set = "SET revision = revision + :one, active.#segments = :segments".to_owned();
        let mut values = vec![
            (":one", n(1)),
            (":segments", value(&change.segments)?),
            (":seen", n(change.revision)),
            (":index", value(change.index)?),
        ];
        if !change.forgotten.is_empty() {
            set.push_str(" DELETE dead :forgotten");
            let forgotten = change.forgotten.iter().cloned().collect();
            values.push((":forgotten", AttributeValue::Ss(forgotten)));
        }
        let condition = "attribute_exists(pk) AND revision = :seen AND active.id = :index";
        let part = self.store.update_named(
            self.index_key(base),
            (&set, condition),
            ["segments"],
            values,
        )?;
        Ok(self.store.write(part).await?.made())
    }

    /// Forgets indexes that are deleted.
    pub async fn index_forget_retired(
        &self,
        base: KnowledgeBaseId,
        seen: &[RetiredIndex],
    ) -> Result<bool> {
        let part = self.store.update(
            self.index_key(base),
            "SET retired = :none",
            "attribute_exists(pk) AND retired = :seen",
            [
                (":none", value(Vec::<RetiredIndex>::new())?),
                (":seen", value(seen)?),
            ],
        )?;
        Ok(self.store.write(part).await?.made())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dead_are_a_set_of_texts() {
        let (document, version) = (DocumentId::new(), DocumentVersionId::new());
        let expected = AttributeValue::Ss(vec![format!("{document}/{version}")]);
        assert_eq!(dead(document, version), expected);
    }
}
