//! What a process knows of the windows of its subjects. Bounded: whoever sends from many addresses makes it
//! forget others, and no more.

use std::collections::HashMap;
use std::hash::Hash;

/// How many subjects a process remembers.
const CAPACITY: usize = 10_000;
/// How many may be left after room was made, so that it is not made anew for each further subject.
const ROOM_UNTIL: usize = CAPACITY / 4 * 3;

#[derive(Debug, Clone, Copy)]
struct Window {
    start: i64,
    end: i64,
    /// Permits that this process may still give.
    left: u32,
    /// Permits that all processes together had taken when this one looked last.
    taken: u32,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It has a permit; so many are left, as far as this process knows.
    Taken { remaining: u32 },
    /// All permits of the window are gone.
    Exhausted,
    /// Only the shared counter knows.
    Ask,
}

/// Where a subject is in its current window.
#[derive(Debug)]
pub(super) struct Windows<K> {
    by_key: HashMap<K, Window>,
}

impl<K: Eq + Hash> Windows<K> {
    pub(super) fn new() -> Self {
        Self {
            by_key: HashMap::new(),
        }
    }

    /// Gives a permit that the process has.
    pub(super) fn take(&mut self, key: &K, start: i64, quota: u32) -> Step {
        let Some(window) = self.window(key, start) else {
            return Step::Ask;
        };
        match window.left.checked_sub(1) {
            Some(left) => {
                window.left = left;
                let remaining = quota.saturating_sub(window.taken).saturating_add(left);
                Step::Taken { remaining }
            }
            None if window.taken >= quota => Step::Exhausted,
            None => Step::Ask,
        }
    }

    /// Whether it is known that all permits are gone.
    pub(super) fn is_exhausted(&mut self, key: &K, start: i64, quota: u32) -> bool {
        let window = self.window(key, start);
        window.is_some_and(|window| window.left == 0 && window.taken >= quota)
    }

    /// Notes permits that this process took from the shared counter, and what was taken of it since by all.
    pub(super) fn refill(&mut self, key: K, start: i64, end: i64, more: u32, taken: u32) {
        if self.window(&key, start).is_none() {
            self.make_room(start);
        }
        let window = self.by_key.entry(key).or_insert(Window {
            start,
            end,
            left: 0,
            taken: 0,
        });
        if window.start < start {
            *window = Window {
                start,
                end,
                left: 0,
                taken: 0,
            };
        }
        // Of a window that is over meanwhile, nothing is kept.
        if window.start == start {
            window.left = window.left.saturating_add(more);
            window.taken = window.taken.max(taken);
        }
    }

    /// Takes back a permit that was not used after all.
    pub(super) fn give_back(&mut self, key: &K, start: i64) {
        if let Some(window) = self.window(key, start)
            && window.start == start
        {
            window.left = window.left.saturating_add(1);
        }
    }

    /// The current window. If the clock went back, it is still the later one: a count is not begun anew.
    fn window(&mut self, key: &K, start: i64) -> Option<&mut Window> {
        let window = self.by_key.get_mut(key);
        window.filter(|window| window.start >= start)
    }

    /// First what is over goes, then what is not exhausted, then everything.
    fn make_room(&mut self, now: i64) {
        if self.by_key.len() < CAPACITY {
            return;
        }
        self.by_key.retain(|_, window| window.end > now);
        if self.by_key.len() > ROOM_UNTIL {
            self.by_key.retain(|_, window| window.left == 0);
        }
        if self.by_key.len() > ROOM_UNTIL {
            self.by_key.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_are_given_until_they_are_gone_and_anew_in_the_next_window() {
        let mut windows = Windows::new();
        assert_eq!(windows.take(&"a", 0, 4), Step::Ask);
        windows.refill("a", 0, 60, 2, 2);
        assert_eq!(windows.take(&"a", 0, 4), Step::Taken { remaining: 3 });
        assert_eq!(windows.take(&"a", 0, 4), Step::Taken { remaining: 2 });
        assert_eq!(windows.take(&"a", 0, 4), Step::Ask);
        windows.refill("a", 0, 60, 0, 4);
        assert_eq!(windows.take(&"a", 0, 4), Step::Exhausted);
        assert!(windows.is_exhausted(&"a", 0, 4));
        assert_eq!(windows.take(&"b", 0, 4), Step::Ask);
        assert_eq!(windows.take(&"a", 60, 4), Step::Ask);
    }

    #[test]
    fn a_permit_that_was_not_used_can_be_given_again_in_its_window() {
        let mut windows = Windows::new();
        windows.refill("a", 60, 120, 1, 4);
        assert_eq!(windows.take(&"a", 60, 4), Step::Taken { remaining: 0 });
        // One of the window before is worth nothing in this one.
        windows.give_back(&"a", 0);
        assert_eq!(windows.take(&"a", 60, 4), Step::Exhausted);
        windows.give_back(&"a", 60);
        assert_eq!(windows.take(&"a", 60, 4), Step::Taken { remaining: 0 });
        assert_eq!(windows.take(&"a", 60, 4), Step::Exhausted);
    }

    #[test]
    fn a_clock_that_goes_back_does_not_begin_a_count_anew() {
        let mut windows = Windows::new();
        windows.refill("a", 60, 120, 0, 4);
        windows.refill("a", 0, 60, 3, 1);
        assert_eq!(windows.take(&"a", 0, 4), Step::Exhausted);
    }

    #[test]
    fn it_does_not_grow_without_end_and_forgets_what_is_over_first() {
        let mut windows = Windows::new();
        for subject in 0..CAPACITY {
            windows.refill(subject, 0, 60, 1, 1);
        }
        assert_eq!(windows.by_key.len(), CAPACITY);
        windows.refill(CAPACITY, 60, 120, 1, 1);
        assert_eq!(windows.by_key.len(), 1);
        for subject in 0..2 * CAPACITY {
            let left = u32::from(subject >= 10);
            windows.refill(subject, 60, 120, left, 4);
            assert!(windows.by_key.len() <= CAPACITY);
        }
        // The refused ones are the last to be forgotten.
        assert!((0..10).all(|subject| windows.is_exhausted(&subject, 60, 4)));
    }
}
