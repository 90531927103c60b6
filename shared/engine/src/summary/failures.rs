//! Conversations that could not be summed up lately.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shared::clock::{Clock, Moment};
use shared::kept::MOST_KEPT;
use shared::model::ConversationId;

/// For how long a conversation is left alone: each attempt may keep somebody waiting for all the time that it has.
const LEFT_ALONE_FOR: Duration = Duration::from_secs(300);

/// What a process remembers of summaries that failed.
#[derive(Debug, Clone)]
pub(crate) struct Failures {
    clock: Clock,
    until: Arc<Mutex<HashMap<ConversationId, Moment>>>,
}

impl Failures {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            until: Arc::default(),
        }
    }

    /// Whether it is too early for another attempt.
    pub(super) fn is_left_alone(&self, id: ConversationId) -> bool {
        let until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until
            .get(&id)
            .is_some_and(|until| self.clock.now() < *until)
    }

    pub(super) fn note(&self, id: ConversationId) {
        let now = self.clock.now();
        let mut known = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_KEPT {
            known.retain(|_, until| now < *until);
        }
        if known.len() >= MOST_KEPT {
            known.clear();
        }
        known.insert(id, now.plus(LEFT_ALONE_FOR));
    }
}
