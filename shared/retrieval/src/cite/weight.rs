//! How much a term says.

use std::collections::BTreeSet;

use crate::tokenize::{is_paired, terms};

/// Added to the number of sentences, so that in a few sentences a word of the subject, which stands in each, still weighs.
const BACKGROUND: f64 = 10.0;

/// What a term says by itself: `(weight, content words)`.
///
/// There is no list of stop words: they are short in the alphabets of Europe, and in Japanese they are written in
/// Hiragana. What is left of them is frequent, which [`weight`] takes off. Pairs of characters are parts of words: of
/// Han and Hangul two make one, and of the letters of Thai and its neighbours five.
pub(super) fn content(term: &str) -> (f64, f64) {
    let Some(first) = term.chars().next() else {
        return (0.0, 0.0);
    };
    if is_paired(first) {
        let hiragana = |c| ('\u{3041}'..='\u{309f}').contains(&c);
        return match term.chars().filter(|c| hiragana(*c)).count() {
            0 if matches!(u32::from(first), 0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF) => {
                (0.3, 0.2)
            }
            0 => (0.6, 0.5),
            1 => (0.3, 0.25),
            _ => (0.1, 0.0),
        };
    }
    if term.contains(char::is_numeric) {
        return (1.0, 1.0);
    }
    // Words of Hebrew, Arabic and India are shorter.
    let length = term.chars().take(5).count() + usize::from(first >= '\u{590}');
    match length {
        0 | 1 => (0.05, 0.0),
        2 => (0.15, 0.0),
        3 => (0.3, 0.0),
        4 => (0.7, 1.0),
        _ => (1.0, 1.0),
    }
}

/// What a term weighs that stands in `count` of `sentences`. One that stands in none weighs as much as if it stood in one.
pub(super) fn weight(term: &str, count: u32, sentences: u32) -> f64 {
    let total = f64::from(sentences) + BACKGROUND;
    content(term).0 * (total / (f64::from(count.max(1)) + 1.0)).ln_1p()
}

/// How many different content words a text has.
pub(super) fn content_words(text: &str) -> f64 {
    let terms: BTreeSet<String> = terms(text).into_iter().collect();
    terms.iter().map(|term| content(term).1).sum()
}
