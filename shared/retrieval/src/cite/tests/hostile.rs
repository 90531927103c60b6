//! Answers and passages that nobody writes in good faith, and what they cost.

use proptest::prelude::*;

use super::passage;
use crate::cite::{MAX_CITATIONS, Support, cite, cite_within, markers};
use crate::pack::Passage;

const SENTENCE: &str = "The warranty covers manufacturing defects.";

#[test]
fn endless_markers_cite_once() {
    let passages = [passage("a", 0, SENTENCE)];
    for answer in [
        format!("{SENTENCE}{}", "[1]".repeat(10_000)),
        format!("{SENTENCE} [{}1]", "1,".repeat(10_000)),
        format!("{} {SENTENCE}", "[1]".repeat(10_000)),
        format!("{SENTENCE} {}1{}", "[".repeat(10_000), "]".repeat(10_000)),
    ] {
        let cited = cite(&answer, &passages);
        assert_eq!(
            (cited.citations.len(), cited.support),
            (1, Support::Full),
            "{}",
            &answer[..60]
        );
    }
    assert_eq!(cite(&"[1]".repeat(10_000), &passages).citations, []);
    assert_eq!(
        cite("[99999999999999999999]", &passages).support,
        Support::None
    );
}

#[test]
fn citations_are_capped_in_the_order_of_the_answer() {
    let passages = [passage("a", 0, SENTENCE)];
    let cited = cite(&format!("{SENTENCE} [1]\n\n").repeat(200), &passages);
    assert_eq!(
        (cited.citations.len(), cited.support),
        (MAX_CITATIONS, Support::Full)
    );
    assert!(
        cited
            .citations
            .is_sorted_by_key(|citation| citation.answer_start)
    );
    let length = u32::try_from(SENTENCE.len() + " [1]\n\n".len()).unwrap();
    assert_eq!(cited.citations[49].answer_start, 49 * length);
}

#[test]
fn passages_without_chunks_or_with_impossible_offsets_are_not_cited() {
    let answer = format!("{SENTENCE} [1]");
    let mut homeless = passage("a", 0, SENTENCE);
    homeless.chunks.clear();
    assert_eq!(cite(&answer, &[homeless]).citations, []);
    assert_eq!(
        cite(&answer, &[passage("a", u32::MAX - 5, SENTENCE)]).citations,
        []
    );
    assert_eq!(cite(&answer, &[]).support, Support::None);
}

#[test]
fn work_grows_with_the_answer_and_is_bounded() {
    let text = "Alpha bravo gamma.\n".repeat(500);
    let passages: Vec<Passage> = (0..50).map(|_| passage("a", 0, &text)).collect();
    let most = 2_000_000;
    let work = |answer: &str| cite_within(answer, &passages, most).1;
    let sentences = |count: usize| work(&"Alpha bravo gamma.\n".repeat(count));
    assert_eq!(sentences(10), 10 * sentences(1));
    assert!(sentences(1) > 3 * 50 * 500);
    // One claim, or one quotation, may be begun before the end.
    let last = sentences(1);
    assert!((most..=most + last).contains(&sentences(50_000)));
    let quotations = work(&"“Alpha bravo gamma” ".repeat(20_000));
    assert!((most..=most + last).contains(&quotations), "{quotations}");
}

/// Each of these took quadratic time in some splitter of sentences, brackets or marks.
#[test]
fn a_megabyte_of_anything_is_read() {
    let passages = [passage("a", 0, SENTENCE)];
    for unit in [
        "[",
        "]",
        "【1†",
        "`",
        "`` ` ",
        "“",
        "\"",
        ". ",
        ".",
        " ",
        "a",
        "a ",
        "1,",
        "[1,",
        "[1] ",
        "|",
        "- ",
        "\n",
        "```\n",
        "。",
        "🚀",
        "e\u{301}",
        "\u{301}",
        "“a b c” [1] ",
    ] {
        let answer = unit.repeat(1_000_000 / unit.len());
        let cited = cite(&answer, &passages);
        assert_eq!(cited.citations, [], "{unit}");
    }
}

/// Texts of what the code looks for.
fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        prop::sample::select(vec![
            "The warranty covers defects",
            "for 24 months",
            "1,000.5",
            "東京都は首都",
            "です。",
            "液体による損傷",
            "🚀",
            "e\u{301}",
            "\u{200d}",
            "👩‍👩‍👧",
            "[1]",
            "[2]",
            "[1, 2]",
            "【1】",
            "[",
            "]",
            "[999]",
            "[[1]]",
            ". ",
            "! ",
            "?",
            "。",
            "\n",
            "\n\n",
            "\r\n",
            "- ",
            "| ",
            "# ",
            "```\n",
            "`",
            "\"",
            "“",
            "”",
            "「",
            "」",
            "„",
            " ",
            "\u{3000}",
            "\u{2028}",
            ":",
            "ﬁ",
            "ß",
            "İ",
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
        "[a-z]{1,8} ",
    ];
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

fn cut(text: &str, start: u32, end: u32) -> String {
    text.chars()
        .skip(start as usize)
        .take((end - start) as usize)
        .collect()
}

proptest! {
    #[test]
    fn every_quote_is_what_stands_in_its_document(
        texts in prop::collection::vec((text(), 0u32..1000), 0..4), answer in text(), copied in 0usize..4, number in 0usize..6,
    ) {
        let passages: Vec<Passage> = texts.iter().map(|(text, start)| passage("a", *start, text)).collect();
        let copied = texts.get(copied).map_or("", |(text, _)| text);
        let answer = format!("{answer}{copied} [{number}] \"{copied}\"");
        let cited = cite(&answer, &passages);
        prop_assert!(cited.citations.len() <= MAX_CITATIONS);
        prop_assert!(cited.citations.is_empty() || cited.support != Support::None);
        let length = u32::try_from(answer.chars().count()).unwrap();
        for citation in &cited.citations {
            let passage = &passages[citation.index];
            prop_assert!(!citation.quote.trim().is_empty());
            prop_assert!(passage.start <= citation.start && citation.start < citation.end && citation.end <= passage.end);
            prop_assert_eq!(&citation.quote, &cut(&passage.text, citation.start - passage.start, citation.end - passage.start));
            prop_assert!(citation.answer_start < citation.answer_end && citation.answer_end <= length);
        }
    }

    #[test]
    fn markers_are_disjoint_brackets_in_order(answer in text()) {
        let mut at = 0;
        for (range, numbers) in markers(&answer) {
            prop_assert!(at <= range.start && !numbers.is_empty());
            prop_assert!(answer[range.clone()].starts_with(['[', '【', '［']) && answer[range.clone()].ends_with([']', '】', '］']));
            at = range.end;
        }
    }

    #[test]
    fn a_copied_sentence_with_its_marker_is_cited(words in prop::collection::vec("[a-z]{4,9}", 3..20), around in text()) {
        let sentence = format!("{}.", words.join(" "));
        let passages = [passage("a", 5, &format!("{around}\n\n{sentence}\n\n{around}"))];
        let cited = cite(&format!("{sentence} [1]"), &passages);
        prop_assert_eq!(cited.support, Support::Full);
    }
}
