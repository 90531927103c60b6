//! Puts what was found together for a prompt.

use std::collections::BTreeMap;

use crate::attributes::Attributes;
use crate::query::Hit;

/// A part of a document's text, of one chunk or of several that touch each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// The document's id.
    pub document: String,
    /// The version of the document that this text is of.
    pub version: String,
    /// The document's name.
    pub name: String,
    /// The document's attributes.
    pub attributes: Attributes,
    /// Where the text begins in the document's, in code points.
    pub start: u32,
    /// Where it ends; `end - start` is its length.
    pub end: u32,
    /// The headings above its beginning, outermost first.
    pub headings: Vec<String>,
    /// The sum of its chunks' tokens. Where chunks overlap that is more than its text has.
    pub tokens: u32,
    /// Exactly what stands in the document from `start` to `end`.
    pub text: String,
    /// Its chunks, in the order of the text: they tell the page of a quote.
    pub chunks: Vec<PackedChunk>,
}

/// Where a chunk of a [`Passage`] is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackedChunk {
    /// The chunk's number in its document.
    pub ordinal: u32,
    /// Its place among the hits, from 0.
    pub hit: usize,
    /// Where it begins in the document's text, in code points.
    pub start: u32,
    /// Where it ends.
    pub end: u32,
    /// The page on which it begins, where the document has pages.
    pub page: Option<u32>,
}

/// The best hits that fit `max_tokens` together, by their own counts, as passages: chunks of one document that touch or
/// overlap become one. A passage stands where its best chunk stood.
///
/// Hits are taken from the best on; one that does not fit any more is left out, and smaller ones after it may still fit.
pub fn pack(hits: &[Hit], max_tokens: u32) -> Vec<Passage> {
    let mut left = max_tokens;
    let mut by_document: BTreeMap<(&str, &str), Vec<(usize, &Hit)>> = BTreeMap::new();
    for (index, hit) in hits.iter().enumerate() {
        let of_document = by_document
            .entry((&hit.document, &hit.version))
            .or_default();
        let twice = of_document
            .iter()
            .any(|(_, other)| other.ordinal == hit.ordinal);
        if let Some(rest) = left.checked_sub(hit.tokens)
            && !twice
        {
            left = rest;
            of_document.push((index, hit));
        }
    }
    let mut passages = Vec::new();
    for mut chunks in by_document.into_values() {
        chunks.sort_by_key(|(_, hit)| (hit.start, hit.end, hit.ordinal));
        let mut current: Option<Passage> = None;
        for (index, hit) in chunks {
            if !current
                .as_mut()
                .is_some_and(|passage| passage.joined(index, hit))
            {
                passages.extend(current.replace(Passage::of(index, hit)));
            }
        }
        passages.extend(current);
    }
    passages.sort_by_key(Passage::rank);
    passages
}

impl Passage {
    fn of(index: usize, hit: &Hit) -> Self {
        Self {
            document: hit.document.clone(),
            version: hit.version.clone(),
            name: hit.name.clone(),
            attributes: hit.attributes.clone(),
            start: hit.start,
            end: hit.end,
            headings: hit.headings.clone(),
            tokens: hit.tokens,
            text: hit.text.clone(),
            chunks: vec![PackedChunk::of(index, hit)],
        }
    }

    /// Takes in a chunk that does not begin earlier, if it touches or overlaps, and says whether it did.
    fn joined(&mut self, index: usize, hit: &Hit) -> bool {
        let Some(overlap) = self.end.checked_sub(hit.start) else {
            return false;
        };
        let known = byte_of(&self.text, hit.start - self.start);
        let new = byte_of(&hit.text, overlap);
        // The same place of a document has the same text. If it has not, offsets are wrong, and nothing is made of them.
        let (mine, theirs) = (&self.text[known..], &hit.text[..new]);
        if !mine.starts_with(theirs) || (new < hit.text.len() && mine != theirs) {
            return false;
        }
        self.text.push_str(&hit.text[new..]);
        self.end = self.end.max(hit.end);
        self.tokens += hit.tokens;
        self.chunks.push(PackedChunk::of(index, hit));
        true
    }

    fn rank(&self) -> usize {
        self.chunks
            .iter()
            .map(|chunk| chunk.hit)
            .min()
            .unwrap_or(usize::MAX)
    }
}

impl PackedChunk {
    fn of(hit: usize, of: &Hit) -> Self {
        Self {
            ordinal: of.ordinal,
            hit,
            start: of.start,
            end: of.end,
            page: of.page,
        }
    }
}

/// Where the code point is, or the end of a shorter text.
fn byte_of(text: &str, point: u32) -> usize {
    let found = text.char_indices().nth(point as usize);
    found.map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::query::Stage;

    const TEXT: &str =
        "Ånd: the quick brown fox jumps over the lazy dog, and über all of it 走 again.";

    fn hit(document: &str, ordinal: u32, start: u32, end: u32) -> Hit {
        let text = TEXT
            .chars()
            .skip(start as usize)
            .take((end - start) as usize);
        Hit {
            document: document.to_owned(),
            version: "1".to_owned(),
            name: document.to_uppercase(),
            attributes: Attributes::default(),
            ordinal,
            start,
            end,
            page: Some(ordinal),
            headings: vec![format!("heading {ordinal}")],
            tokens: end - start,
            text: text.collect(),
            score: 1.0,
            vector: None,
            keyword: Some(Stage {
                rank: 1,
                score: 1.0,
            }),
            fused: None,
        }
    }

    fn shape(passages: &[Passage]) -> Vec<(&str, u32, u32)> {
        passages
            .iter()
            .map(|passage| (passage.document.as_str(), passage.start, passage.end))
            .collect()
    }

    #[test]
    fn chunks_that_touch_or_overlap_become_one_passage_at_the_best_ones_place() {
        let hits = [
            hit("b", 0, 40, 50),
            hit("a", 2, 20, 30),
            hit("b", 5, 0, 9),
            hit("a", 1, 8, 22),
            hit("a", 3, 30, 35),
        ];
        let passages = pack(&hits, 1000);
        assert_eq!(shape(&passages), [("b", 40, 50), ("a", 8, 35), ("b", 0, 9)]);
        let ordinals: Vec<u32> = passages[1]
            .chunks
            .iter()
            .map(|chunk| chunk.ordinal)
            .collect();
        assert_eq!(ordinals, [1, 2, 3]);
        assert_eq!(passages[1].headings, ["heading 1"]);
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_smaller_hits_may_follow() {
        let hits = [hit("a", 0, 0, 10), hit("b", 0, 0, 20), hit("c", 0, 0, 5)];
        assert_eq!(shape(&pack(&hits, 15)), [("a", 0, 10), ("c", 0, 5)]);
        assert!(pack(&hits, 4).is_empty());
    }

    #[test]
    fn versions_of_a_document_are_never_mixed() {
        let mut other = hit("a", 1, 10, 20);
        other.version = "2".to_owned();
        assert_eq!(pack(&[hit("a", 0, 0, 10), other], 100).len(), 2);
    }

    #[test]
    fn texts_that_contradict_each_other_are_not_joined() {
        let mut wrong = hit("a", 1, 5, 20);
        wrong.text = "x".repeat(15);
        assert_eq!(pack(&[hit("a", 0, 0, 10), wrong], 100).len(), 2);
    }

    proptest! {
        #[test]
        fn passages_are_the_documents_text_within_the_budget(
            chunks in prop::collection::vec(("[ab]", 0u32..60, 1u32..17), 0..12), max_tokens in 0u32..150,
        ) {
            let hits = chunks.iter().zip(0..);
            let hits: Vec<Hit> = hits.map(|((name, start, length), ordinal)| hit(name, ordinal, *start, start + length)).collect();
            let passages = pack(&hits, max_tokens);
            let packed: u32 = passages.iter().flat_map(|passage| &passage.chunks).map(|chunk| hits[chunk.hit].tokens).sum();
            prop_assert!(packed <= max_tokens);
            prop_assert_eq!(packed, passages.iter().map(|passage| passage.tokens).sum::<u32>());
            for passage in &passages {
                let text: String = TEXT.chars().skip(passage.start as usize).take((passage.end - passage.start) as usize).collect();
                prop_assert_eq!(&passage.text, &text);
            }
            for (left, right) in passages.iter().zip(passages.iter().skip(1)) {
                prop_assert!(left.rank() < right.rank());
            }
            for (index, left) in passages.iter().enumerate() {
                let others = passages[index + 1..].iter().filter(|right| right.document == left.document);
                for right in others {
                    prop_assert!(left.end < right.start || right.end < left.start);
                }
            }
            if let Some(next) = hits.iter().enumerate().find(|(index, _)| !passages.iter().any(|p| p.chunks.iter().any(|c| c.hit == *index))) {
                prop_assert!(next.1.tokens > max_tokens - packed);
            }
        }
    }
}
