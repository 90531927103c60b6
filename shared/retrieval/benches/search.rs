//! What a search takes: time warm, bytes of the segment, and memory. Texts are of words by Zipf's law, vectors by chance;
//! both say what a search costs, and nothing of what it finds.
//!
//! Then what citing an answer takes. `cargo bench -p retrieval`.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a benchmark prints, and one that can't go on has failed; its numbers are small"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use retrieval::{
    AttributeValue, Attributes, Chunk, Document, DocumentKey, Filter, Index, Mode, PackedChunk,
    Passage, Query, Segment, SegmentBuilder, cite,
};

const WORDS_PER_CHUNK: usize = 120;
const CHUNKS_PER_DOCUMENT: usize = 20;
const VOCABULARY: f64 = 30_000.0;
const SEARCHES: usize = 200;

fn main() {
    println!(
        "{:<16}{:>12}{:>12}{:>12}{:>12}  p50 and p99 in ms: vector, keyword, hybrid, hybrid with a filter",
        "chunks × dims", "build s", "segment MB", "open ms", "memory MB"
    );
    for (chunks, dimensions) in [(1_000, 384), (20_000, 384), (20_000, 1_024), (100_000, 384)] {
        measure(chunks, dimensions);
    }
    measure_cite();
}

/// Citations for an answer of 2,000 characters from eight passages of 1,500.
fn measure_cite() {
    let mut chance = Chance(11);
    let passages: Vec<Passage> = (0..8).map(|_| passage(&mut chance)).collect();
    let cited = |number: usize| {
        let sentence: String = passages[number % 8].text.chars().take(95).collect();
        format!("{sentence} [{}]. ", number % 8 + 1)
    };
    let answer: String = (0..20).map(cited).collect();
    let mut taken = Vec::new();
    for _ in 0..SEARCHES {
        let start = Instant::now();
        let cited = black_box(cite(black_box(&answer), &passages));
        taken.push(start.elapsed());
        assert!(!cited.citations.is_empty(), "nothing was cited");
    }
    taken.sort_unstable();
    println!(
        "cite: p50 {:.2} ms, p99 {:.2} ms",
        milliseconds(taken[SEARCHES / 2]),
        milliseconds(taken[SEARCHES * 99 / 100]),
    );
}

fn passage(chance: &mut Chance) -> Passage {
    let mut text = String::new();
    while text.len() < 1_500 {
        text.push_str(&chance.text(14));
        text.push_str(". ");
    }
    let end = text.len() as u32;
    let chunk = PackedChunk {
        ordinal: 0,
        hit: 0,
        start: 0,
        end,
        page: None,
    };
    Passage {
        document: "doc_00000001".to_owned(),
        version: "1".to_owned(),
        name: "Document 1".to_owned(),
        attributes: Attributes::default(),
        start: 0,
        end,
        headings: Vec::new(),
        tokens: end / 4,
        text,
        chunks: vec![chunk],
    }
}

/// A sequence that is the same in every run (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A word, the frequent ones frequently.
    fn word(&mut self) -> String {
        let rank = VOCABULARY.powf(self.next()) as u64;
        format!("w{rank:x}")
    }

    fn text(&mut self, words: usize) -> String {
        let words: Vec<String> = (0..words).map(|_| self.word()).collect();
        words.join(" ")
    }

    fn vector(&mut self, dimensions: usize) -> Vec<f32> {
        (0..dimensions).map(|_| self.next() as f32 - 0.5).collect()
    }
}

fn segment(chunks: usize, dimensions: usize, chance: &mut Chance) -> Vec<u8> {
    let mut builder = SegmentBuilder::new(dimensions).expect("dimensions");
    for number in 0..chunks / CHUNKS_PER_DOCUMENT {
        let group = AttributeValue::Number((number % 10) as f64);
        let document = Document {
            id: format!("doc_{number:08}"),
            version: "1".to_owned(),
            name: format!("Document {number}"),
            attributes: Attributes([("group".to_owned(), group)].into()),
        };
        let parts = (0..CHUNKS_PER_DOCUMENT as u32).map(|ordinal| {
            let text = chance.text(WORDS_PER_CHUNK);
            let length = text.chars().count() as u32;
            Chunk {
                ordinal,
                start: ordinal * 10_000,
                end: ordinal * 10_000 + length,
                page: Some(ordinal / 4 + 1),
                headings: vec!["A chapter".to_owned()],
                tokens: length / 4,
                text,
                vector: chance.vector(dimensions),
            }
        });
        builder.add(document, parts.collect()).expect("a document");
    }
    builder.build().expect("a segment")
}

fn measure(chunks: usize, dimensions: usize) {
    let mut chance = Chance(7);
    let start = Instant::now();
    let bytes = segment(chunks, dimensions, &mut chance);
    let built = start.elapsed();
    let size = bytes.len();
    let start = Instant::now();
    let opened = Segment::parse(bytes).expect("a segment");
    let open = start.elapsed();
    let index = Index::new(vec![opened]).expect("an index");
    let filter: Filter =
        serde_json::from_str(r#"{"type":"lt","key":"group","value":3}"#).expect("a filter");
    let mut times = Vec::new();
    for (mode, filter) in [
        (Mode::Vector, None),
        (Mode::Keyword, None),
        (Mode::Hybrid, None),
        (Mode::Hybrid, Some(&filter)),
    ] {
        times.push(searches(&index, mode, filter, dimensions, &mut chance));
    }
    print!(
        "{:<16}{:>12.2}{:>12.1}{:>12.2}{:>12.0} ",
        format!("{chunks} × {dimensions}"),
        built.as_secs_f64(),
        size as f64 / 1e6,
        milliseconds(open),
        resident_megabytes(),
    );
    for (half, most) in times {
        print!(" {:>7.2} {:>7.2}", milliseconds(half), milliseconds(most));
    }
    println!();
}

/// The median and the 99th percentile of searches for six words, and the first tenth as a warm-up.
fn searches(
    index: &Index,
    mode: Mode,
    filter: Option<&Filter>,
    dimensions: usize,
    chance: &mut Chance,
) -> (Duration, Duration) {
    let visible = |_: &DocumentKey<'_>| true;
    let mut taken = Vec::new();
    for number in 0..SEARCHES + SEARCHES / 10 {
        let (text, vector) = (chance.text(6), chance.vector(dimensions));
        let query = Query {
            text: Some(&text),
            vector: Some(&vector),
            filter,
            ..Query::new(mode, &visible)
        };
        let start = Instant::now();
        let hits = black_box(index.search(&query).expect("hits"));
        if number >= SEARCHES / 10 {
            taken.push(start.elapsed());
        }
        assert!(!hits.is_empty(), "nothing was found");
    }
    taken.sort_unstable();
    (taken[SEARCHES / 2], taken[SEARCHES * 99 / 100])
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// What the process holds now (VmRSS), where the system says it.
fn resident_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    kilobytes
        .and_then(|number| number.parse::<f64>().ok())
        .unwrap_or(f64::NAN)
        / 1024.0
}
