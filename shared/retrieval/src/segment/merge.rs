//! Makes one segment of several.

use std::collections::HashSet;

use super::build::{Chunk, Document, PackedChunk, SegmentBuilder};
use super::{DocumentKey, Segment};
use crate::vector::Codes;
use crate::{Error, Result};

/// One segment with the documents that `keep` wants. Vectors are taken over as they are stored; terms are made anew, so
/// that segments of an older tokenizer become ones of the present.
///
/// A document that several segments have in the same version is taken from the first of them, as [`Index`](crate::Index)
/// takes it. Otherwise the order does not matter: merging in any order and in any steps gives the same bytes as building
/// one segment of all documents.
pub fn merge(segments: &[Segment], keep: &dyn Fn(&DocumentKey<'_>) -> bool) -> Result<Vec<u8>> {
    let dimensions = segments.first().map_or(0, Segment::dimensions);
    if segments
        .iter()
        .any(|segment| segment.dimensions() != dimensions)
    {
        return Err(Error::invalid(
            "the segments have vectors of different dimensions; merge those of one model",
        ));
    }
    let mut builder = SegmentBuilder::new(dimensions)?;
    let mut taken = HashSet::new();
    for segment in segments {
        for document in 0..segment.documents() {
            let record = segment.document(document)?;
            if keep(&record.key) && taken.insert(record.key) {
                let owned = Document {
                    id: record.key.id.to_owned(),
                    version: record.key.version.to_owned(),
                    name: record.name.to_owned(),
                    attributes: record.owned_attributes()?,
                };
                builder.add_packed(owned, chunks(segment, document)?)?;
            }
        }
    }
    builder.build()
}

fn chunks(segment: &Segment, document: usize) -> Result<Vec<PackedChunk>> {
    let range = segment.chunks_of(document)?;
    let mut vectors = segment.vectors(range.clone());
    let packed = range.map(|index| {
        let record = segment.chunk(index)?;
        let chunk = Chunk {
            ordinal: record.ordinal,
            start: record.start,
            end: record.end,
            page: record.page,
            headings: record.headings()?,
            tokens: record.tokens,
            text: record.text.to_owned(),
            vector: Vec::new(),
        };
        let codes = vectors.next().map(|(bytes, scale)| Codes {
            bytes: bytes.to_vec(),
            scale,
        });
        let codes = codes.unwrap_or(Codes {
            bytes: Vec::new(),
            scale: 0.0,
        });
        Ok(PackedChunk { chunk, codes })
    });
    packed.collect()
}
