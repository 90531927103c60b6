//! What a process remembers of the table for half a minute.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Moment;

/// For how long what was read is believed.
pub const BELIEVED_FOR: Duration = Duration::from_secs(30);
/// How many entries a process remembers at most.
pub const MOST_KEPT: usize = 10_000;

/// A map whose entries are good for half a minute, and that stays small.
#[derive(Debug)]
pub struct Kept<K, V>(Mutex<Inside<K, V>>);

#[derive(Debug)]
struct Inside<K, V> {
    entries: HashMap<K, (V, Moment)>,
    /// How often something was forgotten.
    forgotten: u64,
}

/// In which state of the map something was not remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing(u64);

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self(Mutex::new(Inside {
            entries: HashMap::new(),
            forgotten: 0,
        }))
    }
}

impl<K: Eq + Hash, V: Clone> Kept<K, V> {
    fn lock(&self) -> MutexGuard<'_, Inside<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is remembered, or the state in which it is not: for [`Kept::put`].
    pub fn get(&self, key: &K, now: Moment) -> Result<V, Missing> {
        let inside = self.lock();
        let entry = inside.entries.get(key);
        let good = entry.filter(|(_, at)| now.since(*at) < BELIEVED_FOR);
        let value = good.map(|(value, _)| value.clone());
        value.ok_or(Missing(inside.forgotten))
    }

    /// The state of the map now, for what is read whatever is remembered.
    pub fn state(&self) -> Missing {
        Missing(self.lock().forgotten)
    }

    /// Remembers what was read at `now` in that state. If something was forgotten since then, this may have
    /// been read before the change that made it forgotten, and is not remembered.
    pub fn put(&self, key: K, value: V, now: Moment, state: Missing) {
        let mut inside = self.lock();
        if Missing(inside.forgotten) != state {
            return;
        }
        let entries = &mut inside.entries;
        if entries.len() >= MOST_KEPT {
            entries.retain(|_, (_, at)| now.since(*at) < BELIEVED_FOR);
        }
        if entries.len() >= MOST_KEPT {
            entries.clear();
        }
        entries.insert(key, (value, now));
    }

    /// Forgets what was read for those keys.
    pub fn forget(&self, forgotten: impl Fn(&K) -> bool) {
        let mut inside = self.lock();
        inside.forgotten += 1;
        inside.entries.retain(|key, _| !forgotten(key));
    }
}
