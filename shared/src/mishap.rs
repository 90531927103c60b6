//! What calls meet, in tests, of what is kept in memory in the place of SQS and S3.

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Result};

/// What one call meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// It fails, and nothing is done.
    Refused,
    /// It is done, and whoever called hears that it failed.
    ReplyLost,
    /// Whoever called hears nothing any more, because their process has died; whether it is done.
    Died {
        /// Whether it is done.
        done: bool,
    },
}

/// What each call meets, by its name.
#[derive(Clone)]
pub struct Mishaps(Arc<Decide>);

type Decide = dyn Fn(&str) -> Option<Mishap> + Send + Sync;

impl Mishaps {
    /// What `decide` says of each call, in the order in which they come.
    pub fn new(decide: impl Fn(&str) -> Option<Mishap> + Send + Sync + 'static) -> Self {
        Self(Arc::new(decide))
    }
}

/// Does a call, as it goes.
pub(crate) async fn meet<T>(
    mishaps: Option<&Mishaps>,
    call: &str,
    work: impl FnOnce() -> T,
) -> Result<T> {
    match mishaps.and_then(|mishaps| (mishaps.0)(call)) {
        None => Ok(work()),
        Some(Mishap::Refused) => Err(Error::unavailable("refused on command")),
        Some(Mishap::ReplyLost) => {
            drop(work());
            Err(Error::unavailable("the reply is lost on command"))
        }
        Some(Mishap::Died { done }) => {
            if done {
                drop(work());
            }
            std::future::pending().await
        }
    }
}

impl fmt::Debug for Mishaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mishaps")
    }
}
