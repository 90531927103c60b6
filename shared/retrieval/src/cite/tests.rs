//! What is cited, in realistic answers and in hostile ones.

mod cases;
mod hostile;

use crate::attributes::Attributes;
use crate::pack::{PackedChunk, Passage};

/// A passage that begins at `start` of its document and has one chunk.
fn passage(document: &str, start: u32, text: &str) -> Passage {
    let end = start.saturating_add(u32::try_from(text.chars().count()).unwrap());
    Passage {
        document: document.to_owned(),
        version: "v1".to_owned(),
        name: format!("{document}.pdf"),
        attributes: Attributes::default(),
        start,
        end,
        headings: Vec::new(),
        tokens: 10,
        text: text.to_owned(),
        chunks: vec![PackedChunk {
            ordinal: 7,
            hit: 0,
            start,
            end,
            page: Some(3),
        }],
    }
}
