//! Documents and chunks as they lie in a segment.

use super::bytes::{Reader, push_number, text, u32_at};
use super::{AttributeRefs, CHUNK_BYTES, Section, Segment};
use crate::Corrupt;
use crate::attributes::{AttributeValue, Attributes, MAX_ATTRIBUTES, ValueRef};

/// Deeper than any document is.
pub(super) const MAX_HEADINGS: usize = 32;
/// In the field for a page, where there is none.
pub(super) const NO_PAGE: u32 = u32::MAX;

/// A document in one of its versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentKey<'a> {
    /// Which document.
    pub id: &'a str,
    /// Which of its versions.
    pub version: &'a str,
}

pub(crate) struct DocumentRecord<'a> {
    pub key: DocumentKey<'a>,
    pub name: &'a str,
    attributes: Reader<'a>,
}

impl<'a> DocumentRecord<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Corrupt> {
        let key = DocumentKey {
            id: reader.text()?,
            version: reader.text()?,
        };
        let name = reader.text()?;
        Ok(Self {
            key,
            name,
            attributes: reader.clone(),
        })
    }

    /// Puts the attributes into `found`, in place of what was there.
    pub(crate) fn attributes(&self, found: &mut AttributeRefs<'a>) -> Result<(), Corrupt> {
        found.clear();
        let mut reader = self.attributes.clone();
        let count = reader.number()?;
        if count as usize > MAX_ATTRIBUTES {
            return Err(Corrupt::Inconsistent("too many attributes"));
        }
        for _ in 0..count {
            let key = reader.text()?;
            let value = match reader.byte()? {
                flag @ (0 | 1) => ValueRef::Bool(flag == 1),
                2 => ValueRef::Number(reader.float()?),
                3 => ValueRef::Text(reader.text()?),
                _ => return Err(Corrupt::Inconsistent("an attribute of an unknown type")),
            };
            found.push((key, value));
        }
        Ok(())
    }

    pub(crate) fn owned_attributes(&self) -> Result<Attributes, Corrupt> {
        let mut found = Vec::new();
        self.attributes(&mut found)?;
        let owned = found
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.into()));
        Ok(Attributes(owned.collect()))
    }
}

pub(super) fn push_text(bytes: &mut Vec<u8>, text: &str) {
    // Callers have bounded the length; a segment is shorter than 4 GiB.
    push_number(bytes, u32::try_from(text.len()).unwrap_or(u32::MAX));
    bytes.extend_from_slice(text.as_bytes());
}

pub(super) fn push_attributes(bytes: &mut Vec<u8>, attributes: &Attributes) {
    push_number(bytes, u32::try_from(attributes.0.len()).unwrap_or(u32::MAX));
    for (key, value) in &attributes.0 {
        push_text(bytes, key);
        match value {
            AttributeValue::Bool(value) => bytes.push(u8::from(*value)),
            AttributeValue::Number(value) => {
                bytes.push(2);
                bytes.extend_from_slice(&value.to_le_bytes());
            }
            AttributeValue::Text(value) => {
                bytes.push(3);
                push_text(bytes, value);
            }
        }
    }
}

pub(crate) struct ChunkRecord<'a> {
    pub ordinal: u32,
    pub start: u32,
    pub end: u32,
    pub page: Option<u32>,
    pub tokens: u32,
    pub text: &'a str,
    headings: Reader<'a>,
}

impl<'a> ChunkRecord<'a> {
    pub(super) fn read(segment: &'a Segment, chunk: usize) -> Result<Self, Corrupt> {
        let table = segment.section(Section::Chunks);
        let field = |index: usize| u32_at(table, chunk * CHUNK_BYTES + index * 4);
        let page = field(3)?;
        let bytes = segment.ended(Section::Texts, Section::Chunks, CHUNK_BYTES, 28, chunk)?;
        Ok(Self {
            ordinal: field(0)?,
            start: field(1)?,
            end: field(2)?,
            page: (page != NO_PAGE).then_some(page),
            tokens: field(4)?,
            text: text(bytes)?,
            headings: Reader::at(segment.section(Section::Headings), field(6)?)?,
        })
    }

    pub(crate) fn headings(&self) -> Result<Vec<String>, Corrupt> {
        let mut reader = self.headings.clone();
        let count = reader.number()?;
        if count as usize > MAX_HEADINGS {
            return Err(Corrupt::Inconsistent("too many headings"));
        }
        (0..count)
            .map(|_| reader.text().map(str::to_owned))
            .collect()
    }
}
