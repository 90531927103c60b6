//! A chunk as a point.

use std::collections::BTreeMap;

use retrieval::{AttributeValue, B, Chunk, K1, counted};
use serde_json::{Value, json};
use shared::{Error, Result};

use super::filter::{FACTS, fact, key, text_fact};
use crate::Entry;
use crate::record::{Record, hash};

/// What lengths are measured against: about how many terms a chunk has. The real average changes with each document, and
/// a stored value can't.
const AVERAGE_TERMS: f32 = 256.0;

/// The point, and its id.
pub(super) fn new(entry: &Entry, chunk: &Chunk) -> Result<(String, Value)> {
    let document = &entry.document;
    let record = Record::new(document, chunk, entry.readers.as_ref());
    let id = id(&document.id, &document.version, chunk.ordinal);
    let mut payload = serde_json::to_value(record).map_err(Error::internal)?;
    let mut facts = Vec::new();
    let mut numbers = Vec::new();
    for (name, value) in &document.attributes.0 {
        facts.push(fact(name, value));
        match value {
            AttributeValue::Text(_) => facts.push(text_fact(name)),
            AttributeValue::Number(number) => {
                numbers.push(json!({"key": key(name), "value": number}));
            }
            AttributeValue::Bool(_) => {}
        }
    }
    payload[FACTS] = json!(facts);
    payload["numbers"] = json!(numbers);
    let mut vectors = json!({"vector": chunk.vector});
    let words = words(&chunk.text);
    if !words.is_empty() {
        vectors["words"] = sparse(&words);
    }
    let point = json!({"id": id, "vector": vectors, "payload": payload});
    Ok((id, point))
}

/// A UUID of version 8 out of a hash: the same for the same chunk.
fn id(document: &str, version: &str, ordinal: u32) -> String {
    let digest = hash(&[
        document.as_bytes(),
        version.as_bytes(),
        &ordinal.to_be_bytes(),
    ]);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes)
        .into_uuid()
        .to_string()
}

/// What BM25 says of a chunk's terms but for how rare they are.
#[expect(clippy::cast_precision_loss, reason = "a chunk has few terms")]
fn words(text: &str) -> BTreeMap<u32, f32> {
    let (terms, length) = counted(text);
    let held_back = K1 * (1.0 - B + B * length as f32 / AVERAGE_TERMS);
    let weights = terms.iter().map(|(term, times)| {
        let times = *times as f32;
        (term, times * (K1 + 1.0) / (times + held_back))
    });
    by_dimension(weights)
}

/// What a query asks: each term as often as it stands in it.
#[expect(clippy::cast_precision_loss, reason = "a query has few terms")]
pub(super) fn asked(terms: &BTreeMap<String, u32>) -> BTreeMap<u32, f32> {
    by_dimension(terms.iter().map(|(term, times)| (term, *times as f32)))
}

/// Terms whose hashes collide are one.
fn by_dimension<'a>(weights: impl Iterator<Item = (&'a String, f32)>) -> BTreeMap<u32, f32> {
    let mut found = BTreeMap::new();
    for (term, weight) in weights {
        let [a, b, c, d, ..] = hash(&[term.as_bytes()]);
        *found.entry(u32::from_be_bytes([a, b, c, d])).or_insert(0.0) += weight;
    }
    found
}

pub(super) fn sparse(words: &BTreeMap<u32, f32>) -> Value {
    let indices: Vec<&u32> = words.keys().collect();
    let values: Vec<&f32> = words.values().collect();
    json!({"indices": indices, "values": values})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_has_one_id_and_another_one_has_another() {
        let one = id("a", "v", 0);
        assert_eq!(one, id("a", "v", 0));
        assert_eq!(uuid::Uuid::parse_str(&one).unwrap().get_version_num(), 8);
        for other in [id("av", "", 0), id("a", "w", 0), id("a", "v", 1)] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn a_term_counts_more_the_more_often_it_stands_there_and_ever_less() {
        let weight = |text: &str| words(text).into_values().fold(0.0, f32::max);
        let (one, two, three) = (
            weight("cat dog owl"),
            weight("cat cat owl"),
            weight("cat cat cat"),
        );
        assert!(one < two && two < three && three - two < two - one);
        assert!(weight(&format!("cat {}", "dog ".repeat(500))) > 0.0);
        assert!(words("…").is_empty());
    }
}
