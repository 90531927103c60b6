//! BM25 over the chunks that whoever asks may see.
//!
//! The score of a chunk is the sum over the query's terms, repetitions counted, of
//! `idf × tf × (k1 + 1) / (tf + k1 × (1 - b + b × length / average))` with `idf = ln(1 + (n - df + 0.5) / (df + 0.5))`.
//!
//! `n`, `df` and the average length are of visible chunks alone. That is nearly free, because a term's postings are read
//! anyway, and it keeps hidden documents from shifting scores, by which they could be probed for words. What remains is
//! time: long postings of hidden chunks take longer to read. The filter does not change the statistics: it says what is
//! wanted, not what is secret.

use std::collections::BTreeMap;

use crate::scan::Eligible;
use crate::segment::Segment;
use crate::tokenize::each_term;
use crate::top::{Scored, Top};
use crate::{Error, Result};

/// How soon more occurrences of a term stop counting.
pub const K1: f32 = 1.2;
/// How much long chunks are held back.
pub const B: f32 = 0.75;

/// Reading the postings of a term costs up to what reading those of all chunks does.
const MAX_TERMS: usize = 256;

/// A term's visible postings in each segment.
struct Found {
    weight: f32,
    postings: Vec<Vec<(u32, u32)>>,
}

pub(crate) fn search(
    segments: &[Segment],
    eligible: &[Eligible],
    text: &str,
    most: usize,
) -> Result<Vec<Scored>> {
    let terms = query_terms(text)?;
    let (chunks, average) = statistics(segments, eligible);
    let mut found = Vec::new();
    // In the order of the terms, so that sums of floats are the same however chunks are spread over segments.
    for (term, times) in &terms {
        found.push(visible_postings(segments, eligible, term, *times, chunks)?);
    }
    let mut top = Top::new(most);
    for (index, (segment, eligible)) in segments.iter().zip(eligible).enumerate() {
        let scores = scores(segment, eligible, &found, index, average);
        eligible.each_selected(|chunk, place| {
            if scores[chunk] > 0.0 {
                top.push(Scored {
                    score: scores[chunk],
                    place,
                    at: at(index, chunk),
                });
            }
        });
    }
    Ok(top.into_ranked())
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a segment has fewer than 2^31 bytes"
)]
pub(crate) fn at(segment: usize, chunk: usize) -> (u32, u32) {
    (segment as u32, chunk as u32)
}

pub(crate) fn query_terms(text: &str) -> Result<BTreeMap<String, u32>> {
    let mut terms = BTreeMap::new();
    each_term(text, &mut |term| {
        *terms.entry(term.to_owned()).or_insert(0) += 1
    });
    if terms.len() > MAX_TERMS {
        return Err(Error::invalid(format!(
            "the query's text has more than {MAX_TERMS} different words; shorten it"
        )));
    }
    Ok(terms)
}

/// How many chunks are visible, and how many terms they have on average.
#[expect(
    clippy::cast_precision_loss,
    reason = "the sum is exact as an integer, and rounded once"
)]
fn statistics(segments: &[Segment], eligible: &[Eligible]) -> (usize, f32) {
    let (mut chunks, mut terms) = (0usize, 0u64);
    for (segment, eligible) in segments.iter().zip(eligible) {
        for (chunk, length) in segment.lengths().enumerate() {
            if eligible.visible(chunk) {
                chunks += 1;
                terms += u64::from(length);
            }
        }
    }
    (
        chunks,
        (terms as f64 / chunks.max(1) as f64).max(1.0) as f32,
    )
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "counts; a chunk's index has 32 bits"
)]
fn visible_postings(
    segments: &[Segment],
    eligible: &[Eligible],
    term: &str,
    times: u32,
    chunks: usize,
) -> Result<Found> {
    let mut postings = Vec::with_capacity(segments.len());
    for (segment, eligible) in segments.iter().zip(eligible) {
        let mut here = Vec::new();
        for posting in segment.postings(term)?.into_iter().flatten() {
            let (chunk, frequency) = posting?;
            if eligible.visible(chunk) {
                here.push((chunk as u32, frequency));
            }
        }
        postings.push(here);
    }
    let with_term = postings.iter().map(Vec::len).sum::<usize>() as f64;
    let inverse = (1.0 + (chunks as f64 - with_term + 0.5) / (with_term + 0.5)).ln();
    let weight = (inverse * f64::from(times)) as f32 * (K1 + 1.0);
    Ok(Found { weight, postings })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "lengths and frequencies are small"
)]
fn scores(
    segment: &Segment,
    eligible: &Eligible,
    found: &[Found],
    index: usize,
    average: f32,
) -> Vec<f32> {
    let mut scores = vec![0.0; segment.chunks()];
    if found.iter().all(|term| term.postings[index].is_empty()) {
        return scores;
    }
    let held_back = |length: u32| K1 * (1.0 - B + B * length as f32 / average);
    let held_back: Vec<f32> = segment.lengths().map(held_back).collect();
    for term in found {
        for &(chunk, frequency) in &term.postings[index] {
            let chunk = chunk as usize;
            if eligible.selected(chunk) {
                let frequency = frequency as f32;
                scores[chunk] += term.weight * frequency / (frequency + held_back[chunk]);
            }
        }
    }
    scores
}
