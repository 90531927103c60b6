//! The shape of every list.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How many entries a page has if the client does not say.
const DEFAULT_LIMIT: u32 = 20;

/// Which part of a list to give.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// How many to give, from 1 to 100; 20 if left out.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the reply before.
    pub cursor: Option<String>,
}

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
