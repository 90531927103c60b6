//! Many writes without conditions, in no order.

use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};

use super::TenantStore;
use super::item::Item;
use crate::error::{Error, Result};

/// DynamoDB's limit for one BatchWriteItem.
const BATCH: usize = 25;

impl TenantStore {
    /// Deletes rows, in no order.
    pub(super) async fn delete_all(&self, keys: Vec<Item>) -> Result<()> {
        let requests = keys.into_iter().map(|key| {
            let delete = DeleteRequest::builder().set_key(Some(key)).build();
            let delete = delete.map_err(Error::internal)?;
            Ok(WriteRequest::builder().delete_request(delete).build())
        });
        self.write_batches(requests.collect::<Result<_>>()?).await
    }

    /// Makes writes, in no order.
    pub(super) async fn write_batches(&self, requests: Vec<WriteRequest>) -> Result<()> {
        for batch in requests.chunks(BATCH) {
            self.write_batch(batch.to_vec()).await?;
        }
        Ok(())
    }

    async fn write_batch(&self, mut left: Vec<WriteRequest>) -> Result<()> {
        let mut attempt = 0;
        while !left.is_empty() {
            if attempt > 0 {
                tokio::time::sleep(std::time::Duration::from_millis(25 << attempt)).await;
            }
            if attempt == 8 {
                return Err(Error::unavailable("the table keeps handing back writes"));
            }
            let request = self
                .store
                .db
                .batch_write_item()
                .request_items(&*self.store.table, left);
            let output = request.send().await.map_err(crate::aws::error)?;
            let mut unprocessed = output.unprocessed_items.unwrap_or_default();
            left = unprocessed.remove(&*self.store.table).unwrap_or_default();
            attempt += 1;
        }
        Ok(())
    }
}
