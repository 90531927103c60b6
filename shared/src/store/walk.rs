//! Pages of rows that stand in the order of their ids, from either end.

use super::TenantStore;
use super::item::{Item, s};
use super::message::Page;
use crate::error::Result;

/// Which way a listing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The oldest first.
    Ascending,
    /// The newest first.
    Descending,
}

/// Where a page of a listing begins, and which way it goes from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walk<T> {
    /// The entry after which it begins; `None` for the first one.
    pub after: Option<T>,
    /// Which way.
    pub direction: Direction,
}

/// The newest first, those before that one.
impl<T> From<Option<T>> for Walk<T> {
    fn from(before: Option<T>) -> Self {
        Self {
            after: before,
            direction: Direction::Descending,
        }
    }
}

/// The rows of a partition whose sort keys begin with a prefix.
pub(super) struct Rows<'a> {
    pub(super) pk: String,
    pub(super) prefix: &'a str,
    /// How many one Query looks through.
    pub(super) at_once: i32,
}

impl TenantStore {
    /// The rows that `read` makes something of, `limit` of them after that key.
    pub(super) async fn walk<T>(
        &self,
        rows: Rows<'_>,
        (mut start, direction): (Option<Item>, Direction),
        limit: u32,
        read: impl Fn(Item) -> Result<Option<T>>,
    ) -> Result<Page<T>> {
        let query = self.store.db.query().table_name(&*self.store.table);
        let query = query
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", s(rows.pk))
            .expression_attribute_values(":prefix", s(rows.prefix))
            .scan_index_forward(direction == Direction::Ascending)
            .consistent_read(true)
            .limit(rows.at_once);
        let mut found = Vec::new();
        loop {
            let (items, next) = self.store.page(query.clone(), start).await?;
            for item in items {
                found.extend(read(item)?);
            }
            start = next;
            if start.is_none() || found.len() > limit as usize {
                return Ok(Page::cut(found, limit));
            }
        }
    }
}
