//! Vector stores: knowledge bases as OpenAI's clients see them.

pub(super) mod create;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
pub(super) mod search;
pub(super) mod update;
pub(super) mod view;

use shared::{Error, Result};

/// Refuses what would have a vector store expire.
fn check_expiry(expires_after: Option<&serde_json::Value>) -> Result<()> {
    if expires_after.is_none() {
        return Ok(());
    }
    let detail =
        "is not supported, because vector stores stay until they are deleted; leave it out";
    Err(Error::unsupported("/expires_after", detail))
}
