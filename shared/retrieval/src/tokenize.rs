//! The terms of a text, for BM25: one function for what is indexed and for what is asked.
//!
//! - NFKC, then Unicode words (UAX #29), folded to one case.
//! - Identifiers and numbers are kept whole and in parts: `getUserName` also gives `get`, `user`, `name`; `ERR-1234` gives
//!   itself, `err` and `1234`; `foo_bar.rs` gives itself, `foo`, `bar` and `rs`. `C++` and `C#` are words of their own.
//!   Commas inside numbers are dropped, and single characters that are parts of a word are none.
//! - Scripts without spaces (Han, Kana, Thai, Lao, Khmer, Myanmar), and Hangul, give pairs of neighbouring characters. A
//!   single character is a term only where it stands alone.
//! - Regular English plurals lose their `s` (Harman's weak stemmer). Words of plain letters in other languages that end so do
//!   too, in texts and queries alike; stronger stemmers would take more from them.
//! - Nothing is left out for being frequent: BM25 weighs that.

use std::borrow::Cow;

use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{UnicodeNormalization, is_nfkc};
use unicode_segmentation::UnicodeSegmentation;

/// Of what [`terms`] does. It changes with every change that gives any text other terms.
pub const TOKENIZER_VERSION: u32 = 1;

/// What is longer is cut: nobody asks for it, and dumps of bytes must not fill the index.
const MAX_CHARACTERS: usize = 64;

/// The terms of a text, in its order and as often as they stand in it.
pub fn terms(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    each_term(text, &mut |term| found.push(term.to_owned()));
    found
}

/// [`terms`] without an allocation for each.
pub(crate) fn each_term(text: &str, emit: &mut dyn FnMut(&str)) {
    let text = if is_nfkc(text) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfkc().collect())
    };
    let mut terms = Terms {
        emit,
        folded: String::new(),
    };
    let mut pairs: Option<Span> = None;
    let mut hyphenated: Option<Span> = None;
    for (at, word) in text.unicode_word_indices() {
        for (offset, part, paired) in by_script(word) {
            let span = Span {
                start: at + offset,
                end: at + offset + part.len(),
            };
            if paired {
                extend(
                    &mut pairs,
                    span,
                    |before| before.end == span.start,
                    |it| {
                        terms.pairs(it.of(&text));
                    },
                );
            } else {
                if let Some(before) = pairs.take() {
                    terms.pairs(before.of(&text));
                }
                terms.word(part, &text[span.end..]);
                let joins = |before: Span| text[before.end..span.start] == *"-";
                extend(&mut hyphenated, span, joins, |it| {
                    terms.hyphenated(it.of(&text))
                });
            }
        }
    }
    if let Some(pairs) = pairs {
        terms.pairs(pairs.of(&text));
    }
    if let Some(hyphenated) = hyphenated {
        terms.hyphenated(hyphenated.of(&text));
    }
}

#[derive(Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
}

impl Span {
    fn of(self, text: &str) -> &str {
        &text[self.start..self.end]
    }
}

/// Joins `next` to the run before it, or ends that run and begins another.
fn extend(
    run: &mut Option<Span>,
    next: Span,
    joins: impl Fn(Span) -> bool,
    mut end: impl FnMut(Span),
) {
    match run {
        Some(before) if joins(*before) => before.end = next.end,
        _ => {
            if let Some(before) = run.replace(next) {
                end(before);
            }
        }
    }
}

/// A word cut where scripts that are taken in pairs begin and end: `(offset, part, in pairs)`.
fn by_script(word: &str) -> impl Iterator<Item = (usize, &str, bool)> {
    let mut rest = word;
    let mut offset = 0;
    std::iter::from_fn(move || {
        let paired = is_paired(rest.chars().next()?);
        let end = rest.find(|c| is_paired(c) != paired).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        let found = (offset, part, paired);
        offset += end;
        rest = after;
        Some(found)
    })
}

pub(crate) fn is_paired(c: char) -> bool {
    matches!(u32::from(c),
        0x0E00..=0x0EFF // Thai, Lao
        | 0x1000..=0x109F // Myanmar
        | 0x1100..=0x11FF | 0xA960..=0xA97F | 0xAC00..=0xD7FF // Hangul
        | 0x1780..=0x17FF // Khmer
        | 0x2E80..=0x2FDF | 0x3005..=0x3007 | 0x3021..=0x3029 | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF
        | 0x20000..=0x3FFFF // Han
        | 0x3041..=0x30FF | 0x31F0..=0x31FF // Kana
    )
}

struct Terms<'a> {
    emit: &'a mut dyn FnMut(&str),
    folded: String,
}

impl Terms<'_> {
    /// Neighbouring characters, or the only one.
    fn pairs(&mut self, run: &str) {
        let starts: Vec<usize> = run.char_indices().map(|(at, _)| at).collect();
        if starts.len() == 1 {
            return (self.emit)(run);
        }
        let ends = starts[2..].iter().copied().chain([run.len()]);
        for (start, end) in starts.iter().zip(ends) {
            (self.emit)(&run[*start..end]);
        }
    }

    fn word(&mut self, word: &str, after: &str) {
        if let Some(mark) = mark_of_a_language(after) {
            let whole = format!("{word}{mark}");
            return self.fold(&whole);
        }
        if word.contains(['\'', '’']) {
            return self.apostrophes(word);
        }
        let number = word.contains(',').then(|| word.replace(',', ""));
        let word = number.as_deref().unwrap_or(word);
        self.fold(word);
        let mut start = 0;
        for end in part_ends(word) {
            let part = word[start..end].trim_matches(is_between);
            if end - start < word.len() && part.chars().nth(1).is_some() {
                self.fold(part);
            }
            start = end;
        }
    }

    /// What is said of a word (`dog's`, `l'homme`, `don't`) is dropped, where it is one letter.
    fn apostrophes(&mut self, word: &str) {
        let parts = || word.split(['\'', '’']);
        let long = |part: &&str| part.chars().nth(1).is_some();
        if parts().any(|part| long(&part)) {
            parts().filter(long).for_each(|part| self.fold(part));
        } else {
            self.fold(word);
        }
    }

    /// Words that hyphens join are one term too if there is a digit: `ERR-1234`, `2026-11-26`, but not `state-of-the-art`.
    fn hyphenated(&mut self, run: &str) {
        if run.contains('-') && run.contains(|c: char| c.is_ascii_digit()) {
            self.fold(run);
        }
    }

    fn fold(&mut self, word: &str) {
        self.folded.clear();
        // A mark that stands alone is written with a space before it, which begins no word.
        let signs = word
            .chars()
            .filter(|c| !c.is_whitespace() && !is_unseen(*c));
        for c in signs.take(MAX_CHARACTERS) {
            if c.is_ascii() {
                self.folded.push(c.to_ascii_lowercase());
            } else {
                // By way of upper case: `ß` is `ss`, and a final `ς` is `σ`.
                let upper = c.to_uppercase();
                self.folded.extend(upper.flat_map(char::to_lowercase));
            }
        }
        stem(&mut self.folded);
        if self.folded.contains(char::is_alphanumeric) {
            (self.emit)(&self.folded);
        }
    }
}

/// `C++`, `C#`: what follows the word, if nothing of a word follows that.
fn mark_of_a_language(after: &str) -> Option<&'static str> {
    let mark = ["++", "#"]
        .into_iter()
        .find(|mark| after.starts_with(mark))?;
    let next = after[mark.len()..].chars().next();
    let alone = !next.is_some_and(|c| c.is_alphanumeric() || "+#".contains(c));
    alone.then_some(mark)
}

/// What is neither letter nor digit, nor a mark on one.
fn is_between(c: char) -> bool {
    !c.is_alphanumeric() && !is_combining_mark(c) && !is_unseen(c)
}

/// Soft hyphens, joiners and the like, which say how a word is set and not which it is.
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}'
    )
}

/// Where the parts of a word end: at what is no letter or digit, between letters and digits, before a capital that begins
/// a word (`getUser`, `HTTPServer`).
fn part_ends(word: &str) -> impl Iterator<Item = usize> {
    let characters: Vec<(usize, char)> = word.char_indices().collect();
    let inner = (1..characters.len()).filter_map({
        let characters = characters.clone();
        move |index| {
            let (at, c) = characters[index];
            let before = characters[index - 1].1;
            let after = characters.get(index + 1).map(|(_, c)| *c);
            let capital = c.is_uppercase()
                && (before.is_lowercase()
                    || before.is_uppercase() && after.is_some_and(char::is_lowercase));
            let digits_end = before.is_numeric() != c.is_numeric() && !is_combining_mark(c);
            let cut = is_between(before) || digits_end && !is_combining_mark(before) || capital;
            cut.then_some(at)
        }
    });
    inner.chain([word.len()])
}

/// Harman's weak stemmer for English plurals.
fn stem(word: &mut String) {
    if word.len() < 4 || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return;
    }
    let ends = |ending: &str| word.ends_with(ending);
    if ends("ies") && !ends("eies") && !ends("aies") {
        word.truncate(word.len() - 3);
        word.push('y');
    } else if ends("s") && !ends("us") && !ends("ss") {
        word.pop();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(terms(text).join(" "), expected, "{text}");
    }

    #[test]
    fn words_are_folded_and_compatible_forms_are_one() {
        check("Straße ΟΔΟΣ ｆｕｌｌ ﬁne Ⅻ", "strasse οδοσ full fine xii");
        check("cafe\u{301} CAFÉ", "café café");
        check("हिन्दी עברית", "हिन्दी עברית");
    }

    #[test]
    fn identifiers_and_numbers_are_kept_whole_and_in_parts() {
        check("getUserName()", "getusername get user name");
        check("HTTPServer2", "httpserver2 http server");
        check("foo_bar.rs", "foo_bar.rs foo bar rs");
        check("ERR-1234", "err 1234 err-1234");
        check("on 2026-11-26.", "on 2026 11 26 2026-11-26");
        check("state-of-the-art", "state of the art");
        check(
            "1,000.5 of 192.168.0.1",
            "1000.5 1000 of 192.168.0.1 192 168",
        );
        check("C++, C# and c", "c++ c# and c");
        check("dog's l'homme don’t", "dog homme don");
    }

    #[test]
    fn scripts_without_spaces_give_pairs() {
        check("東京都 に", "東京 京都 に");
        check("iPhone手机", "iphone phone 手机");
        check("한국어 LG전자", "한국 국어 lg 전자");
    }

    #[test]
    fn plurals_and_singulars_are_one_term() {
        check("cities keys glass status gas", "city key glass status gas");
        check("houses house", "house house");
    }

    #[test]
    fn what_is_not_seen_makes_no_other_word() {
        check("co\u{ad}operate نمی\u{200c}خواهم", "cooperate نمیخواهم");
    }

    #[test]
    fn what_is_endless_is_cut() {
        let found = terms(&"x".repeat(5000));
        assert_eq!(found, ["x".repeat(MAX_CHARACTERS)]);
    }

    proptest! {
        #[test]
        fn any_text_has_terms_without_spaces(text in any::<String>()) {
            for term in terms(&text) {
                prop_assert!(!term.is_empty() && !term.contains(char::is_whitespace));
            }
        }

        #[test]
        fn composed_and_decomposed_text_have_the_same_terms(text in any::<String>()) {
            let composed: String = text.nfc().collect();
            let decomposed: String = text.nfd().collect();
            prop_assert_eq!(terms(&composed), terms(&decomposed));
        }

        #[test]
        fn a_word_is_found_by_itself_in_any_sentence(word in "[a-zA-Z0-9_]{1,20}", around in "[a-z ]{0,20}") {
            let text = terms(&format!("{around} {word}, {around}"));
            prop_assert!(terms(&word).iter().all(|term| text.contains(term)));
        }
    }
}
