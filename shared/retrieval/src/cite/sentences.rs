//! Sentences, and pieces of those that are too long to be quoted.
//!
//! Not by Unicode's sentence bounds (UAX #29): these end a sentence at each line of a wrapped paragraph and after the
//! opening bracket in `end.[1]`, and the library's look ahead makes them quadratic in runs of spaces. The rules here are
//! fewer, and one pass. Abbreviations before a capital (`Dr. Who`) end a sentence; two neighbours may be quoted together.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// The sentences of a block, trimmed, in bytes. Together they have all of it but white space.
pub(super) fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut before = [' '; 2];
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let [second, first] = before;
        before = [first, c];
        if !is_end(c) {
            continue;
        }
        let mut closed = at + c.len_utf8();
        let mut wide = is_wide_end(c);
        while let Some((at, c)) = characters.next_if(|(_, c)| is_end(*c) || is_closing(*c)) {
            closed = at + c.len_utf8();
            wide |= is_wide_end(c);
        }
        let after = characters.peek().is_some();
        let mut spaced = false;
        while characters.next_if(|(_, c)| c.is_whitespace()).is_some() {
            spaced = true;
        }
        before = [' '; 2];
        let goes_on = characters
            .peek()
            .is_some_and(|(_, next)| next.is_lowercase());
        let initial = c == '.' && first.is_alphabetic() && !second.is_alphanumeric();
        let ends = wide || !after || spaced && !initial && !(c == '.' && goes_on);
        if ends {
            found.extend(trimmed(text, start..closed));
            start = closed;
        }
    }
    found.extend(trimmed(text, start..text.len()));
    found
}

/// A range in pieces of at most `most` characters, cut between words where that can be; trimmed.
pub(super) fn pieces(text: &str, range: Range<usize>, most: usize) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let (mut start, mut at, mut length) = (range.start, range.start, 0);
    for word in text[range].split_word_bounds() {
        let characters = word.chars().count();
        if length + characters > most {
            found.extend(trimmed(text, start..at));
            (start, length) = (at, 0);
        }
        if characters > most {
            // No word, or one that nobody can read: it is cut anywhere.
            for (offset, _) in word.char_indices().step_by(most).skip(1) {
                found.extend(trimmed(text, start..at + offset));
                start = at + offset;
            }
            length = (characters - 1) % most + 1;
        } else {
            length += characters;
        }
        at += word.len();
    }
    found.extend(trimmed(text, start..at));
    found
}

/// The range without white space around it, if there is something else.
pub(super) fn trimmed(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let part = &text[range.clone()];
    let start = range.start + part.len() - part.trim_start().len();
    let end = start + part.trim().len();
    (start < end).then_some(start..end)
}

fn is_end(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '؟' | '۔' | '।' | '॥') || is_wide_end(c)
}

/// No space follows these.
fn is_wide_end(c: char) -> bool {
    matches!(c, '。' | '！' | '？' | '｡' | '．')
}

fn is_closing(c: char) -> bool {
    matches!(
        c,
        '"' | '\''
            | ')'
            | ']'
            | '}'
            | '*'
            | '»'
            | '”'
            | '’'
            | '“'
            | '」'
            | '』'
            | '）'
            | '】'
            | '］'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> = sentences(text)
            .into_iter()
            .map(|range| &text[range])
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn sentences_end_at_their_marks() {
        check(
            "One two.  Three? \"Four!\" Five",
            &["One two.", "Three?", "\"Four!\"", "Five"],
        );
        check(
            "It is 3.5 kg, e.g. here. J. Doe\nsaid so.",
            &["It is 3.5 kg, e.g. here.", "J. Doe\nsaid so."],
        );
        check(
            "甲乙。丙丁！「戊？」己",
            &["甲乙。", "丙丁！", "「戊？」", "己"],
        );
        check(" ... ", &["..."]);
        check("", &[]);
    }

    proptest! {
        #[test]
        fn sentences_and_pieces_have_all_of_a_text_in_its_order(text in any::<String>(), most in 1usize..9) {
            let seen = |ranges: &[Range<usize>]| ranges.iter().map(|range| &text[range.clone()]).collect::<String>();
            let bare = |text: &str| text.split_whitespace().collect::<String>();
            let sentences = sentences(&text);
            prop_assert_eq!(bare(&seen(&sentences)), bare(&text));
            let pieces = pieces(&text, 0..text.len(), most);
            prop_assert_eq!(bare(&seen(&pieces)), bare(&text));
            prop_assert!(pieces.iter().all(|piece| text[piece.clone()].chars().count() <= most));
        }
    }
}
