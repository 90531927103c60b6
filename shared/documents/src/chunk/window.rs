//! How much of a text has so many tokens.

use unicode_segmentation::GraphemeCursor;

pub(super) struct Window<'t> {
    pub(super) text: &'t str,
    pub(super) tokens: &'t dyn Fn(&str) -> usize,
}

/// A search ends when it is as near as this part of the length: counting again costs more than the rest is worth.
const PRECISION: usize = 32;
/// About how many bytes a token has.
const BYTES_PER_TOKEN: usize = 4;

impl Window<'_> {
    /// The end of a part from `begin` on that has at most `most` tokens, and nearly as many if there is so much text; at
    /// least one code point. It looks at no more text than a few times that.
    pub(super) fn longest(&self, begin: usize, most: usize) -> usize {
        let fits = |end: usize| (self.tokens)(self.text[begin..end].trim_end()) <= most;
        let first = begin + self.text[begin..].chars().next().map_or(0, char::len_utf8);
        let (mut low, mut high) = (first, first);
        let mut step = most * BYTES_PER_TOKEN;
        while low == high {
            high = floor(self.text, begin + step, first);
            if fits(high) {
                low = high;
                if low == self.text.len() {
                    return low;
                }
                step *= 2;
            }
        }
        while high - low > (low - begin) / PRECISION + 4 {
            let middle = floor(self.text, low.midpoint(high), low);
            if middle == low {
                break;
            }
            if fits(middle) {
                low = middle
            } else {
                high = middle
            }
        }
        self.whole_character(begin, low)
    }

    /// The beginning of a part before `end`, after `begin`, that has at most `most` tokens.
    pub(super) fn longest_before(&self, begin: usize, end: usize, most: usize) -> usize {
        let fits = |from: usize| (self.tokens)(self.text[from..end].trim()) <= most;
        let (mut low, mut high) = (begin, end);
        while high - low > (end - high) / PRECISION + 4 {
            let middle = floor(self.text, low.midpoint(high), low);
            if middle == low {
                break;
            }
            if fits(middle) {
                high = middle
            } else {
                low = middle
            }
        }
        high
    }

    /// The same end, or that of the last character before it as people see characters. One that is longer than a chunk is
    /// cut.
    fn whole_character(&self, begin: usize, end: usize) -> usize {
        // What is before `begin` does not matter, because a chunk may begin there; what is after `end` is one code point.
        let after = self.text[end..].chars().next().map_or(0, char::len_utf8);
        let part = &self.text[begin..end + after];
        let is_boundary =
            |at: usize| GraphemeCursor::new(at, part.len(), true).is_boundary(part, 0) == Ok(true);
        let ends = part
            .char_indices()
            .rev()
            .map(|(at, _)| at)
            .filter(|at| *at > 0 && begin + at <= end);
        // No character that means anything is so long.
        ends.take(64)
            .find(|at| is_boundary(*at))
            .map_or(end, |at| begin + at)
    }
}

/// The last boundary of a code point up to `at`, but not before `least`.
fn floor(text: &str, at: usize, least: usize) -> usize {
    text.floor_char_boundary(at).max(least)
}
