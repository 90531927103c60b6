//! What a process remembers of the table for half a minute.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Moment;

/// For how long what was read is believed.
pub const BELIEVED_FOR: Duration = Duration::from_secs(30);
/// How many entries a process remembers at most.
pub const MOST_KEPT: usize = 10_000;

/// A map whose entries are good for half a minute, and that stays small.
#[derive(Debug)]
pub struct Kept<K, V>(Mutex<HashMap<K, (V, Moment)>>);

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Kept<K, V> {
    /// What was read for `key`, if that is not too long ago.
    pub fn get(&self, key: &K, now: Moment) -> Option<V> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (value, at) = kept.get(key)?;
        (now.since(*at) < BELIEVED_FOR).then(|| value.clone())
    }

    /// Remembers what was read at `now`.
    pub fn put(&self, key: K, value: V, now: Moment) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT {
            kept.retain(|_, (_, at)| now.since(*at) < BELIEVED_FOR);
        }
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(key, (value, now));
    }

    /// Forgets what was read for those keys.
    pub fn forget(&self, forgotten: impl Fn(&K) -> bool) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|key, _| !forgotten(key));
    }
}
