//! Against the plainest implementations there are.

use proptest::prelude::*;
use retrieval::{B, Chunk, K1, Mode, Query, RRF_K, terms};

use crate::helpers::{DIMENSIONS, Whole, document, documents, everybody, index, texts, vectors};

/// What eight bits a dimension can be wrong by.
const ROUNDING: f64 = 0.02;

fn cosine(left: &[f32], right: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let pairs = a.iter().zip(b);
        pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    dot(left, right) / (dot(left, left) * dot(right, right)).sqrt()
}

fn bm25(documents: &[Whole], query: &str) -> Vec<((String, String, u32), f64)> {
    let chunks: Vec<(&Whole, &Chunk)> = documents
        .iter()
        .flat_map(|whole| whole.1.iter().map(move |chunk| (whole, chunk)))
        .collect();
    let all: Vec<Vec<String>> = chunks.iter().map(|(_, chunk)| terms(&chunk.text)).collect();
    let count = all.len() as f64;
    let average = (all.iter().map(Vec::len).sum::<usize>() as f64 / count).max(1.0);
    let score = |own: &Vec<String>| -> f64 {
        let of_term = |term: &String| {
            let df = all.iter().filter(|terms| terms.contains(term)).count() as f64;
            let tf = own.iter().filter(|own| *own == term).count() as f64;
            let idf = (1.0 + (count - df + 0.5) / (df + 0.5)).ln();
            let (k1, b) = (f64::from(K1), f64::from(B));
            idf * tf * (k1 + 1.0) / (tf + k1 * (1.0 - b + b * own.len() as f64 / average))
        };
        terms(query).iter().map(of_term).sum()
    };
    let scored = chunks.iter().zip(&all);
    scored
        .map(|((whole, chunk), own)| {
            let key = (whole.0.id.clone(), whole.0.version.clone(), chunk.ordinal);
            (key, score(own))
        })
        .collect()
}

proptest! {
    #[test]
    fn the_nearest_vectors_are_found_and_none_is_overlooked(documents in documents(), asked in vectors(), limit in 1usize..12) {
        let query = Query { vector: Some(&asked), limit, ..Query::new(Mode::Vector, &everybody) };
        let hits = index(&documents).search(&query).unwrap();
        let mut truth: Vec<f64> = documents
            .iter()
            .flat_map(|whole| whole.1.iter().map(|chunk| cosine(&chunk.vector, &asked)))
            .collect();
        truth.sort_by(|a, b| b.total_cmp(a));
        prop_assert_eq!(hits.len(), truth.len().min(limit));
        for ((hit, best), rank) in hits.iter().zip(&truth).zip(1..) {
            let whole = documents.iter().find(|whole| whole.0.id == hit.document && whole.0.version == hit.version);
            let chunk = whole.unwrap().1.iter().find(|chunk| chunk.ordinal == hit.ordinal).unwrap();
            let own = cosine(&chunk.vector, &asked);
            prop_assert!((f64::from(hit.score) - own).abs() < ROUNDING);
            prop_assert!(best - own < 2.0 * ROUNDING);
            prop_assert_eq!(hit.vector.unwrap().rank, rank);
            prop_assert_eq!((&hit.text, hit.start, hit.end), (&chunk.text, chunk.start, chunk.end));
            prop_assert_eq!((&hit.headings, hit.page, hit.tokens), (&chunk.headings, chunk.page, chunk.tokens));
        }
    }

    #[test]
    fn keywords_score_as_the_formula_says(documents in documents(), text in texts()) {
        let query = Query { text: Some(&text), limit: 100, ..Query::new(Mode::Keyword, &everybody) };
        let hits = index(&documents).search(&query).unwrap();
        let truth = bm25(&documents, &text);
        prop_assert_eq!(hits.len(), truth.iter().filter(|(_, score)| *score > 0.0).count());
        for hit in &hits {
            let key = (hit.document.clone(), hit.version.clone(), hit.ordinal);
            let (_, expected) = truth.iter().find(|(found, _)| *found == key).unwrap();
            prop_assert!((f64::from(hit.score) - expected).abs() < 1e-4 * expected, "{} {expected}", hit.score);
        }
        for pair in hits.windows(2) {
            prop_assert!(pair[0].score >= pair[1].score);
            if pair[0].score.to_bits() == pair[1].score.to_bits() {
                let key = |hit: &retrieval::Hit| (hit.document.clone(), hit.version.clone(), hit.ordinal);
                prop_assert!(key(&pair[0]) < key(&pair[1]));
            }
        }
    }

    #[test]
    fn fused_scores_follow_from_the_ranks_of_the_stages(documents in documents(), text in texts(), asked in vectors()) {
        let all = |mode| Query { text: Some(&text), vector: Some(&asked), limit: 100, ..Query::new(mode, &everybody) };
        let index = index(&documents);
        let hits = index.search(&all(Mode::Hybrid)).unwrap();
        let by_vector = index.search(&all(Mode::Vector)).unwrap();
        let by_keyword = index.search(&all(Mode::Keyword)).unwrap();
        for (hit, rank) in hits.iter().zip(1..) {
            let same = |other: &&retrieval::Hit| {
                (&other.document, &other.version, other.ordinal) == (&hit.document, &hit.version, hit.ordinal)
            };
            prop_assert_eq!(hit.vector, by_vector.iter().find(same).and_then(|other| other.vector));
            prop_assert_eq!(hit.keyword, by_keyword.iter().find(same).and_then(|other| other.keyword));
            let part = |stage: Option<retrieval::Stage>| stage.map_or(0.0, |stage| 1.0 / (RRF_K + stage.rank as f32));
            let expected = (part(hit.vector) + part(hit.keyword)) / (2.0 / (RRF_K + 1.0));
            prop_assert!((hit.score - expected).abs() < 1e-6);
            prop_assert_eq!(hit.fused.unwrap().rank, rank);
        }
    }
}

#[test]
fn a_vector_finds_itself_first() {
    let vector = |index: usize| {
        let mut vector = vec![0.01; DIMENSIONS];
        vector[index] = 1.0;
        vector
    };
    let chunks = (0..DIMENSIONS).map(|index| (format!("text {index}"), vector(index)));
    let documents = [document("d", "1", 0, chunks.collect())];
    let asked = vector(5);
    let query = Query {
        vector: Some(&asked),
        limit: 1,
        ..Query::new(Mode::Vector, &everybody)
    };
    let hits = index(&documents).search(&query).unwrap();
    assert_eq!(hits[0].text, "text 5");
    assert!(hits[0].score > 0.999, "{}", hits[0].score);
}
