//! What the entity files have in common: keys, items, transactions and their failed conditions.

use std::collections::HashMap;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Store;
use crate::clock::Moment;
use crate::error::{Error, Result};

/// An item as the SDK has it.
pub(super) type Item = HashMap<String, AttributeValue>;

/// Holds where an item with this key does not exist yet.
pub(super) const IS_NEW: &str = "attribute_not_exists(pk)";

/// Holds where an item with this key does not exist yet, or is the one with this `id`.
pub(super) const IS_NEW_OR_SAME: &str = "attribute_not_exists(pk) OR id = :id";

/// The local index that orders a partition by `active_at`.
pub(super) const BY_ACTIVITY: &str = "by_activity";

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

impl Written {
    /// `true` if it was made, `false` if a condition failed.
    pub(super) fn made(self) -> bool {
        self == Self::Yes
    }

    /// For writes whose conditions can only fail by a fault of ours.
    pub(super) fn surely(self) -> Result<()> {
        match self {
            Self::Yes => Ok(()),
            Self::ConditionFailed { place } => Err(Error::internal(format!(
                "part {place} of a write that can't fail did"
            ))),
        }
    }
}

/// A moment as it is stored.
pub(super) fn moment(moment: Moment) -> Result<AttributeValue> {
    serde_dynamo::to_attribute_value(moment).map_err(Error::internal)
}

/// Anything as an attribute.
pub(super) fn value(value: impl Serialize) -> Result<AttributeValue> {
    serde_dynamo::to_attribute_value(value).map_err(Error::internal)
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

impl Store {
    /// A part of a transaction that puts an item under a condition.
    pub(super) fn put(&self, item: Item, condition: &str) -> Result<TransactWriteItem> {
        self.put_if(item, condition, [])
    }

    /// The same under a condition with values.
    pub(super) fn put_if(
        &self,
        item: Item,
        condition: &str,
        values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<TransactWriteItem> {
        let put = Put::builder()
            .table_name(&*self.table)
            .set_item(Some(item))
            .condition_expression(condition)
            .set_expression_attribute_values(named(values))
            .build()
            .map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// A part of a transaction that puts an item which is new, or which this very write has put before: a
    /// write whose reply was lost is sent again.
    pub(super) fn put_once(&self, item: Item, id: String) -> Result<TransactWriteItem> {
        self.put_if(item, IS_NEW_OR_SAME, [(":id", s(id))])
    }

    /// A part of a transaction that updates an item under a condition.
    pub(super) fn update(
        &self,
        key: Item,
        expression: &str,
        condition: &str,
        values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<TransactWriteItem> {
        self.update_named(key, (expression, condition), [], values)
    }

    /// The same for attributes whose names are words of DynamoDB's own: `#name` stands for `name`.
    pub(super) fn update_named(
        &self,
        key: Item,
        (expression, condition): (&str, &str),
        names: impl IntoIterator<Item = &'static str>,
        values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<TransactWriteItem> {
        let names = names.into_iter();
        let names: HashMap<String, String> = names
            .map(|name| (format!("#{name}"), name.to_owned()))
            .collect();
        let update = Update::builder()
            .table_name(&*self.table)
            .set_key(Some(key))
            .update_expression(expression)
            .condition_expression(condition)
            // DynamoDB refuses an empty map.
            .set_expression_attribute_names((!names.is_empty()).then_some(names))
            .set_expression_attribute_values(named(values))
            .build()
            .map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// A part of a transaction that writes nothing: it only holds the others to a condition.
    pub(super) fn check_that(
        &self,
        key: Item,
        condition: &str,
        values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<TransactWriteItem> {
        let check = ConditionCheck::builder()
            .table_name(&*self.table)
            .set_key(Some(key))
            .condition_expression(condition)
            .set_expression_attribute_values(named(values));
        let check = check.build().map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// A part of a transaction that deletes an item under a condition.
    pub(super) fn delete(
        &self,
        key: Item,
        condition: &str,
        values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<TransactWriteItem> {
        let delete = Delete::builder()
            .table_name(&*self.table)
            .set_key(Some(key))
            .condition_expression(condition)
            .set_expression_attribute_values(named(values));
        let delete = delete.build().map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// A part of a transaction that deletes an item, if it is there.
    pub(super) fn delete_any(&self, key: Item) -> Result<TransactWriteItem> {
        let delete = Delete::builder()
            .table_name(&*self.table)
            .set_key(Some(key));
        let delete = delete.build().map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// An item by its key, as it is after all writes that have been answered.
    pub(super) async fn get<T: DeserializeOwned>(&self, key: Item) -> Result<Option<T>> {
        let request = self.db.get_item().table_name(&*self.table);
        let request = request.set_key(Some(key)).consistent_read(true);
        let output = request.send().await.map_err(crate::aws::error)?;
        output.item.map(from_item).transpose()
    }

    /// Deletes an item. Deleting it twice is deleting it once.
    pub(super) async fn remove(&self, key: Item) -> Result<()> {
        let request = self.db.delete_item().table_name(&*self.table);
        let request = request.set_key(Some(key));
        request.send().await.map(|_| ()).map_err(crate::aws::error)
    }

    /// The next page of a Query that has an item, from `start` on, and where the one after it begins. DynamoDB may
    /// give pages without any although more follows, and from those nobody could go on.
    pub(super) async fn page(
        &self,
        query: QueryFluentBuilder,
        mut start: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>)> {
        loop {
            let request = query.clone().set_exclusive_start_key(start);
            let output = request.send().await.map_err(crate::aws::error)?;
            let items = output.items.unwrap_or_default();
            start = output.last_evaluated_key;
            if !items.is_empty() || start.is_none() {
                return Ok((items, start));
            }
        }
    }

    /// At most `limit` items of a partition whose sort key begins with `prefix`, after `after`, and whether
    /// there are more.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        pk: String,
        prefix: &str,
        after: Option<String>,
        limit: u32,
    ) -> Result<(Vec<T>, bool)> {
        let mut start = after.map(|sk| key(pk.as_str(), sk));
        let query = self.db.query().table_name(&*self.table);
        let query = query
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", s(pk))
            .expression_attribute_values(":prefix", s(prefix))
            .consistent_read(true)
            .limit(i32::try_from(limit.saturating_add(1)).unwrap_or(i32::MAX));
        let mut found = Vec::new();
        loop {
            let (items, next) = self.page(query.clone(), start).await?;
            for item in items {
                found.push(from_item(item)?);
            }
            start = next;
            if start.is_none() || found.len() > limit as usize {
                let has_more = found.len() > limit as usize;
                found.truncate(limit as usize);
                return Ok((found, has_more));
            }
        }
    }
}

fn named(
    values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
) -> Option<HashMap<String, AttributeValue>> {
    let values: HashMap<String, AttributeValue> = values
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    // DynamoDB refuses an empty map.
    (!values.is_empty()).then_some(values)
}
