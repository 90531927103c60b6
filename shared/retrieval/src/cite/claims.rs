//! What an answer claims: its sentences, with the markers and quotations in them.

use std::collections::BTreeSet;
use std::ops::Range;

use super::blocks::{Kind, blocks};
use super::markers::markers;
use super::numbers::numbers;
use super::quotations::quotations;
use super::sentences::{sentences, trimmed};
use super::weight::content_words;
use crate::tokenize::terms;

/// With fewer content words nothing is claimed, unless a marker says that something is.
const MIN_CONTENT: f64 = 3.0;

#[derive(Debug)]
pub(super) struct Claim {
    /// In bytes of the answer.
    pub range: Range<usize>,
    /// Its different terms, in their order.
    pub terms: Vec<String>,
    pub numbers: BTreeSet<String>,
    /// The numbers of its markers, as written; `None` where it has no marker.
    pub cited: Option<BTreeSet<usize>>,
    /// Those within it: one of several sentences is not seen as one.
    pub quotations: Vec<Quotation>,
    /// Whether the answer has less support if this has none. An exclamation without a marker ("Let me know!") may repeat
    /// a passage, and need not.
    pub counts: bool,
}

/// Words of a claim in quotation marks.
#[derive(Debug)]
pub(super) struct Quotation {
    /// In bytes of the answer.
    pub range: Range<usize>,
    pub terms: Vec<String>,
}

type Marker = (Range<usize>, Vec<usize>);

/// The claims of an answer, in its order. Code, questions, headings and what ends with a colon are none, unless they have
/// a marker. That a passage does *not* say something is a claim as any other: it has no support in them.
pub(super) fn claims(answer: &str) -> Vec<Claim> {
    let all: Vec<Marker> = markers(answer).collect();
    // Without its markers, and with the same offsets.
    let masked = masked(answer, &all);
    let mut markers = all.as_slice();
    let mut claims: Vec<Claim> = Vec::new();
    for block in blocks(answer) {
        let before = markers.partition_point(|(range, _)| range.start < block.range.start);
        let length = markers[before..].partition_point(|(range, _)| range.start < block.range.end);
        let of_block = &markers[before..before + length];
        markers = &markers[before + length..];
        if block.kind == Kind::Code {
            continue;
        }
        let text = &masked[block.range.clone()];
        if trimmed(text, 0..text.len()).is_none() {
            // Markers alone belong to what stands before them.
            if let Some(last) = claims.last_mut().filter(|last| last.cited.is_none()) {
                last.cited = cited(of_block);
            }
            continue;
        }
        for (range, markers) in of_sentences(text, &block.range, block.kind, of_block) {
            for part in parts(&masked, range, markers) {
                claims.extend(Claim::of(answer, &masked, part, block.kind));
            }
        }
    }
    claims
}

fn masked(answer: &str, markers: &[Marker]) -> String {
    let mut masked = String::with_capacity(answer.len());
    for (range, _) in markers {
        masked.push_str(&answer[masked.len()..range.start]);
        masked.extend(std::iter::repeat_n(' ', range.len()));
    }
    masked.push_str(&answer[masked.len()..]);
    masked
}

/// The sentences of a block, each with the markers in it and after it; those before the first are the first one's.
fn of_sentences<'a>(
    text: &str,
    block: &Range<usize>,
    kind: Kind,
    mut markers: &'a [Marker],
) -> Vec<(Range<usize>, &'a [Marker])> {
    let ranges = match kind {
        Kind::Text => sentences(text),
        _ => trimmed(text, 0..text.len()).into_iter().collect(),
    };
    let starts = ranges.iter().skip(1).map(|range| block.start + range.start);
    let ends: Vec<usize> = starts.chain([block.end]).collect();
    let sentences = ranges.into_iter().zip(ends).map(|(range, end)| {
        let here = markers.partition_point(|(marker, _)| marker.start < end);
        let (of_sentence, rest) = markers.split_at(here);
        markers = rest;
        (
            block.start + range.start..block.start + range.end,
            of_sentence,
        )
    });
    sentences.collect()
}

/// A sentence cut after its groups of markers, if what stands before each, and after the last, could be a claim; else it
/// is one part. `A costs 5 [1] and B costs 7 [2]` are two claims, `A [1] costs 5` is one.
fn parts<'a>(
    masked: &str,
    sentence: Range<usize>,
    markers: &'a [Marker],
) -> Vec<(Range<usize>, &'a [Marker])> {
    let apart = |left: &Marker, right: &Marker| {
        masked[left.0.end..right.0.start].contains(char::is_alphanumeric)
    };
    let mut found = Vec::new();
    let mut start = sentence.start;
    for group in markers.chunk_by(|left, right| !apart(left, right)) {
        let (first, last) = (&group[0].0, &group[group.len() - 1].0);
        if first.start > start {
            let end = first.start.min(sentence.end);
            found.push((start..end, group));
        }
        start = last.end.clamp(start, sentence.end.max(start));
    }
    let rest = start..sentence.end.max(start);
    let has_rest = masked[rest.clone()].contains(char::is_alphanumeric);
    let claims = |range: &Range<usize>| content_words(&masked[range.clone()]) >= MIN_CONTENT;
    let grouped: usize = found.iter().map(|(_, group)| group.len()).sum();
    let whole = found.is_empty()
        || grouped < markers.len()
        || found.len() + usize::from(has_rest) > 1
            && !(found.iter().all(|(range, _)| claims(range)) && (!has_rest || claims(&rest)));
    if whole {
        return vec![(
            if has_rest || found.len() != 1 {
                sentence
            } else {
                found.remove(0).0
            },
            markers,
        )];
    }
    if has_rest {
        found.push((rest, &[]));
    }
    found
}

fn cited(markers: &[Marker]) -> Option<BTreeSet<usize>> {
    let numbers = markers
        .iter()
        .flat_map(|(_, numbers)| numbers.iter().copied());
    (!markers.is_empty()).then(|| numbers.collect())
}

impl Claim {
    fn of(
        answer: &str,
        masked: &str,
        (range, markers): (Range<usize>, &[Marker]),
        kind: Kind,
    ) -> Option<Self> {
        let range = trimmed(masked, range)?;
        let text = &masked[range.clone()];
        let cited = cited(markers);
        let last =
            text.trim_end_matches(|c: char| !(c.is_alphanumeric() || "?？؟!！:：".contains(c)));
        let ends = |marks: &[char]| last.ends_with(marks);
        let silent = kind == Kind::Heading || ends(&['?', '？', '؟', ':', '：']);
        let enough = if cited.is_some() {
            f64::MIN_POSITIVE
        } else {
            MIN_CONTENT
        };
        if silent && cited.is_none() || content_words(text) < enough {
            return None;
        }
        let mut known = BTreeSet::new();
        let terms = terms(text)
            .into_iter()
            .filter(|term| known.insert(term.clone()));
        let quotations = quotations(&answer[range.clone()])
            .into_iter()
            .map(|quoted| {
                let range = range.start + quoted.start..range.start + quoted.end;
                let terms = crate::tokenize::terms(&answer[range.clone()]);
                Quotation { range, terms }
            });
        Some(Self {
            terms: terms.collect(),
            numbers: numbers(text),
            counts: cited.is_some() || !ends(&['!', '！']),
            cited,
            quotations: quotations.collect(),
            range,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(answer: &str, expected: &[(&str, &[usize])]) {
        let found = claims(answer);
        let found: Vec<(&str, Vec<usize>)> = found
            .iter()
            .map(|claim| {
                (
                    &answer[claim.range.clone()],
                    claim.cited.iter().flatten().copied().collect(),
                )
            })
            .collect();
        let expected: Vec<(&str, Vec<usize>)> = expected
            .iter()
            .map(|(text, cited)| (*text, cited.to_vec()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn markers_belong_to_the_sentence_that_they_end_or_stand_in() {
        check(
            "Batteries last five years [1]. Chargers last longer. [2][1] Nobody knows why motors break.[1, 3] See page [2] first.",
            &[
                ("Batteries last five years", &[1]),
                ("Chargers last longer.", &[1, 2]),
                ("Nobody knows why motors break.", &[1, 3]),
                ("See page [2] first.", &[2]),
            ],
        );
        check(
            "電池は五年間使えます。[1]充電器は別売りです【2】。",
            &[
                ("電池は五年間使えます。", &[1]),
                ("充電器は別売りです", &[2]),
            ],
        );
        check(
            "Batteries last five years.\n\n[1]\n\nChargers usually last longer.",
            &[
                ("Batteries last five years.", &[1]),
                ("Chargers usually last longer.", &[]),
            ],
        );
    }

    #[test]
    fn a_sentence_with_several_markers_is_cut_where_both_sides_claim_something() {
        check(
            "The large battery costs 500 euro [1] and the small charger costs 70 euro [2].",
            &[
                ("The large battery costs 500 euro", &[1]),
                ("and the small charger costs 70 euro", &[2]),
            ],
        );
        check(
            "According to [1], large batteries cost 500 euro [2].",
            &[(
                "According to [1], large batteries cost 500 euro [2].",
                &[1, 2],
            )],
        );
    }

    #[test]
    fn items_and_rows_are_claims_and_headings_questions_and_code_are_not() {
        check(
            "# Large battery prices today\nThese are the current prices:\n- large battery costs more [1]\n| part | price |\n|---|---|\n| large charger | 70 euro [2] |\n```\nlarge battery price list [1]\n```\nDo you need more information today?",
            &[
                ("large battery costs more", &[1]),
                ("| large charger | 70 euro", &[2]),
            ],
        );
    }

    #[test]
    fn what_has_too_few_words_claims_nothing_but_with_a_marker() {
        check("Hello there. Oslo [1].\n\n[2] [3]", &[("Oslo", &[1])]);
    }
}
