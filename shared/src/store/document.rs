//! Documents: `TENANT#<tenant>#KB#<knowledge base>` / `DOC#<document>`, and which of them has a content: `HASH#<sha256>`.
//!
//! A document has the content that is searched (`live`) and the one that is to take its place (`pending`). Whoever works
//! on a content writes only as long as it is the one that is pending; it comes to be searched in the transaction that ends
//! the job (`job_effect.rs`). What people say about the document is conditioned on `version`, which the job's end holds
//! to, so that what is in the index is what is said.
//!
//! Questions: this document? the newest? which document has this content? Who may see it is said by its row.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::TenantStore;
use super::item::{IS_NEW, Item, Written, key, moment, n, to_item, value};
use super::job::StoredJob;
use super::knowledge::IS_THERE;
use crate::clock::Moment;
use crate::error::{Error, Result};
use crate::model::{
    AuditEvent, Document, DocumentCounts, DocumentId, DocumentStage, DocumentVersion,
    DocumentVersionId, KnowledgeBaseId, UserId,
};

#[derive(Serialize, Deserialize)]
pub(super) struct DocumentItem {
    #[serde(flatten)]
    pub(super) document: Document,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) deleted_at: Option<Moment>,
}

#[derive(Serialize, Deserialize)]
struct HashItem {
    document: DocumentId,
}

/// What became of the attempt to take a content in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is taken in.
    Yes,
    /// That document of the knowledge base has the same content; nothing was written.
    Duplicate(DocumentId),
    /// The knowledge base is gone, or the document has changed since it was read; nothing was written.
    Changed,
}

/// A content that a document is to have, and the job that works on it.
#[derive(Debug, Clone, Copy)]
pub struct NewContent<'a> {
    /// The document as it is then: the content is its `pending` one.
    pub document: &'a Document,
    /// The job.
    pub job: &'a StoredJob,
    /// The hash of a content that was worked on and is given up for this one.
    pub given_up: Option<&'a str>,
}

/// What people say about a document from now on, `None` where it stays.
#[derive(Debug, Clone, Default)]
pub struct DocumentChange {
    /// What it is called.
    pub name: Option<String>,
    /// What filters compare.
    pub attributes: Option<BTreeMap<String, serde_json::Value>>,
    /// Who may see it; `Some(None)` for everybody who may read the knowledge base.
    pub readers: Option<Option<BTreeSet<UserId>>>,
}

/// The key of the row of a content.
pub(super) fn hash_key(pk: &str, sha256: &str) -> Item {
    key(pk, format!("HASH#{sha256}"))
}

/// Holds where the content `:id` is the one that is worked on.
pub(super) const fn is_pending() -> &'static str {
    "attribute_exists(pk) AND attribute_not_exists(deleted_at) AND pending.id = :id"
}

impl TenantStore {
    pub(super) fn document_key(&self, base: KnowledgeBaseId, id: DocumentId) -> Item {
        key(self.knowledge_pk(base), format!("DOC#{id}"))
    }

    fn document_put(&self, base: KnowledgeBaseId, document: &Document) -> Result<Item> {
        let row = DocumentItem {
            document: document.clone(),
            deleted_at: None,
        };
        to_item(self.document_key(base, document.id), &row)
    }

    /// Writes a new document with the content that it is to have.
    pub async fn document_create(
        &self,
        base: KnowledgeBaseId,
        new: NewContent<'_>,
    ) -> Result<Taken> {
        self.document_create_with(base, new, None).await
    }

    /// The same for a file of the caller's, which has the document's id. `Changed` also if the file is gone, or the
    /// document is there already.
    pub async fn document_create_of_file(
        &self,
        base: KnowledgeBaseId,
        new: NewContent<'_>,
    ) -> Result<Taken> {
        let file = self.file_is_there(new.document.id)?;
        self.document_create_with(base, new, Some(file)).await
    }

    async fn document_create_with(
        &self,
        base: KnowledgeBaseId,
        new: NewContent<'_>,
        further: Option<aws_sdk_dynamodb::types::TransactWriteItem>,
    ) -> Result<Taken> {
        let there = self.store.check_that(self.index_key(base), IS_THERE, [])?;
        let row = self
            .store
            .put(self.document_put(base, new.document)?, IS_NEW)?;
        let mut parts = vec![there, row];
        if let Some(readers) = &new.document.readers {
            // The condition on the index is that of this part then.
            let [readers, index] = self.readers_parts(base, new.document.id, Some(readers))?;
            parts[0] = index;
            parts.push(readers);
        }
        parts.extend(further);
        self.take(base, parts, new).await
    }

    /// Gives a document that is there a content, in the place of one that is worked on.
    pub async fn document_replace(
        &self,
        base: KnowledgeBaseId,
        new: NewContent<'_>,
    ) -> Result<Taken> {
        let document = new.document;
        let part = self.store.update(
            self.document_key(base, document.id),
            "SET pending = :pending, version = :next, updated_at = :now",
            &format!("{IS_THERE} AND version = :before"),
            [
                (":pending", value(&document.pending)?),
                (":next", n(document.version)),
                (":before", n(document.version.saturating_sub(1))),
                (":now", moment(document.updated_at)?),
            ],
        )?;
        self.take(base, vec![part], new).await
    }

    async fn take(
        &self,
        base: KnowledgeBaseId,
        mut parts: Vec<aws_sdk_dynamodb::types::TransactWriteItem>,
        new: NewContent<'_>,
    ) -> Result<Taken> {
        let pending = new.document.pending.as_ref();
        let hash = pending.and_then(|version| version.sha256.as_deref());
        let before = parts.len();
        if let Some(hash) = hash {
            parts.push(self.hash_part(base, hash, new.document.id)?);
        }
        let known = parts.len();
        if let Some(given_up) = new.given_up {
            let pk = self.knowledge_pk(base);
            parts.push(self.store.delete_any(hash_key(&pk, given_up))?);
        }
        parts.extend(self.job_parts(new.job)?);
        match self.store.transact(parts).await? {
            Written::Yes => Ok(Taken::Yes),
            Written::ConditionFailed { place } if place < before => Ok(Taken::Changed),
            Written::ConditionFailed { place } if place < known => {
                let has_it = self.document_with(base, hash.unwrap_or_default()).await?;
                has_it
                    .map(Taken::Duplicate)
                    .ok_or_else(|| Error::unavailable("a content comes and goes"))
            }
            Written::ConditionFailed { .. } => Err(Error::internal("a new job exists already")),
        }
    }

    fn hash_part(
        &self,
        base: KnowledgeBaseId,
        sha256: &str,
        document: DocumentId,
    ) -> Result<aws_sdk_dynamodb::types::TransactWriteItem> {
        let item = to_item(
            hash_key(&self.knowledge_pk(base), sha256),
            &HashItem { document },
        )?;
        self.store.put_if(
            item,
            "attribute_not_exists(pk) OR document = :document",
            [(":document", value(document)?)],
        )
    }

    /// Which document has that content.
    pub async fn document_with(
        &self,
        base: KnowledgeBaseId,
        sha256: &str,
    ) -> Result<Option<DocumentId>> {
        let key = hash_key(&self.knowledge_pk(base), sha256);
        let found: Option<HashItem> = self.store.get(key).await?;
        Ok(found.map(|item| item.document))
    }

    /// Says which content a document is to have, once its bytes are there: what another one has is a duplicate.
    pub async fn document_arrived(
        &self,
        base: KnowledgeBaseId,
        id: DocumentId,
        version: &DocumentVersion,
    ) -> Result<Taken> {
        let hash = version.sha256.as_deref().unwrap_or_default();
        let row = self.store.update(
            self.document_key(base, id),
            "SET pending = :pending",
            is_pending(),
            [(":pending", value(version)?), (":id", value(version.id)?)],
        )?;
        let parts = vec![row, self.hash_part(base, hash, id)?];
        match self.store.transact(parts).await? {
            Written::Yes => Ok(Taken::Yes),
            Written::ConditionFailed { place: 0 } => Ok(Taken::Changed),
            Written::ConditionFailed { .. } => {
                let has_it = self.document_with(base, hash).await?;
                has_it
                    .map(Taken::Duplicate)
                    .ok_or_else(|| Error::unavailable("a content comes and goes"))
            }
        }
    }

    /// Writes what people say about a document, if it still has the version of `before`, with the record of who may see it
    /// from now on, if that changes, and gives it as it is then.
    /// `None`, and nothing written, if it has not.
    pub async fn document_change(
        &self,
        base: KnowledgeBaseId,
        before: &Document,
        change: &DocumentChange,
        (now, shared): (Moment, Option<&AuditEvent>),
    ) -> Result<Option<Document>> {
        let after = Document {
            name: change.name.clone().unwrap_or_else(|| before.name.clone()),
            attributes: change
                .attributes
                .clone()
                .unwrap_or_else(|| before.attributes.clone()),
            readers: change
                .readers
                .clone()
                .unwrap_or_else(|| before.readers.clone()),
            version: before.version + 1,
            updated_at: now,
            ..before.clone()
        };
        let part = self.store.update_named(
            self.document_key(base, before.id),
            (
                "SET #name = :name, #attributes = :attributes, readers = :readers, version = :next, updated_at = :now",
                &format!("{IS_THERE} AND version = :before"),
            ),
            ["name", "attributes"],
            [
                (":name", value(&after.name)?),
                (":attributes", value(&after.attributes)?),
                (":readers", value(&after.readers)?),
                (":next", n(after.version)),
                (":now", moment(now)?),
                (":before", n(before.version)),
            ],
        )?;
        let mut parts = vec![part];
        if change.readers.is_some() {
            parts.extend(self.readers_parts(base, before.id, after.readers.as_ref())?);
        }
        let written = self.store.transact_told(parts, shared).await?;
        Ok(written.made().then_some(after))
    }

    /// Says how far a content is. `false` if another one took its place, or the document is gone.
    pub async fn document_stage(
        &self,
        base: KnowledgeBaseId,
        id: DocumentId,
        version: DocumentVersionId,
        (stage, counts): (DocumentStage, DocumentCounts),
    ) -> Result<bool> {
        let part = self.store.update(
            self.document_key(base, id),
            "SET pending.stage = :stage, pending.counts = :counts",
            is_pending(),
            [
                (":stage", value(stage)?),
                (":counts", value(counts)?),
                (":id", value(version)?),
            ],
        )?;
        Ok(self.store.write(part).await?.made())
    }

    /// Begins to delete a document: from now on it counts as absent and no search finds it, and the job deletes what is
    /// left of it. `false` if it has changed since it was read.
    pub async fn document_delete(
        &self,
        base: KnowledgeBaseId,
        document: &Document,
        job: &StoredJob,
        event: &AuditEvent,
    ) -> Result<bool> {
        let now = event.at;
        let mut condition = format!("{IS_THERE} AND version = :before");
        let mut values = vec![(":now", moment(now)?), (":before", n(document.version))];
        match &document.current {
            Some(current) => {
                condition.push_str(" AND live.id = :live");
                values.push((":live", value(current.id)?));
            }
            None => condition.push_str(" AND attribute_not_exists(live)"),
        }
        let key = self.document_key(base, document.id);
        let row = self
            .store
            .update(key, "SET deleted_at = :now", &condition, values)?;
        let contents = [document.current.as_ref(), document.pending.as_ref()];
        let contents: Vec<&DocumentVersion> = contents.into_iter().flatten().collect();
        let versions: Vec<_> = contents.iter().map(|version| version.id).collect();
        let mut parts = vec![
            row,
            self.index_loses(base, document.id, &versions)?,
            self.readers_delete(base, document.id)?,
        ];
        let pk = self.knowledge_pk(base);
        let hashes = contents
            .iter()
            .filter_map(|version| version.sha256.as_ref());
        let hashes: BTreeSet<&String> = hashes.collect();
        for hash in hashes {
            // A content that was refused as a duplicate is another document's.
            if self.document_with(base, hash).await? == Some(document.id) {
                parts.push(self.store.delete_any(hash_key(&pk, hash))?);
            }
        }
        let known = parts.len();
        parts.extend(self.job_parts(job)?);
        match self.store.transact_audited(parts, event).await? {
            Written::Yes => Ok(true),
            Written::ConditionFailed { place } if place < known => Ok(false),
            Written::ConditionFailed { .. } => Err(Error::internal("a new job exists already")),
        }
    }

    /// Forgets a document of which nothing is left.
    pub async fn document_forget(&self, base: KnowledgeBaseId, id: DocumentId) -> Result<()> {
        self.store.remove(self.document_key(base, id)).await
    }
}
