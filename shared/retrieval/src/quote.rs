//! Finds a quote in the text from which it is said to be.

/// Where `quote` stands in `text`, in code points: as it is, or else with any whitespace where the quote has some. The
/// first place counts. A quote of nothing but whitespace stands nowhere.
///
/// The text in the range is the quote, apart from how much and which whitespace stands between its words; where it is not
/// found, the quote is not to be shown as one.
pub fn find_quote(text: &str, quote: &str) -> Option<(usize, usize)> {
    if quote.trim().is_empty() {
        return None;
    }
    let (start, end) = match text.find(quote) {
        Some(start) => (start, start + quote.len()),
        None => find_normalised(text, quote)?,
    };
    let before = text[..start].chars().count();
    Some((before, before + text[start..end].chars().count()))
}

/// In bytes.
fn find_normalised(text: &str, quote: &str) -> Option<(usize, usize)> {
    let words: Vec<&str> = quote.split_whitespace().collect();
    let quote = words.join(" ");
    let text = Normalised::of(text);
    let start = text.text.find(&quote)?;
    let last = start + quote.len() - 1;
    // The quote begins and ends with what is no whitespace, which normalisation copies byte by byte.
    Some((text.original(start), text.original(last) + 1))
}

/// A text whose runs of whitespace are single spaces, and where they were.
struct Normalised {
    text: String,
    /// `(place in the normalised text, place in the original)` of each word.
    words: Vec<(usize, usize)>,
}

impl Normalised {
    fn of(original: &str) -> Self {
        let mut normalised = Self {
            text: String::with_capacity(original.len()),
            words: Vec::new(),
        };
        for word in original.split_whitespace() {
            if !normalised.text.is_empty() {
                normalised.text.push(' ');
            }
            // A part of `original`, hence at a distance from its beginning.
            let at = word.as_ptr() as usize - original.as_ptr() as usize;
            normalised.words.push((normalised.text.len(), at));
            normalised.text.push_str(word);
        }
        normalised
    }

    /// Where a byte of a word was.
    fn original(&self, at: usize) -> usize {
        let word = self.words.partition_point(|(start, _)| *start <= at);
        // The first word begins at 0.
        let (start, original) = self.words[word - 1];
        original + (at - start)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(text: &str, range: (usize, usize)) -> String {
        text.chars().skip(range.0).take(range.1 - range.0).collect()
    }

    fn normalised(text: &str) -> String {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_quote_is_found_as_it_is_or_with_other_whitespace() {
        let text = "Ø  was\n\there, and\u{a0}left.";
        assert_eq!(find_quote(text, "here,  and"), Some((8, 17)));
        assert_eq!(find_quote(text, "was here"), Some((3, 12)));
        assert_eq!(find_quote(text, "  was\n"), Some((1, 7)));
        assert_eq!(find_quote(text, " left. "), Some((18, 23)));
        assert_eq!(find_quote(text, "was  there"), None);
        assert_eq!(find_quote(text, "washere"), None);
        assert_eq!(find_quote(text, " \n"), None);
        assert_eq!(find_quote("", "x"), None);
    }

    #[test]
    fn the_exact_place_comes_before_an_earlier_similar_one() {
        assert_eq!(find_quote("a\nb a b", "a b"), Some((4, 7)));
    }

    proptest! {
        #[test]
        fn what_is_found_is_the_quote_apart_from_whitespace(text in "[abä \n\u{3000}]{0,30}", quote in "[abä \t]{0,8}") {
            if let Some(range) = find_quote(&text, &quote) {
                prop_assert_eq!(normalised(&cut(&text, range)), normalised(&quote));
            } else {
                prop_assert!(quote.trim().is_empty() || !normalised(&text).contains(&normalised(&quote)));
            }
        }

        #[test]
        fn every_part_of_a_text_is_found_however_it_is_spaced(
            text in any::<String>(), from in 0usize..50, length in 1usize..50,
        ) {
            let part: String = text.chars().skip(from).take(length).collect();
            prop_assume!(!part.trim().is_empty());
            let respaced = normalised(&part).replace(' ', "\n \n");
            let range = find_quote(&text, &respaced).unwrap();
            prop_assert_eq!(normalised(&cut(&text, range)), normalised(&part));
        }
    }
}
