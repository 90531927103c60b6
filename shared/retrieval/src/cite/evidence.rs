//! The sentences of passages, and which of them say most of what a claim says.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::blocks::blocks;
use super::claims::Claim;
use super::numbers::numbers;
use super::sentences::{pieces, sentences};
use super::weight::{content, weight};
use crate::pack::Passage;
use crate::tokenize::terms;

/// A longer sentence is cut into pieces of [`MAX_PIECE`], of which two neighbours may be quoted.
const MAX_SENTENCE: usize = 300;
const MAX_PIECE: usize = 150;
/// Two neighbours that are longer together are no quote.
const MAX_PAIR: u32 = 400;
/// Two sentences must say half as much again as the better of them: a word more that the next one has by chance is no
/// reason to quote it too.
const PAIR: f64 = 0.65;
/// For each number of the claim that the quote has not.
const MISSING_NUMBER: f64 = 0.7;

/// An index of the sentences of some passages.
pub(super) struct Evidence {
    units: Vec<Unit>,
    /// The units of each passage.
    of_passages: Vec<Range<usize>>,
    /// The units in which a term stands, in their order.
    terms: BTreeMap<String, Vec<usize>>,
    numbers: BTreeMap<String, Vec<usize>>,
    /// The numbers anywhere in a passage, also in its headings and its name.
    all_numbers: Vec<BTreeSet<String>>,
    sums: Vec<Sums>,
    /// The units whose sums are not zero.
    touched: Vec<usize>,
    /// How many postings were read, which is what the time is spent on.
    pub comparisons: usize,
}

/// A sentence of a passage, or a piece of one.
struct Unit {
    passage: usize,
    /// In code points of the passage's text.
    start: u32,
    end: u32,
}

/// One unit, or two neighbours, that share words with a claim.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// In code points of the passage's text.
    pub start: u32,
    pub end: u32,
    /// The share of the claim's weight that stands in it, less what is taken off for numbers that do not.
    pub score: f64,
    /// How many content words they share.
    pub shared: f64,
    /// How many of the claim's numbers it does not have.
    pub missing: usize,
}

#[derive(Clone, Copy, Default)]
struct Sum {
    weight: f64,
    shared: f64,
    numbers: usize,
}

/// Of a unit alone, and of it with the next one.
#[derive(Clone, Copy, Default)]
struct Sums {
    one: Sum,
    two: Sum,
    touched: bool,
}

impl Evidence {
    pub fn of(passages: &[Passage]) -> Self {
        let mut evidence = Self {
            units: Vec::new(),
            of_passages: Vec::new(),
            terms: BTreeMap::new(),
            numbers: BTreeMap::new(),
            all_numbers: Vec::new(),
            sums: Vec::new(),
            touched: Vec::new(),
            comparisons: 0,
        };
        for passage in passages {
            evidence.add(passage);
        }
        evidence.sums = vec![Sums::default(); evidence.units.len()];
        evidence
    }

    fn add(&mut self, passage: &Passage) {
        let first = self.units.len();
        let index = self.of_passages.len();
        let text = &passage.text;
        let mut all_numbers = numbers(&passage.name);
        for heading in &passage.headings {
            all_numbers.extend(numbers(heading));
        }
        let (mut at, mut point) = (0, 0);
        let mut point_of = |byte: usize| {
            point += points(&text[at..byte]);
            at = byte;
            point
        };
        for range in units(text) {
            let unit = self.units.len();
            let part = &text[range.clone()];
            for term in terms(part) {
                post(&mut self.terms, term, unit);
            }
            for number in numbers(part) {
                all_numbers.insert(number.clone());
                post(&mut self.numbers, number, unit);
            }
            let (start, end) = (point_of(range.start), point_of(range.end));
            self.units.push(Unit {
                passage: index,
                start,
                end,
            });
        }
        self.of_passages.push(first..self.units.len());
        self.all_numbers.push(all_numbers);
    }

    /// The best window of each passage, if one shares anything with the claim; the first of equal ones.
    pub fn windows(&mut self, claim: &Claim) -> Vec<Option<Window>> {
        let sentences = u32::try_from(self.units.len()).unwrap_or(u32::MAX);
        let mut total = 0.0;
        for term in &claim.terms {
            let postings = self.terms.get(term).map_or(&[][..], Vec::as_slice);
            let count = u32::try_from(postings.len()).unwrap_or(u32::MAX);
            let gain = Sum {
                weight: weight(term, count, sentences),
                shared: content(term).1,
                numbers: 0,
            };
            total += gain.weight;
            self.comparisons += 1 + postings.len();
            add_up(&mut self.sums, &mut self.touched, postings, gain);
        }
        for number in &claim.numbers {
            let postings = self.numbers.get(number).map_or(&[][..], Vec::as_slice);
            let gain = Sum {
                numbers: 1,
                ..Sum::default()
            };
            self.comparisons += 1 + postings.len();
            add_up(&mut self.sums, &mut self.touched, postings, gain);
        }
        self.touched.sort_unstable();
        let mut best: Vec<Option<Window>> = vec![None; self.of_passages.len()];
        for unit in std::mem::take(&mut self.touched) {
            let sums = std::mem::take(&mut self.sums[unit]);
            let Unit {
                passage,
                start,
                end,
            } = self.units[unit];
            let of_sum = |sum: Sum, end: u32, factor: f64| {
                let missing = claim.numbers.len() - sum.numbers;
                let exponent = i32::try_from(missing).unwrap_or(i32::MAX);
                let score = factor * sum.weight / total * MISSING_NUMBER.powi(exponent);
                Window {
                    start,
                    end,
                    score,
                    shared: sum.shared,
                    missing,
                }
            };
            let next = self
                .units
                .get(unit + 1)
                .filter(|next| next.passage == passage && next.end - start <= MAX_PAIR);
            let two = next.map(|next| of_sum(sums.two, next.end, PAIR));
            for window in [Some(of_sum(sums.one, end, 1.0)), two]
                .into_iter()
                .flatten()
            {
                if window.shared > 0.0 && best[passage].is_none_or(|best| window.score > best.score)
                {
                    best[passage] = Some(window);
                }
            }
        }
        best
    }

    /// Whether a passage has all these numbers, if not in one place.
    pub fn knows(&self, passage: usize, number: &str) -> bool {
        self.all_numbers[passage].contains(number)
    }

    /// Whether all terms stand in the passage, without which their text does not.
    pub fn may_have(&mut self, passage: usize, terms: &[String]) -> bool {
        let units = &self.of_passages[passage];
        self.comparisons += terms.len();
        terms.iter().all(|term| {
            self.terms.get(term).is_some_and(|postings| {
                let first = postings.partition_point(|unit| *unit < units.start);
                postings.get(first).is_some_and(|unit| *unit < units.end)
            })
        })
    }
}

/// Counts what stands in the units of `postings` for each of them, and once for each pair that has it once or twice.
fn add_up(sums: &mut [Sums], touched: &mut Vec<usize>, postings: &[usize], gain: Sum) {
    let mut touch = |unit: usize, sums: &mut [Sums]| {
        if !std::mem::replace(&mut sums[unit].touched, true) {
            touched.push(unit);
        }
    };
    let mut before = None;
    for unit in postings.iter().copied() {
        if let Some(left) = unit.checked_sub(1)
            && before != Some(left)
        {
            touch(left, sums);
            sums[left].two.add(gain);
        }
        touch(unit, sums);
        sums[unit].one.add(gain);
        sums[unit].two.add(gain);
        before = Some(unit);
    }
}

impl Sum {
    fn add(&mut self, gain: Self) {
        self.weight += gain.weight;
        self.shared += gain.shared;
        self.numbers += gain.numbers;
    }
}

fn post(postings: &mut BTreeMap<String, Vec<usize>>, term: String, unit: usize) {
    let of_term = postings.entry(term).or_default();
    if of_term.last() != Some(&unit) {
        of_term.push(unit);
    }
}

/// The sentences of a text, the long ones in pieces, in bytes.
fn units(text: &str) -> Vec<Range<usize>> {
    let mut units = Vec::new();
    for block in blocks(text) {
        for sentence in sentences(&text[block.range.clone()]) {
            let range = block.range.start + sentence.start..block.range.start + sentence.end;
            if text[range.clone()].chars().nth(MAX_SENTENCE).is_some() {
                units.extend(pieces(text, range, MAX_PIECE));
            } else {
                units.push(range);
            }
        }
    }
    units
}

/// A text of a document has fewer code points than a `u32` counts; a longer one ends there.
pub(super) fn points(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}
