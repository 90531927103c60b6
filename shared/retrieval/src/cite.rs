//! Finds what supports an answer in the passages from which it was written, and nothing that does not stand there.
//!
//! A model's marker is a hint, not a proof: what is cited is a quote of the passage, cut here, that shares words and
//! numbers with what the answer claims. A claim without a marker is looked for in all passages, with a higher bar. Only
//! words are compared: a claim that says the same in other words or in another language has no citation, and one that
//! denies what the quote says may have one. All numbers of a claim must be known to the passages that it cites.

mod blocks;
mod claims;
mod evidence;
mod markers;
mod numbers;
mod quotations;
mod sentences;
#[cfg(test)]
mod tests;
mod weight;

use std::ops::Range;

pub use self::markers::markers;

use self::claims::{Claim, Quotation, claims};
use self::evidence::{Evidence, Window, points};
use crate::pack::{PackedChunk, Passage};
use crate::quote::find_quote;

/// An answer has no more citations: those that come later in it are left out.
pub const MAX_CITATIONS: usize = 50;

/// What a passage that the model named must share with the claim: this part of its weight, and this many content words
/// or all that the claim has. In the cases of the tests, passages that are named alone and rightly score about 0.7 and more;
/// the bar leaves room for other words. What keeps wrong ones out is the number of words, and that numbers agree.
const MARKED_SCORE: f64 = 0.3;
/// Of each of several passages that are named for one claim, as each may support a part of it.
const SHARED_SCORE: f64 = 0.2;
const MARKED_WORDS: f64 = 2.0;
/// The same for passages that nobody named.
const MATCHED_SCORE: f64 = 0.6;
const MATCHED_WORDS: f64 = 4.0;

/// After so many comparisons of terms, the rest of an answer is not looked at and has no support. What models write from
/// what fits their context takes fewer: this bounds answers and passages that repeat some words without end, at less
/// than a second.
const MAX_COMPARISONS: usize = 50_000_000;
/// Reading so many bytes for a quotation takes as long as one comparison.
const BYTES_PER_COMPARISON: usize = 4;

/// What [`cite`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cited {
    /// In the order of the answer, at most [`MAX_CITATIONS`].
    pub citations: Vec<Citation>,
    /// How much of the answer they support, with those that were left out.
    pub support: Support,
}

/// A quote that supports a claim of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Citation {
    /// The passage, from 0.
    pub index: usize,
    /// The document's id.
    pub document: String,
    /// The version of the document that the quote is of.
    pub version: String,
    /// The number of the chunk in which the quote begins.
    pub chunk: u32,
    /// The page on which that chunk begins, where the document has pages.
    pub page: Option<u32>,
    /// Where the quote begins in the document's text, in code points.
    pub start: u32,
    /// Where it ends.
    pub end: u32,
    /// Exactly what stands in the document from `start` to `end`.
    pub quote: String,
    /// Where the claim begins in the answer, in code points.
    pub answer_start: u32,
    /// Where it ends, before the markers at its end; those within stay.
    pub answer_end: u32,
    /// Why this was cited.
    pub basis: Basis,
}

/// Why a quote was cited, from the strongest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The model named the passage by its number.
    Marker,
    /// The answer has the quote in quotation marks.
    Quoted,
    /// The claim has the words of the quote.
    Matched,
}

/// How many of an answer's claims have a citation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// All of them.
    Full,
    /// Some of them.
    Partial,
    /// None, or there are none.
    None,
}

/// The citations of an answer that was written from `passages`, numbered from 1 in their order.
///
/// A claim is a sentence, a list item's sentence or a table row with three content words, or with a marker. It is
/// supported if a passage that it names shares enough words with it; a marker of another passage, or of none, does not
/// support it. Without markers it needs words in quotation marks that stand in a passage, or most of its words in one
/// place of a passage.
pub fn cite(answer: &str, passages: &[Passage]) -> Cited {
    cite_within(answer, passages, MAX_COMPARISONS).0
}

/// With about as many comparisons as `most`, and how many there were.
fn cite_within(answer: &str, passages: &[Passage], most: usize) -> (Cited, usize) {
    let mut citing = Citing {
        answer,
        passages,
        evidence: Evidence::of(passages),
        most,
        citations: Vec::new(),
        point: (0, 0),
    };
    let (mut supported, mut unsupported) = (false, false);
    for claim in claims(answer) {
        let found = citing.found(&claim);
        supported |= !found.is_empty();
        unsupported |= found.is_empty() && claim.counts;
        citing.add(&claim, found);
    }
    let support = match (supported, unsupported) {
        (true, false) => Support::Full,
        (true, true) => Support::Partial,
        (false, _) => Support::None,
    };
    let citations = citing.citations;
    (Cited { citations, support }, citing.evidence.comparisons)
}

struct Citing<'a> {
    answer: &'a str,
    passages: &'a [Passage],
    evidence: Evidence,
    /// Comparisons.
    most: usize,
    citations: Vec<Citation>,
    /// A place in the answer in bytes and in code points, from which the next is counted.
    point: (usize, u32),
}

/// A passage and a range of its text, in code points.
type Found = (usize, Range<u32>, Basis);

impl Citing<'_> {
    fn is_spent(&self) -> bool {
        self.evidence.comparisons > self.most
    }

    fn found(&mut self, claim: &Claim) -> Vec<Found> {
        if self.is_spent() {
            return Vec::new();
        }
        match &claim.cited {
            Some(numbers) => {
                let passages = numbers.iter().filter_map(|number| number.checked_sub(1));
                let known = passages.filter(|index| *index < self.passages.len());
                self.marked(claim, known.collect())
            }
            None => {
                let quoted = self.quoted(claim);
                if quoted.is_empty() {
                    self.matched(claim)
                } else {
                    quoted
                }
            }
        }
    }

    /// In the passages that the claim names. A number that the quote has not may stand elsewhere in them, as it does where
    /// two passages are cited for one sentence, or the year stands in a heading; one that they nowhere have is made up.
    fn marked(&mut self, claim: &Claim, cited: Vec<usize>) -> Vec<Found> {
        let known = |number: &String| {
            cited
                .iter()
                .any(|index| self.evidence.knows(*index, number))
        };
        if cited.is_empty() || !claim.numbers.iter().all(known) {
            return Vec::new();
        }
        let words: f64 = claim.terms.iter().map(|term| weight::content(term).1).sum();
        let bar = if cited.len() > 1 {
            SHARED_SCORE
        } else {
            MARKED_SCORE
        };
        let windows = self.evidence.windows(claim);
        let of_passage = cited.into_iter().filter_map(|index| {
            let mut quotations = claim.quotations.iter();
            let quoted = quotations.find_map(|quotation| self.quotation(index, quotation));
            let enough =
                |window: &Window| window.score >= bar && window.shared >= MARKED_WORDS.min(words);
            let window = windows[index].filter(enough);
            let range = quoted.or(window.map(|window| window.start..window.end))?;
            Some((index, range, Basis::Marker))
        });
        of_passage.collect()
    }

    /// In the first passage that has the quotation, and all numbers of the claim.
    fn quoted(&mut self, claim: &Claim) -> Vec<Found> {
        if claim.quotations.is_empty() {
            return Vec::new();
        }
        let knowing = (0..self.passages.len()).filter(|index| {
            let mut numbers = claim.numbers.iter();
            numbers.all(|number| self.evidence.knows(*index, number))
        });
        let knowing: Vec<usize> = knowing.collect();
        let of_quotation = claim.quotations.iter().filter_map(|quotation| {
            knowing.iter().find_map(|index| {
                let range = self.quotation(*index, quotation)?;
                Some((*index, range, Basis::Quoted))
            })
        });
        of_quotation.collect()
    }

    /// In the passage that shares most with the claim.
    fn matched(&mut self, claim: &Claim) -> Vec<Found> {
        let windows = self.evidence.windows(claim);
        let enough = |window: &Window| {
            window.missing == 0 && window.score >= MATCHED_SCORE && window.shared >= MATCHED_WORDS
        };
        let mut best: Option<(usize, Window)> = None;
        for (index, window) in windows.into_iter().enumerate() {
            if let Some(window) = window.filter(enough)
                && best.is_none_or(|(_, best)| window.score > best.score)
            {
                best = Some((index, window));
            }
        }
        let found = best.map(|(index, window)| (index, window.start..window.end, Basis::Matched));
        found.into_iter().collect()
    }

    /// Where a passage has a quotation of the answer, or has it without the full stop that belongs to the answer.
    fn quotation(&mut self, index: usize, quotation: &Quotation) -> Option<Range<u32>> {
        if self.is_spent() || !self.evidence.may_have(index, &quotation.terms) {
            return None;
        }
        let quotation = &self.answer[quotation.range.clone()];
        let text = &self.passages[index].text;
        let bare = quotation.trim_end_matches(['.', ',', ';', '!', '?', '…', '。']);
        let (start, end) = [quotation, bare].into_iter().find_map(|quotation| {
            self.evidence.comparisons += text.len() / BYTES_PER_COMPARISON;
            find_quote(text, quotation)
        })?;
        Some(u32::try_from(start).ok()?..u32::try_from(end).ok()?)
    }

    fn add(&mut self, claim: &Claim, found: Vec<Found>) {
        for (index, range, basis) in found {
            if self.citations.len() == MAX_CITATIONS {
                return;
            }
            let answer_start = self.point_of(claim.range.start);
            let answer_end = answer_start + points(&self.answer[claim.range.clone()]);
            let place = place(&self.passages[index], range);
            self.citations
                .extend(place.map(|(chunk, start, end, quote)| Citation {
                    index,
                    document: self.passages[index].document.clone(),
                    version: self.passages[index].version.clone(),
                    chunk: chunk.ordinal,
                    page: chunk.page,
                    start,
                    end,
                    quote,
                    answer_start,
                    answer_end,
                    basis,
                }));
        }
    }

    /// Claims come in the order of the answer.
    fn point_of(&mut self, byte: usize) -> u32 {
        let (at, point) = self.point;
        self.point = (byte, point + points(&self.answer[at..byte]));
        self.point.1
    }
}

/// A range of a passage in its document. `None` if the passage is of no chunk, or its offsets are not those of any text.
fn place(passage: &Passage, range: Range<u32>) -> Option<(&PackedChunk, u32, u32, String)> {
    let start = passage.start.checked_add(range.start)?;
    let end = passage.start.checked_add(range.end)?;
    let length = (range.end - range.start) as usize;
    let quote = passage.text.chars().skip(range.start as usize).take(length);
    let chunk = chunk_of(&passage.chunks, start, end)?;
    Some((chunk, start, end, quote.collect()))
}

/// The chunk in which a quote begins. Where chunks overlap, the last one that has all of it, or else the last: pages are
/// those on which chunks begin, so that its page is the nearest.
fn chunk_of(chunks: &[PackedChunk], start: u32, end: u32) -> Option<&PackedChunk> {
    let begins = |chunk: &&PackedChunk| (chunk.start..chunk.end).contains(&start);
    let whole = chunks
        .iter()
        .rev()
        .find(|chunk| begins(chunk) && end <= chunk.end);
    whole.or_else(|| chunks.iter().rev().find(begins))
}
