//! Queues in the table: what is to be done, in sixteen partitions by the last digit of an id, which is random. In a single
//! one, of which DynamoDB takes 1,000 write units a second, a flood of one kind would stand in everybody's way.
//!
//! `active_at`, the sort key of the index `by_activity`, is when an item may be tried next: so the index is the queue of
//! what is due, and what fails moves behind those that wait.

use futures_util::future::try_join_all;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Store;
use super::item::{BY_ACTIVITY, Item, from_item, key, moment, n, s, written};
use crate::clock::Moment;
use crate::error::Result;

/// An item that is due.
#[derive(Clone, Deserialize)]
struct Due<I> {
    sk: I,
    active_at: Moment,
}

/// The key of an item: in the partition `<queue>#<the last digit of its id>`.
pub(super) fn spread_key(queue: &str, id: &impl ToString) -> Item {
    let id = id.to_string();
    let digit = id.chars().last().unwrap_or_default();
    key(format!("{queue}#{digit}"), id)
}

impl Store {
    /// What is due in a queue since before `before`, at most `limit`, the longest due first.
    pub(super) async fn due<I>(&self, queue: &str, before: Moment, limit: u32) -> Result<Vec<I>>
    where
        I: DeserializeOwned + Clone + Ord,
    {
        let partitions = (0..16).map(|digit| format!("{queue}#{digit:x}"));
        let partitions = partitions.map(|pk| self.due_in::<I>(pk, before, limit));
        let mut due = try_join_all(partitions).await?.concat();
        due.sort_by(|one, other| (one.active_at, &one.sk).cmp(&(other.active_at, &other.sk)));
        let due = due.into_iter().map(|found| found.sk);
        Ok(due.take(limit as usize).collect())
    }

    /// Puts off when an item may be tried, and counts it. Nothing happens if it is not there any more.
    pub(super) async fn put_off(&self, key: Item, until: Moment) -> Result<()> {
        let request = self.db.update_item().table_name(&*self.table);
        let request = request
            .set_key(Some(key))
            .update_expression("SET active_at = :until ADD put_off :one")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":until", moment(until)?)
            .expression_attribute_values(":one", n(1));
        written(request.send().await).map(|_| ())
    }

    /// The same of one partition, with when each is due.
    async fn due_in<I>(&self, pk: String, before: Moment, limit: u32) -> Result<Vec<Due<I>>>
    where
        I: DeserializeOwned,
    {
        let query = self.db.query().table_name(&*self.table);
        let query = query
            .index_name(BY_ACTIVITY)
            .key_condition_expression("pk = :pk AND active_at < :before")
            .expression_attribute_values(":pk", s(pk))
            .expression_attribute_values(":before", moment(before)?)
            .projection_expression("sk, active_at")
            .consistent_read(true)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let (items, _) = self.page(query, None).await?;
        items.into_iter().map(from_item).collect()
    }
}
