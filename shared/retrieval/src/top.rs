//! The best so many of many.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Where a chunk stands among all, by document and ordinal: a smaller place comes first among equals.
pub(crate) type Place = u64;

/// A chunk and what a stage gave it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scored {
    pub score: f32,
    pub place: Place,
    /// The segment, and the chunk in it.
    pub at: (u32, u32),
}

impl Ord for Scored {
    fn cmp(&self, other: &Self) -> Ordering {
        let score = self.score.total_cmp(&other.score);
        score.then_with(|| other.place.cmp(&self.place))
    }
}

impl PartialOrd for Scored {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Scored {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Scored {}

/// Keeps the best `most` of what is pushed.
pub(crate) struct Top {
    most: usize,
    kept: BinaryHeap<Reverse<Scored>>,
}

impl Top {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            kept: BinaryHeap::new(),
        }
    }

    pub(crate) fn push(&mut self, scored: Scored) {
        if self.kept.len() < self.most {
            self.kept.push(Reverse(scored));
        } else if let Some(mut worst) = self.kept.peek_mut()
            && worst.0 < scored
        {
            worst.0 = scored;
        }
    }

    /// Best first.
    pub(crate) fn into_ranked(self) -> Vec<Scored> {
        let ascending = self.kept.into_sorted_vec();
        ascending
            .into_iter()
            .map(|Reverse(scored)| scored)
            .collect()
    }
}
