//! A chunk as other search engines keep it: everything that a hit says, and who may see it.

use std::collections::BTreeSet;

use retrieval::{Attributes, Chunk, Document, DocumentKey, Hit};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use shared::model::UserId;
use shared::{Error, Result};

use crate::{Entry, IndexPlace, Sought};

/// Who may see what everybody may see who may read the knowledge base.
pub(crate) const EVERYBODY: &str = "*";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub document: String,
    pub version: String,
    pub name: String,
    pub attributes: Attributes,
    /// [`EVERYBODY`] alone, or ids of people.
    pub readers: Vec<String>,
    pub ordinal: u32,
    pub start: u32,
    pub end: u32,
    pub page: Option<u32>,
    pub headings: Vec<String>,
    pub tokens: u32,
    pub text: String,
}

impl Record {
    pub(crate) fn new(
        document: &Document,
        chunk: &Chunk,
        readers: Option<&BTreeSet<UserId>>,
    ) -> Self {
        Self {
            document: document.id.clone(),
            version: document.version.clone(),
            name: document.name.clone(),
            attributes: document.attributes.clone(),
            readers: spelled(readers),
            ordinal: chunk.ordinal,
            start: chunk.start,
            end: chunk.end,
            page: chunk.page,
            headings: chunk.headings.clone(),
            tokens: chunk.tokens,
            text: chunk.text.clone(),
        }
    }

    /// Whether who looks may see it and wants it, whatever the engine made of the filter it was told.
    pub(crate) fn is_sought(&self, sought: &Sought<'_>) -> bool {
        let key = DocumentKey {
            id: &self.document,
            version: &self.version,
        };
        let seen = sought.reader.is_none_or(|reader| {
            let reader = reader.to_string();
            let named = |name: &String| name == EVERYBODY || *name == reader;
            self.readers.iter().any(named)
        });
        let query = &sought.query;
        let wanted = query
            .filter
            .is_none_or(|filter| filter.wants(&self.attributes));
        seen && wanted && (query.visible)(&key)
    }

    pub(crate) fn into_hit(self, score: f32) -> Hit {
        Hit {
            document: self.document,
            version: self.version,
            name: self.name,
            attributes: self.attributes,
            ordinal: self.ordinal,
            start: self.start,
            end: self.end,
            page: self.page,
            headings: self.headings,
            tokens: self.tokens,
            text: self.text,
            score,
            vector: None,
            keyword: None,
            fused: None,
        }
    }
}

pub(crate) fn spelled(readers: Option<&BTreeSet<UserId>>) -> Vec<String> {
    match readers {
        None => vec![EVERYBODY.to_owned()],
        Some(readers) => readers.iter().map(ToString::to_string).collect(),
    }
}

/// Refuses vectors that no engine could compare. Whoever embeds has to see to that.
pub(crate) fn check(place: &IndexPlace, entry: &Entry) -> Result<()> {
    let right = |chunk: &Chunk| {
        let vector = &chunk.vector;
        vector.len() == place.dimensions as usize
            && vector.iter().all(|number| number.is_finite())
            && vector.iter().any(|number| *number != 0.0)
    };
    if entry.chunks.iter().all(right) {
        Ok(())
    } else {
        Err(Error::internal(
            "a chunk's vector has not as many numbers as the index, or no direction",
        ))
    }
}

/// What is wrong with a query, as a field of a search request.
pub(crate) fn refused(error: retrieval::Error) -> Error {
    match error {
        retrieval::Error::Invalid(reason) => Error::invalid("/query", reason),
        other => Error::internal(other),
    }
}

/// The first so many hexadecimal digits of a hash over parts, whose lengths keep them apart.
pub(crate) fn digest(parts: &[&[u8]], digits: usize) -> String {
    let bytes = hash(parts);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.chars().take(digits).collect()
}

pub(crate) fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
