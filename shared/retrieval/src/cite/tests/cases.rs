//! Answers as models write them, and what must and must not be cited.

use super::passage;
use crate::cite::{Basis, Cited, Support, cite};
use crate::pack::{PackedChunk, Passage};

const WARRANTY: &str = "Warranty terms\n\nThe warranty covers manufacturing defects for 24 months from the date of \
    purchase. It does not cover damage caused by liquids or by improper storage. Batteries are covered for 12 months \
    only.\n\nTo make a claim, send the receipt and a description of the defect to service@example.com. Repairs usually \
    take ten working days.";
const RETURNS: &str = "Unused products can be returned within 30 days of delivery. The buyer pays for the return \
    shipping, which costs 4.90 euro within the country. Refunds are made to the original payment method.";
const OFFICE: &str = "The Oslo office opened in 2019 and has 42 employees. It is responsible for research and customer \
    support in the Nordic countries. Visitors must register at the reception.";
const GERMAN: &str = "Die Kündigungsfrist beträgt drei Monate zum Ende eines Quartals. Die Kündigung muss schriftlich \
    erfolgen und von beiden Parteien bestätigt werden.";
const JAPANESE: &str = "当社の保証期間は購入日から二年間です。液体による損傷は保証の対象外となります。修理には十営業日かかります。";
const CODE: &str = "| code | meaning |\n|---|---|\n| ERR-1234 | The access token has expired |\n| ERR-1300 | The tenant was suspended |\n\n\
    Call `refreshToken()` to get a new access token after an ERR-1234 response.";

fn passages() -> Vec<Passage> {
    let texts = [WARRANTY, RETURNS, OFFICE, GERMAN, JAPANESE, CODE];
    let documents = ["warranty", "returns", "office", "vertrag", "hosho", "codes"];
    documents
        .into_iter()
        .zip(texts)
        .map(|(name, text)| passage(name, 100, text))
        .collect()
}

/// `(document, basis, quote)` of each citation.
fn shown(cited: &Cited) -> Vec<(&str, Basis, &str)> {
    let citations = cited.citations.iter();
    citations
        .map(|it| (it.document.as_str(), it.basis, it.quote.as_str()))
        .collect()
}

#[track_caller]
fn check(answer: &str, support: Support, expected: &[(&str, Basis, &str)]) {
    let cited = cite(answer, &passages());
    assert_eq!(shown(&cited), expected, "{answer}");
    assert_eq!(cited.support, support, "{answer}");
}

const DEFECTS: &str =
    "The warranty covers manufacturing defects for 24 months from the date of purchase.";
const LIQUIDS: &str = "It does not cover damage caused by liquids or by improper storage.";
const SHIPPING: &str =
    "The buyer pays for the return shipping, which costs 4.90 euro within the country.";
const OPENED: &str = "The Oslo office opened in 2019 and has 42 employees.";

#[test]
fn what_a_marker_names_is_cited_with_the_sentence_that_says_it() {
    use Basis::Marker;
    check(
        "Manufacturing defects are covered for 24 months [1].",
        Support::Full,
        &[("warranty", Marker, DEFECTS)],
    );
    check(
        "Damage by liquids is not covered【1】",
        Support::Full,
        &[("warranty", Marker, LIQUIDS)],
    );
    check(
        "- Defects: the warranty lasts 24 months. [1]\n- You pay 4,90 euro for shipping a return [2].",
        Support::Full,
        &[("warranty", Marker, DEFECTS), ("returns", Marker, SHIPPING)],
    );
    check("Oslo [3].", Support::Full, &[("office", Marker, OPENED)]);
    check("42 [3]", Support::Full, &[("office", Marker, OPENED)]);
    check(
        "Die Kündigungsfrist ist drei Monate zum Quartalsende [4].",
        Support::Full,
        &[(
            "vertrag",
            Marker,
            GERMAN.split_inclusive('.').next().unwrap(),
        )],
    );
    check(
        "保証期間は二年間です。[5]",
        Support::Full,
        &[("hosho", Marker, "当社の保証期間は購入日から二年間です。")],
    );
    check(
        "`ERR-1234` means that the access token expired [6].",
        Support::Full,
        &[(
            "codes",
            Marker,
            "| ERR-1234 | The access token has expired |",
        )],
    );
}

#[test]
fn a_marker_of_the_wrong_passage_or_of_none_supports_nothing() {
    for answer in [
        "Manufacturing defects are covered for 24 months [2].",
        "Manufacturing defects are covered for 24 months [9].",
        "Manufacturing defects are covered for 24 months [0].",
        "Manufacturing defects are covered for 36 months [1].",
        "Paris is the capital of France [1].",
        "You should have been told that this is what they will do with it [1].",
        "The office in Oslo has 420 employees [3].",
        "Yes [1].",
    ] {
        check(answer, Support::None, &[]);
    }
}

#[test]
fn a_sentence_may_have_several_passages() {
    use Basis::Marker;
    check(
        "The warranty for defects lasts 24 months, and return shipping costs 4.90 euro [1, 2].",
        Support::Full,
        &[("warranty", Marker, DEFECTS), ("returns", Marker, SHIPPING)],
    );
    check(
        "The warranty for defects lasts 24 months [1], and return shipping costs 4.90 euro [2].",
        Support::Full,
        &[("warranty", Marker, DEFECTS), ("returns", Marker, SHIPPING)],
    );
    check(
        "The warranty for defects lasts 24 months [1][3].",
        Support::Full,
        &[("warranty", Marker, DEFECTS)],
    );
}

#[test]
fn words_in_quotation_marks_are_found_wherever_they_are() {
    use Basis::{Marker, Quoted};
    let liquids = "damage caused by liquids";
    check(
        "The text speaks of “damage caused by liquids” here.",
        Support::Full,
        &[("warranty", Quoted, liquids)],
    );
    check(
        "The text speaks of \"damage caused by\nliquids.\" [1]",
        Support::Full,
        &[("warranty", Marker, liquids)],
    );
    check(
        "「液体による損傷は保証の対象外」と書かれています。",
        Support::Full,
        &[("hosho", Quoted, "液体による損傷は保証の対象外")],
    );
    check(
        "The text speaks of “damage caused by water” here.",
        Support::None,
        &[],
    );
    check(
        "All 77 texts speak of “damage caused by liquids” here.",
        Support::None,
        &[],
    );
}

#[test]
fn copied_words_without_a_marker_are_matched() {
    use Basis::Matched;
    check(
        "The warranty covers manufacturing defects for 24 months.",
        Support::Full,
        &[("warranty", Matched, DEFECTS)],
    );
    check(
        "Damage caused by liquids or improper storage is not covered.",
        Support::Full,
        &[("warranty", Matched, LIQUIDS)],
    );
    check(
        "The Oslo office opened in 2019 and employs 42 people.",
        Support::Full,
        &[("office", Matched, OPENED)],
    );
    check(
        "Die Kündigung muss schriftlich erfolgen.",
        Support::Full,
        &[(
            "vertrag",
            Matched,
            "Die Kündigung muss schriftlich erfolgen und von beiden Parteien bestätigt werden.",
        )],
    );
    check(
        "液体による損傷は保証の対象外です。",
        Support::Full,
        &[("hosho", Matched, "液体による損傷は保証の対象外となります。")],
    );
}

#[test]
fn what_only_looks_alike_is_not_matched() {
    for answer in [
        "The warranty covers manufacturing defects for 36 months.",
        "The Oslo office opened in 2018 and has 42 employees.",
        "The warranty covers theft, loss and scratches for all customers.",
        "The Bergen office closed because research was moved to other countries.",
        "Products can be bought within the country by every original customer.",
        "I could not find any information about that in the provided documents.",
        "Artificial intelligence will change how people work in the coming decades.",
        "当社の社長は東京に住んでいます。",
    ] {
        check(answer, Support::None, &[]);
    }
}

#[test]
fn support_is_of_what_is_claimed() {
    use Basis::Marker;
    let cited: &[_] = &[("warranty", Marker, DEFECTS)];
    check(
        "# The warranty of your products\nHello! Defects are covered for 24 months [1]. Do you want to know more about returns and refunds?",
        Support::Full,
        cited,
    );
    check(
        "Defects are covered for 24 months [1]. Let me know if you need anything else today!",
        Support::Full,
        cited,
    );
    check(
        "Defects are covered for 24 months [1]. The chief executive lives near Trondheim.",
        Support::Partial,
        cited,
    );
    check(
        "Defects are covered for 24 months [1]. Oslo has 42 employees [8].",
        Support::Partial,
        cited,
    );
    check(
        "Hello! How can I help you with the documents today?",
        Support::None,
        &[],
    );
    check(
        "```\nThe warranty covers manufacturing defects for 24 months. [1]\n```",
        Support::None,
        &[],
    );
    check("", Support::None, &[]);
    check("[1][2] [3]", Support::None, &[]);
}

#[test]
fn a_citation_says_where_its_quote_and_its_claim_stand() {
    let mut passages = [passage(
        "a",
        100,
        "🚀🚀 Intro. The rocket engine burns methane. End.",
    )];
    let chunk = |ordinal, start, end, page| PackedChunk {
        ordinal,
        hit: 0,
        start,
        end,
        page: Some(page),
    };
    passages[0].chunks = vec![
        chunk(4, 100, 112, 8),
        chunk(5, 108, 140, 9),
        chunk(6, 120, 150, 10),
    ];
    let cited = cite(
        "Ünd 🚀: *ja*.\nThe rocket burns methane [1]. So it is.",
        &passages,
    );
    let [citation] = cited.citations.as_slice() else {
        panic!("{cited:?}");
    };
    assert_eq!(citation.quote, "The rocket engine burns methane.");
    assert_eq!((citation.start, citation.end), (110, 142));
    assert_eq!((citation.chunk, citation.page), (5, Some(9)));
    assert_eq!((citation.index, citation.version.as_str()), (0, "v1"));
    assert_eq!((citation.answer_start, citation.answer_end), (13, 37));
}

#[test]
fn numbers_of_headings_are_known_and_long_sentences_are_cut() {
    let long = format!(
        "{} the turbine produces electricity from steam {}",
        "and so on".repeat(60),
        "or not ".repeat(80)
    );
    let mut passages = [
        passage("a", 0, "Revenue of the group grew strongly."),
        passage("b", 0, &long),
    ];
    passages[0].headings = vec!["Report 2024".to_owned()];
    let cited = cite(
        "In 2024 group revenue grew strongly [1]. A turbine produces electricity from steam [2].",
        &passages,
    );
    assert_eq!(cited.support, Support::Full, "{cited:?}");
    assert_eq!(
        cited.citations[0].quote,
        "Revenue of the group grew strongly."
    );
    let quote = &cited.citations[1].quote;
    assert!(
        quote.contains("the turbine produces electricity from steam")
            && quote.chars().count() <= 300,
        "{quote}"
    );
}
