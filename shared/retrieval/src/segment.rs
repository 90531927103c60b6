//! A segment: many chunks of one or more documents in one immutable blob.
//!
//! # Format 1
//!
//! All numbers are little endian. The head:
//!
//! | at | | |
//! | --- | --- | --- |
//! | 0 | 8 bytes | `CHATSEG\n` |
//! | 8 | u32 | the format: 1 |
//! | 12 | u32 | CRC-32 of everything from byte 16 on |
//! | 16 | u32 | the version of the tokenizer |
//! | 20 | u32 | dimensions of the vectors; 0 for a segment without |
//! | 24 | 3 × u32 | how many documents, chunks, terms |
//! | 36 | 10 × (u32, u32) | the sections, in this order, without gaps: start and length |
//!
//! | section | |
//! | --- | --- |
//! | documents | for each, by id and version: u32 first chunk, u32 where its data is in the next section |
//! | document data | id, version, name, count of attributes, attributes |
//! | chunks | for each, by document and ordinal, eight u32: ordinal, start, end, page (all ones: none), tokens, terms with repetitions, where its headings are, where its text ends |
//! | headings | lists of texts, each list once |
//! | texts | UTF-8, one after the other |
//! | vectors | for each chunk a signed byte a dimension |
//! | scales | for each chunk the f32 that makes its vector length 1 |
//! | terms | for each, in the order of their bytes, two u32: where its text ends, where its postings end |
//! | term texts | UTF-8, one after the other |
//! | postings | for each term, for each chunk that has it: how many chunks were skipped since the last one, times two, plus one if it has the term once; otherwise how often it has it |
//!
//! Inside document data, headings and postings numbers are LEB128, and texts are their length and their bytes. An
//! attribute is its key, and a byte: 0 and 1 for a truth value, 2 and an f64, 3 and a text.
//!
//! Bytes come from a store that others may write to. [`Segment::parse`] checks the head, the checksum and the tables of
//! documents and sections; everything else is looked at where it is used, within bounds, and is [`Corrupt`] if it does not
//! fit. Opening thus costs one pass of the checksum, and nothing is copied.

mod build;
mod bytes;
mod merge;
mod records;

use std::ops::Range;

use ::bytes::Bytes;

pub use self::build::{Chunk, Document, SegmentBuilder};
use self::bytes::{Reader, u32_at};
pub use self::merge::merge;
pub use self::records::DocumentKey;
pub(crate) use self::records::{ChunkRecord, DocumentRecord};
use crate::Corrupt;
use crate::attributes::ValueRef;

/// More than any embedding model has; bounded so that products of vectors fit 31 bits.
pub const MAX_DIMENSIONS: usize = 4096;

const MAGIC: [u8; 8] = *b"CHATSEG\n";
const FORMAT: u32 = 1;
const SECTIONS: usize = 10;
const HEAD_BYTES: usize = 36 + SECTIONS * 8;
const CHECKED_FROM: usize = 16;
const DOCUMENT_BYTES: usize = 8;
const CHUNK_BYTES: usize = 32;
const TERM_BYTES: usize = 8;
const SCALE_BYTES: usize = 4;

#[derive(Clone, Copy)]
enum Section {
    Documents,
    DocumentData,
    Chunks,
    Headings,
    Texts,
    Vectors,
    Scales,
    Terms,
    TermTexts,
    Postings,
}

/// An opened segment. Clones share its bytes.
#[derive(Clone)]
pub struct Segment {
    bytes: Bytes,
    sections: [(u32, u32); SECTIONS],
    tokenizer: u32,
    dimensions: usize,
    documents: usize,
    chunks: usize,
    terms: usize,
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Segment")
            .field("bytes", &self.bytes.len())
            .field("documents", &self.documents)
            .field("chunks", &self.chunks)
            .finish_non_exhaustive()
    }
}

impl Segment {
    /// Opens what [`SegmentBuilder::build`] or [`merge()`] wrote.
    pub fn parse(bytes: impl Into<Bytes>) -> Result<Self, Corrupt> {
        let bytes = bytes.into();
        if bytes.get(..8) != Some(&MAGIC) {
            return Err(Corrupt::NotASegment);
        }
        match u32_at(&bytes, 8)? {
            FORMAT => {}
            other => return Err(Corrupt::OtherFormat(other)),
        }
        let checked = bytes.get(CHECKED_FROM..).ok_or(Corrupt::Checksum)?;
        if crc32fast::hash(checked) != u32_at(&bytes, 12)? {
            return Err(Corrupt::Checksum);
        }
        let count = |at: usize| u32_at(&bytes, at).map(|count| count as usize);
        let segment = Self {
            sections: sections(&bytes)?,
            tokenizer: u32_at(&bytes, 16)?,
            dimensions: count(20)?,
            documents: count(24)?,
            chunks: count(28)?,
            terms: count(32)?,
            bytes,
        };
        segment.check_sizes()?;
        segment.check_documents()?;
        Ok(segment)
    }

    fn check_sizes(&self) -> Result<(), Corrupt> {
        let scaled = if self.dimensions == 0 { 0 } else { SCALE_BYTES };
        let fixed = [
            (Section::Documents, self.documents, DOCUMENT_BYTES),
            (Section::Chunks, self.chunks, CHUNK_BYTES),
            (Section::Vectors, self.chunks, self.dimensions),
            (Section::Scales, self.chunks, scaled),
            (Section::Terms, self.terms, TERM_BYTES),
        ];
        let fits = |&(section, count, size): &(Section, usize, usize)| {
            count.checked_mul(size) == Some(self.section(section).len())
        };
        if self.dimensions > MAX_DIMENSIONS || !fixed.iter().all(fits) {
            return Err(Corrupt::Inconsistent(
                "a table has another length than its count says",
            ));
        }
        Ok(())
    }

    /// Each chunk belongs to exactly one document.
    fn check_documents(&self) -> Result<(), Corrupt> {
        let mut next = 0;
        for document in 0..self.documents {
            let chunks = self.chunks_of(document)?;
            if chunks.start != next || chunks.is_empty() || chunks.end > self.chunks {
                return Err(Corrupt::Inconsistent("documents do not follow each other"));
            }
            next = chunks.end;
        }
        if next != self.chunks {
            return Err(Corrupt::Inconsistent("chunks belong to no document"));
        }
        Ok(())
    }

    /// How many dimensions its vectors have; 0 if it has none.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// How many documents are in it, alive or not.
    pub fn documents(&self) -> usize {
        self.documents
    }

    /// How many chunks are in it.
    pub fn chunks(&self) -> usize {
        self.chunks
    }

    /// Its size in bytes.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Which documents are in it, in their order.
    pub fn keys(&self) -> impl Iterator<Item = Result<DocumentKey<'_>, Corrupt>> {
        (0..self.documents).map(|document| self.document(document).map(|record| record.key))
    }

    pub(crate) fn tokenizer(&self) -> u32 {
        self.tokenizer
    }

    fn section(&self, section: Section) -> &[u8] {
        let (start, length) = self.sections[section as usize];
        &self.bytes[start as usize..][..length as usize]
    }

    pub(crate) fn chunks_of(&self, document: usize) -> Result<Range<usize>, Corrupt> {
        let documents = self.section(Section::Documents);
        let start = u32_at(documents, document * DOCUMENT_BYTES)? as usize;
        let end = if document + 1 < self.documents {
            u32_at(documents, (document + 1) * DOCUMENT_BYTES)? as usize
        } else {
            self.chunks
        };
        Ok(start..end)
    }

    pub(crate) fn document(&self, document: usize) -> Result<DocumentRecord<'_>, Corrupt> {
        let at = u32_at(
            self.section(Section::Documents),
            document * DOCUMENT_BYTES + 4,
        )?;
        let mut reader = Reader::at(self.section(Section::DocumentData), at)?;
        DocumentRecord::read(&mut reader)
    }

    /// The document that has this chunk.
    pub(crate) fn document_of(&self, chunk: usize) -> Result<usize, Corrupt> {
        let (mut low, mut high) = (0, self.documents);
        while low + 1 < high {
            let middle = low + (high - low) / 2;
            if self.chunks_of(middle)?.start <= chunk {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    pub(crate) fn chunk(&self, chunk: usize) -> Result<ChunkRecord<'_>, Corrupt> {
        ChunkRecord::read(self, chunk)
    }

    /// How many terms each chunk has, repetitions counted.
    pub(crate) fn lengths(&self) -> impl Iterator<Item = u32> {
        let records = self.section(Section::Chunks).chunks_exact(CHUNK_BYTES);
        records.map(|record| u32::from_le_bytes([record[20], record[21], record[22], record[23]]))
    }

    /// The codes and factors of consecutive chunks.
    pub(crate) fn vectors(&self, chunks: Range<usize>) -> impl Iterator<Item = (&[u8], f32)> {
        let codes = &self.section(Section::Vectors)
            [chunks.start * self.dimensions..chunks.end * self.dimensions];
        let scales = self.section(Section::Scales).chunks_exact(SCALE_BYTES);
        let scales = scales
            .skip(chunks.start)
            .map(|scale| f32::from_le_bytes([scale[0], scale[1], scale[2], scale[3]]));
        codes.chunks_exact(self.dimensions.max(1)).zip(scales)
    }

    /// Where a term's postings are, if a chunk has it.
    pub(crate) fn postings(&self, term: &str) -> Result<Option<Postings<'_>>, Corrupt> {
        let (mut low, mut high) = (0, self.terms);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.term(middle)?.cmp(term.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => {
                    let bytes =
                        self.ended(Section::Postings, Section::Terms, TERM_BYTES, 4, middle)?;
                    return Ok(Some(Postings {
                        rest: Reader::new(bytes),
                        next: 0,
                        chunks: self.chunks,
                    }));
                }
            }
        }
        Ok(None)
    }

    fn term(&self, term: usize) -> Result<&[u8], Corrupt> {
        self.ended(Section::TermTexts, Section::Terms, TERM_BYTES, 0, term)
    }

    /// What lies in `section` between the end that a record names and the end that the record before names.
    fn ended(
        &self,
        section: Section,
        table: Section,
        record: usize,
        field: usize,
        index: usize,
    ) -> Result<&[u8], Corrupt> {
        let table = self.section(table);
        let end = u32_at(table, index * record + field)? as usize;
        let start = match index.checked_sub(1) {
            Some(before) => u32_at(table, before * record + field)? as usize,
            None => 0,
        };
        let found = self.section(section).get(start..end);
        found.ok_or(Corrupt::Inconsistent(
            "an entry lies outside of its section",
        ))
    }
}

fn sections(bytes: &[u8]) -> Result<[(u32, u32); SECTIONS], Corrupt> {
    let mut sections = [(0, 0); SECTIONS];
    let mut next = HEAD_BYTES;
    for (index, section) in sections.iter_mut().enumerate() {
        *section = (
            u32_at(bytes, 36 + index * 8)?,
            u32_at(bytes, 40 + index * 8)?,
        );
        if section.0 as usize != next {
            return Err(Corrupt::Inconsistent("sections do not follow each other"));
        }
        next += section.1 as usize;
    }
    if next != bytes.len() {
        return Err(Corrupt::Inconsistent("the sections are not all there is"));
    }
    Ok(sections)
}

/// The chunks that have a term, ascending, and how often.
pub(crate) struct Postings<'a> {
    rest: Reader<'a>,
    next: usize,
    chunks: usize,
}

impl Iterator for Postings<'_> {
    type Item = Result<(usize, u32), Corrupt>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        Some(self.read())
    }
}

impl Postings<'_> {
    #[inline]
    fn read(&mut self) -> Result<(usize, u32), Corrupt> {
        let code = self.rest.number()?;
        let times = if code & 1 == 1 {
            1
        } else {
            self.rest.number()?
        };
        let chunk = self.next.saturating_add((code >> 1) as usize);
        if chunk >= self.chunks {
            return Err(Corrupt::Inconsistent(
                "a posting of a chunk that is not there",
            ));
        }
        self.next = chunk + 1;
        Ok((chunk, times))
    }
}

/// Attributes as they lie in a segment.
pub(crate) type AttributeRefs<'a> = Vec<(&'a str, ValueRef<'a>)>;
