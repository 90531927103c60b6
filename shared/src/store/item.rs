//! What the entity files have in common: keys, items, transactions and their failed conditions.

use std::collections::HashMap;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Store;
use crate::error::{Error, Result};

/// An item as the SDK has it.
pub(super) type Item = HashMap<String, AttributeValue>;

/// Holds where an item with this key does not exist yet.
pub(super) const IS_NEW: &str = "attribute_not_exists(pk)";

/// Holds where an item with this key does not exist yet, or is the one with this `id`.
pub(super) const IS_NEW_OR_SAME: &str = "attribute_not_exists(pk) OR id = :id";

/// The key of an item.
pub(super) fn key(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    HashMap::from([
        ("pk".to_owned(), AttributeValue::S(pk.into())),
        ("sk".to_owned(), AttributeValue::S(sk.into())),
    ])
}

/// A string attribute.
pub(super) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// A number attribute.
pub(super) fn n(number: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(number.into().to_string())
}

/// The item of a row: its key and its fields.
pub(super) fn to_item(key: Item, row: &impl Serialize) -> Result<Item> {
    let mut item: Item = serde_dynamo::to_item(row).map_err(Error::internal)?;
    item.extend(key);
    Ok(item)
}

/// The fields of an item.
pub(super) fn from_item<T: DeserializeOwned>(item: Item) -> Result<T> {
    serde_dynamo::from_item(item).map_err(Error::internal)
}

/// What became of a write with conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// It was made.
    Yes,
    /// Nothing was written, because a condition did not hold: for a transaction, the first of them.
    ConditionFailed {
        /// Its place in the transaction.
        place: usize,
    },
}

/// Either written, or a condition failed; other errors are errors.
pub(super) fn written<O, E>(result: Result<O, SdkError<E, HttpResponse>>) -> Result<Written>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match result {
        Ok(_) => Ok(Written::Yes),
        Err(error) if error.code() == Some("ConditionalCheckFailedException") => {
            Ok(Written::ConditionFailed { place: 0 })
        }
        Err(error) => Err(crate::aws::error(error)),
    }
}

/// Reasons of a cancelled transaction that a moment's patience may mend.
const PASSING: [&str; 3] = [
    "TransactionConflict",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
];
/// How often a transaction is tried that meets another one on the same item.
const CONFLICT_ATTEMPTS: u32 = 4;

impl Store {
    /// A part of a transaction that puts an item under a condition.
    pub(super) fn put(&self, item: Item, condition: &str) -> Result<TransactWriteItem> {
        let put = Put::builder().table_name(&*self.table).set_item(Some(item));
        let put = put
            .condition_expression(condition)
            .build()
            .map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// A part of a transaction that puts an item which is new, or which this very write has put before: a
    /// write whose reply was lost is sent again.
    pub(super) fn put_once(&self, item: Item, id: String) -> Result<TransactWriteItem> {
        let put = Put::builder()
            .table_name(&*self.table)
            .set_item(Some(item))
            .condition_expression(IS_NEW_OR_SAME)
            .expression_attribute_values(":id", s(id));
        let put = put.build().map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// A part of a transaction that updates an item under a condition.
    pub(super) fn update(
        &self,
        key: Item,
        expression: &str,
        condition: &str,
        values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<TransactWriteItem> {
        let values = values
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let update = Update::builder()
            .table_name(&*self.table)
            .set_key(Some(key))
            .update_expression(expression)
            .condition_expression(condition)
            .set_expression_attribute_values(Some(values))
            .build()
            .map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// All parts or none. The SDK does not repeat a transaction that met another one, so this does, with
    /// the same token, so that a repeated one is not written twice.
    pub(super) async fn transact(&self, parts: Vec<TransactWriteItem>) -> Result<Written> {
        let token = uuid::Uuid::now_v7().to_string();
        let mut attempt = 1;
        loop {
            let request = self
                .db
                .transact_write_items()
                .set_transact_items(Some(parts.clone()));
            let error = match request.client_request_token(&token).send().await {
                Ok(_) => return Ok(Written::Yes),
                Err(error) => error,
            };
            if let Some(place) = reason(&error, "ConditionalCheckFailed") {
                return Ok(Written::ConditionFailed { place });
            }
            let passing = PASSING.iter().any(|code| reason(&error, code).is_some());
            if !passing {
                return Err(crate::aws::error(error));
            }
            if attempt == CONFLICT_ATTEMPTS {
                return Err(Error::unavailable(error));
            }
            // Different requests wait different times: the token is as good as random.
            let jitter = u64::from(token.as_bytes().last().copied().unwrap_or(0) % 16);
            tokio::time::sleep(std::time::Duration::from_millis((10 + jitter) << attempt)).await;
            attempt += 1;
        }
    }
}

/// The place of the first part that was cancelled for that reason.
fn reason<R>(error: &SdkError<TransactWriteItemsError, R>, code: &str) -> Option<usize> {
    let SdkError::ServiceError(service) = error else {
        return None;
    };
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = service.err() else {
        return None;
    };
    let mut reasons = cancelled.cancellation_reasons().iter();
    reasons.position(|reason| reason.code() == Some(code))
}
