//! The shape of every list.

use serde::Serialize;

use crate::error::{Error, Result};

/// How many entries a page has if the client does not say.
const DEFAULT_LIMIT: u32 = 20;

/// A piece of a list.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct List<T> {
    /// The entries.
    pub data: Vec<T>,
    /// What to send as `cursor` to get the entries after these; `null` if there are none.
    pub next_cursor: Option<String>,
    /// Whether there are entries after these.
    pub has_more: bool,
}

impl<T> List<T> {
    /// A list that is complete.
    pub const fn whole(data: Vec<T>) -> Self {
        Self {
            data,
            next_cursor: None,
            has_more: false,
        }
    }
}

/// How many entries a page shall have: 1 to 100, and 20 if the client does not say.
pub fn page_limit(limit: Option<u32>) -> Result<u32> {
    match limit.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=100 => Ok(limit),
        _ => Err(Error::invalid("limit", "must be from 1 to 100")),
    }
}
