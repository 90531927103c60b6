//! What an answer puts in quotation marks.

use std::ops::Range;

use crate::tokenize::is_paired;

/// What is longer is no quotation, but the text between two of them.
const MAX_BYTES: usize = 2000;

/// The words between quotation marks, in bytes and in their order, where they are enough to be recognised: three words,
/// fifteen characters, or six of a script without spaces. Names and single words in marks are none.
pub(super) fn quotations(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut open: Option<(char, usize)> = None;
    for (at, c) in text.char_indices() {
        let closed = open.filter(|(mark, _)| closing(*mark).contains(&c));
        if let Some((_, start)) = closed {
            if is_enough(&text[start..at]) {
                found.push(start..at);
            }
            open = None;
        } else if !closing(c).is_empty() {
            open = Some((c, at + c.len_utf8()));
        }
    }
    found
}

/// The marks that end what `open` begins. German and Danish use some of them the other way round.
fn closing(open: char) -> &'static [char] {
    match open {
        '"' => &['"'],
        '“' => &['”'],
        '„' | '‟' => &['“', '”'],
        '”' => &['”'],
        '«' => &['»'],
        '»' => &['«', '»'],
        '「' => &['」'],
        '『' => &['』'],
        _ => &[],
    }
}

fn is_enough(quotation: &str) -> bool {
    let quotation = quotation.trim();
    let words = quotation.split_whitespace().take(3).count();
    let characters = quotation.chars().take(15).count();
    let paired = quotation.chars().filter(|c| is_paired(*c)).take(6).count();
    quotation.len() <= MAX_BYTES && (words >= 3 || characters >= 15 || paired >= 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> = quotations(text)
            .into_iter()
            .map(|range| &text[range])
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn words_between_marks_of_many_languages_are_quotations() {
        check(
            "It says \"one two three\" and “four five six”.",
            &["one two three", "four five six"],
        );
        check(
            "„eins zwei drei“ «un deux trois» »et to tre«",
            &["eins zwei drei", "un deux trois", "et to tre"],
        );
        check(
            "”ett två tre” 「一二三四五六」",
            &["ett två tre", "一二三四五六"],
        );
    }

    #[test]
    fn a_word_or_what_is_never_closed_is_none() {
        check("the \"foo\" of “bar baz” and 「一二」 “one two three", &[]);
        check("“a “one two three”", &["one two three"]);
        check(&format!("\"{}\"", "a b c ".repeat(1000)), &[]);
    }
}
