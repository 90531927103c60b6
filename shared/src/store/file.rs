//! Files that a person has uploaded: `TENANT#<tenant>#USER#<user>` / `FILE#<document>`. Their bytes lie in the bucket.
//!
//! A file is put into a knowledge base in a transaction that holds to its row (`document.rs`), and one that is being
//! deleted takes part in none: whoever deletes it finds all its documents.
//!
//! Questions: this file of mine? which files have I?

use serde::{Deserialize, Serialize};

use super::TenantStore;
use super::item::{Item, from_item, key, moment, to_item};
use super::knowledge::IS_THERE;
use super::message::Page;
use super::walk::{Rows, Walk};
use crate::clock::Moment;
use crate::error::Result;
use crate::model::{DocumentId, UploadedFile};

/// How many files one Query looks through.
const SEARCHED_AT_ONCE: i32 = 1000;

#[derive(Serialize, Deserialize)]
struct FileItem {
    #[serde(flatten)]
    file: UploadedFile,
    /// Since when it is being deleted. Until that is done it is there, so that whoever was to delete it learns that it
    /// was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Moment>,
}

impl TenantStore {
    fn files_pk(&self) -> String {
        format!("TENANT#{}#USER#{}", self.tenant, self.user)
    }

    pub(super) fn file_key(&self, id: DocumentId) -> Item {
        key(self.files_pk(), format!("FILE#{id}"))
    }

    /// Writes a new file, whose bytes lie in the bucket.
    pub async fn file_create(&self, file: &UploadedFile) -> Result<()> {
        let row = FileItem {
            file: file.clone(),
            deleted_at: None,
        };
        let item = to_item(self.file_key(file.id), &row)?;
        let part = self.store.put_once(item, file.id.to_string())?;
        self.store.write(part).await?.surely()
    }

    /// A file of the caller's. Someone else's is `None`, as if it did not exist.
    pub async fn file_get(&self, id: DocumentId) -> Result<Option<UploadedFile>> {
        let found: Option<FileItem> = self.store.get(self.file_key(id)).await?;
        Ok(found.map(|item| item.file))
    }

    /// The caller's files by their ids, those that are there, in no order.
    pub async fn files_get(
        &self,
        ids: impl IntoIterator<Item = DocumentId>,
    ) -> Result<Vec<UploadedFile>> {
        let keys = ids.into_iter().map(|id| self.file_key(id));
        let items = self.store.get_many(keys.collect(), true).await?;
        let items = items.into_iter().map(from_item::<FileItem>);
        items.map(|item| item.map(|item| item.file)).collect()
    }

    /// A page of the caller's files that `is_wanted`.
    pub async fn file_list(
        &self,
        walk: Walk<DocumentId>,
        limit: u32,
        is_wanted: impl Fn(&UploadedFile) -> bool,
    ) -> Result<Page<UploadedFile>> {
        let rows = Rows {
            pk: self.files_pk(),
            prefix: "FILE#",
            at_once: SEARCHED_AT_ONCE,
        };
        let start = walk.after.map(|id| self.file_key(id));
        let read = |item: Item| {
            let file = from_item::<FileItem>(item)?.file;
            Ok(is_wanted(&file).then_some(file))
        };
        self.walk(rows, (start, walk.direction), limit, read).await
    }

    /// Begins to delete a file: from now on it is put into no knowledge base. `false` if it is not there.
    pub async fn file_close(&self, id: DocumentId, now: Moment) -> Result<bool> {
        let part = self.store.update(
            self.file_key(id),
            "SET deleted_at = :now",
            "attribute_exists(pk)",
            [(":now", moment(now)?)],
        )?;
        Ok(self.store.write(part).await?.made())
    }

    /// The part that holds where a file is there and is not being deleted.
    pub(super) fn file_is_there(
        &self,
        id: DocumentId,
    ) -> Result<aws_sdk_dynamodb::types::TransactWriteItem> {
        self.store.check_that(self.file_key(id), IS_THERE, [])
    }

    /// Forgets a file of which nothing is left.
    pub async fn file_forget(&self, id: DocumentId) -> Result<()> {
        self.store.remove(self.file_key(id)).await
    }
}
