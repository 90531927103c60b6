//! The shape of every list.

use serde::Serialize;

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
