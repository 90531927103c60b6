//! Answers that a process keeps for itself.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use crate::clock::Moment;
use crate::model::TenantId;

/// How many answers are kept at most.
const MOST_ENTRIES: usize = 1_000;
/// How many bytes they have together at most.
const MOST_BYTES: usize = 32_000_000;

type Key = (TenantId, String);

/// The answers that were kept last.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Inside>);

#[derive(Debug, Default)]
struct Inside {
    entries: HashMap<Key, (String, Moment)>,
    /// The keys of all entries, oldest first.
    order: VecDeque<Key>,
    bytes: usize,
}

impl Memory {
    pub(super) fn get(&self, tenant: TenantId, key: &str, now: Moment) -> Option<String> {
        let inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (sealed, until) = inside.entries.get(&(tenant, key.to_owned()))?;
        (now < *until).then(|| sealed.clone())
    }

    pub(super) fn put(&self, tenant: TenantId, key: &str, sealed: String, until: Moment) {
        let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (tenant, key.to_owned());
        inside.bytes += sealed.len();
        match inside.entries.insert(key.clone(), (sealed, until)) {
            Some((before, _)) => inside.bytes -= before.len(),
            None => inside.order.push_back(key),
        }
        while inside.order.len() > MOST_ENTRIES || inside.bytes > MOST_BYTES {
            let Some(oldest) = inside.order.pop_front() else {
                return;
            };
            if let Some((gone, _)) = inside.entries.remove(&oldest) {
                inside.bytes -= gone.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Moment = Moment::from_unix_seconds(100);
    const NOW: Moment = Moment::from_unix_seconds(99);

    #[test]
    fn the_oldest_make_room_when_there_are_too_many() {
        let (memory, tenant) = (Memory::default(), TenantId::new());
        for number in 0..=MOST_ENTRIES {
            memory.put(tenant, &number.to_string(), "x".to_owned(), SOON);
        }
        let kept = |number: usize| memory.get(tenant, &number.to_string(), NOW).is_some();
        assert_eq!((kept(0), kept(1), kept(MOST_ENTRIES)), (false, true, true));
    }

    #[test]
    fn the_oldest_make_room_when_they_are_too_long() {
        let (memory, tenant) = (Memory::default(), TenantId::new());
        let half = "x".repeat(MOST_BYTES / 2);
        for key in ["a", "b", "b", "c"] {
            memory.put(tenant, key, half.clone(), SOON);
        }
        let kept = |key: &str| memory.get(tenant, key, NOW).is_some();
        assert_eq!(
            (kept("a"), kept("b"), kept("c")),
            (false, true, true),
            "what is put twice counts once"
        );
    }

    #[test]
    fn what_is_over_is_not_given() {
        let (memory, tenant) = (Memory::default(), TenantId::new());
        memory.put(tenant, "a", "x".to_owned(), SOON);
        assert_eq!(memory.get(tenant, "a", NOW).as_deref(), Some("x"));
        assert_eq!(memory.get(tenant, "a", SOON), None);
    }
}
