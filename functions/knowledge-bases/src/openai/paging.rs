//! Lists as OpenAI pages them, over rows that stand in the order of their ids.

use std::str::FromStr;

use shared::Result;
use shared::http::openai::{OpenAiPaging, PageFrom, SortOrder};
use shared::store::{Direction, Page, Walk};

/// A page that is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<T> {
    /// Where the table is read, and which way.
    pub(crate) walk: Walk<T>,
    /// How many entries it has.
    pub(crate) limit: u32,
    /// Whether it is read against the order of the list, because it ends before an entry.
    is_backward: bool,
}

impl<T: FromStr> Asked<T> {
    /// The page with as many entries as lists have.
    pub(crate) fn new(paging: &OpenAiPaging) -> Result<Self> {
        Self::of(paging, paging.limit()?)
    }

    /// The same with so many.
    pub(crate) fn of(paging: &OpenAiPaging, limit: u32) -> Result<Self> {
        let (after, is_backward) = match paging.from()? {
            PageFrom::Beginning => (None, false),
            PageFrom::After(id) => (Some(id), false),
            PageFrom::Before(id) => (Some(id), true),
        };
        let is_ascending = (paging.order() == SortOrder::Asc) != is_backward;
        let direction = if is_ascending {
            Direction::Ascending
        } else {
            Direction::Descending
        };
        Ok(Self {
            walk: Walk { after, direction },
            limit,
            is_backward,
        })
    }

    /// What was read, in the order of the list.
    pub(crate) fn ordered<R>(&self, mut page: Page<R>) -> Page<R> {
        if self.is_backward {
            page.items.reverse();
        }
        page
    }
}
