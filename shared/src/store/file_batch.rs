//! Files that were put into a knowledge base together: `TENANT#<tenant>#KB#<knowledge base>` / `BATCH#<batch>`. How far they
//! are is said by their documents; the row only says which they are, and goes with the knowledge base.
//!
//! Questions: which files are of this batch?

use super::TenantStore;
use super::item::{Item, key, to_item};
use crate::error::Result;
use crate::model::{FileBatch, FileBatchId, KnowledgeBaseId};

impl TenantStore {
    fn batch_key(&self, base: KnowledgeBaseId, id: FileBatchId) -> Item {
        key(self.knowledge_pk(base), format!("BATCH#{id}"))
    }

    /// Writes which files were put into a knowledge base together.
    pub async fn file_batch_create(&self, base: KnowledgeBaseId, batch: &FileBatch) -> Result<()> {
        let item = to_item(self.batch_key(base, batch.id), batch)?;
        let part = self.store.put_once(item, batch.id.to_string())?;
        self.store.write(part).await?.surely()
    }

    /// A batch of a knowledge base.
    pub async fn file_batch_get(
        &self,
        base: KnowledgeBaseId,
        id: FileBatchId,
    ) -> Result<Option<FileBatch>> {
        self.store.get(self.batch_key(base, id)).await
    }
}
