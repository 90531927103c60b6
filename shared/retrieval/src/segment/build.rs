//! Writes a segment. Documents go in by key and chunks by ordinal, so that the bytes say nothing of the order in which
//! they were added.

use std::collections::{BTreeMap, HashMap};

use super::bytes::push_number;
use super::records::{MAX_HEADINGS, NO_PAGE, push_attributes, push_text};
use super::{CHECKED_FROM, FORMAT, HEAD_BYTES, MAGIC, MAX_DIMENSIONS, SECTIONS};
use crate::attributes::Attributes;
use crate::tokenize::{TOKENIZER_VERSION, each_term};
use crate::vector::{Codes, quantise};
use crate::{Error, Result};

/// Places in a segment have 32 bits; half of that is already more than a function can hold.
const MAX_BYTES: usize = 1 << 31;
const MAX_KEY_BYTES: usize = 256;
const MAX_NAME_CHARACTERS: usize = 1_000;

/// What is known of a document, besides its chunks.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// 1 to 256 bytes.
    pub id: String,
    /// 1 to 256 bytes; another one for each content that the document has had.
    pub version: String,
    /// At most 1,000 characters.
    pub name: String,
    /// What filters compare.
    pub attributes: Attributes,
}

/// A part of a document's text.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// Its number in the document. Numbers may be left out, but none is used twice.
    pub ordinal: u32,
    /// Where it begins in the document's text, in code points.
    pub start: u32,
    /// Where it ends: `end - start` is the length of `text` in code points.
    pub end: u32,
    /// The page on which it begins, where the document has pages.
    pub page: Option<u32>,
    /// The headings above it, outermost first, at most 32.
    pub headings: Vec<String>,
    /// How many tokens it takes in a prompt, as whoever cut the document counts.
    pub tokens: u32,
    /// Exactly what stands in the document from `start` to `end`.
    pub text: String,
    /// As many numbers as the segment has dimensions. Only the direction counts; a vector that has none is refused.
    pub vector: Vec<f32>,
}

/// A chunk whose vector is packed.
pub(super) struct PackedChunk {
    pub chunk: Chunk,
    pub codes: Codes,
}

/// Collects documents and packs them.
pub struct SegmentBuilder {
    dimensions: usize,
    documents: BTreeMap<(String, String), (Document, Vec<PackedChunk>)>,
}

impl SegmentBuilder {
    /// For vectors of so many dimensions, at most [`MAX_DIMENSIONS`]; 0 for chunks without vectors.
    pub fn new(dimensions: usize) -> Result<Self> {
        if dimensions > MAX_DIMENSIONS {
            return Err(Error::invalid(format!(
                "vectors have at most {MAX_DIMENSIONS} dimensions, not {dimensions}"
            )));
        }
        Ok(Self {
            dimensions,
            documents: BTreeMap::new(),
        })
    }

    /// Adds a document with all of its chunks, of which there is at least one. A document that was added before in this
    /// version is refused.
    pub fn add(&mut self, document: Document, chunks: Vec<Chunk>) -> Result<()> {
        let packed = chunks.into_iter().map(|mut chunk| {
            check_chunk(&chunk)?;
            let codes = self.codes(&chunk)?;
            chunk.vector = Vec::new();
            Ok(PackedChunk { chunk, codes })
        });
        let packed = packed.collect::<Result<_>>()?;
        self.add_packed(document, packed)
    }

    pub(super) fn add_packed(
        &mut self,
        document: Document,
        mut chunks: Vec<PackedChunk>,
    ) -> Result<()> {
        check_document(&document)?;
        chunks.sort_by_key(|packed| packed.chunk.ordinal);
        let twice = chunks
            .windows(2)
            .any(|pair| pair[0].chunk.ordinal == pair[1].chunk.ordinal);
        if chunks.is_empty() || twice {
            return Err(Error::invalid(
                "a document has at least one chunk, and each has an ordinal of its own",
            ));
        }
        let key = (document.id.clone(), document.version.clone());
        if self.documents.contains_key(&key) {
            return Err(Error::invalid(format!(
                "the document `{}` was added in this version already; add it once, with all of its chunks",
                document.id
            )));
        }
        self.documents.insert(key, (document, chunks));
        Ok(())
    }

    fn codes(&self, chunk: &Chunk) -> Result<Codes> {
        let found = chunk.vector.len();
        if found != self.dimensions {
            return Err(Error::invalid(format!(
                "a vector has {found} dimensions and the segment {}; embed all chunks with one model",
                self.dimensions
            )));
        }
        if found == 0 {
            return Ok(Codes {
                bytes: Vec::new(),
                scale: 0.0,
            });
        }
        quantise(&chunk.vector)
    }

    /// The bytes of the segment, the same for the same documents. Without any document it is a segment without any.
    pub fn build(self) -> Result<Vec<u8>> {
        let mut writer = Writer::default();
        let documents = self.documents.len();
        for (document, chunks) in self.documents.into_values() {
            writer.document(&document)?;
            for packed in chunks {
                writer.chunk(&packed)?;
            }
        }
        writer.finish(documents, self.dimensions)
    }
}

fn check_document(document: &Document) -> Result<()> {
    let key = |text: &str| !text.is_empty() && text.len() <= MAX_KEY_BYTES;
    if !key(&document.id) || !key(&document.version) {
        return Err(Error::invalid(format!(
            "the id and the version of a document have 1 to {MAX_KEY_BYTES} bytes"
        )));
    }
    if document.name.chars().nth(MAX_NAME_CHARACTERS).is_some() {
        return Err(Error::invalid(format!(
            "the name of a document has at most {MAX_NAME_CHARACTERS} characters"
        )));
    }
    document.attributes.check()
}

fn check_chunk(chunk: &Chunk) -> Result<()> {
    let length = chunk.end.checked_sub(chunk.start);
    if length.map(|length| length as usize) != Some(chunk.text.chars().count()) {
        return Err(Error::invalid(format!(
            "the chunk {} is not as long as from `start` to `end`; count code points",
            chunk.ordinal
        )));
    }
    if chunk.headings.len() > MAX_HEADINGS {
        return Err(Error::invalid(format!(
            "a chunk stands under at most {MAX_HEADINGS} headings; keep the inner ones"
        )));
    }
    if chunk.page == Some(NO_PAGE) {
        return Err(Error::invalid("a page's number is smaller than 4294967295"));
    }
    Ok(())
}

/// The sections, as they grow.
#[derive(Default)]
struct Writer {
    documents: Vec<u8>,
    document_data: Vec<u8>,
    chunks: Vec<u8>,
    headings: Vec<u8>,
    texts: Vec<u8>,
    vectors: Vec<u8>,
    scales: Vec<u8>,
    chunk_count: u32,
    heading_places: HashMap<Vec<String>, u32>,
    terms: HashMap<String, u32>,
    /// By number of the term: its postings, and the chunk after the last one.
    postings: Vec<(Vec<u8>, u32)>,
    /// The numbers of one chunk's terms.
    scratch: Vec<u32>,
}

impl Writer {
    fn document(&mut self, document: &Document) -> Result<()> {
        push(&mut self.documents, self.chunk_count);
        push(&mut self.documents, place(&self.document_data)?);
        push_text(&mut self.document_data, &document.id);
        push_text(&mut self.document_data, &document.version);
        push_text(&mut self.document_data, &document.name);
        push_attributes(&mut self.document_data, &document.attributes);
        Ok(())
    }

    fn chunk(&mut self, packed: &PackedChunk) -> Result<()> {
        let chunk = &packed.chunk;
        let terms = self.terms_of(&chunk.text)?;
        let headings = self.place_of_headings(&chunk.headings)?;
        self.texts.extend_from_slice(chunk.text.as_bytes());
        for field in [
            chunk.ordinal,
            chunk.start,
            chunk.end,
            chunk.page.unwrap_or(NO_PAGE),
            chunk.tokens,
            terms,
            headings,
            place(&self.texts)?,
        ] {
            push(&mut self.chunks, field);
        }
        self.vectors.extend_from_slice(&packed.codes.bytes);
        if !packed.codes.bytes.is_empty() {
            self.scales
                .extend_from_slice(&packed.codes.scale.to_le_bytes());
        }
        self.chunk_count += 1;
        Ok(())
    }

    /// Writes the postings of a chunk, and says how many terms it has.
    fn terms_of(&mut self, text: &str) -> Result<u32> {
        let mut found = std::mem::take(&mut self.scratch);
        found.clear();
        each_term(text, &mut |term| {
            let number = match self.terms.get(term) {
                Some(number) => *number,
                None => {
                    // Fewer terms than bytes, which are checked to fit.
                    let number = u32::try_from(self.postings.len()).unwrap_or(u32::MAX);
                    self.terms.insert(term.to_owned(), number);
                    self.postings.push((Vec::new(), 0));
                    number
                }
            };
            found.push(number);
        });
        found.sort_unstable();
        for same in found.chunk_by(|a, b| a == b) {
            let (bytes, next) = &mut self.postings[same[0] as usize];
            let skipped = (self.chunk_count - *next) << 1;
            if same.len() == 1 {
                push_number(bytes, skipped | 1);
            } else {
                push_number(bytes, skipped);
                push_number(bytes, count(same.len())?);
            }
            *next = self.chunk_count + 1;
        }
        let terms = count(found.len());
        self.scratch = found;
        terms
    }

    fn place_of_headings(&mut self, headings: &[String]) -> Result<u32> {
        if let Some(place) = self.heading_places.get(headings) {
            return Ok(*place);
        }
        let place = place(&self.headings)?;
        push_number(&mut self.headings, count(headings.len())?);
        headings
            .iter()
            .for_each(|heading| push_text(&mut self.headings, heading));
        self.heading_places.insert(headings.to_vec(), place);
        Ok(place)
    }

    fn finish(self, documents: usize, dimensions: usize) -> Result<Vec<u8>> {
        let mut in_order: Vec<(&String, &u32)> = self.terms.iter().collect();
        in_order.sort_unstable();
        let (mut terms, mut term_texts, mut postings) = (Vec::new(), Vec::new(), Vec::new());
        for (term, number) in in_order {
            term_texts.extend_from_slice(term.as_bytes());
            postings.extend_from_slice(&self.postings[*number as usize].0);
            push(&mut terms, place(&term_texts)?);
            push(&mut terms, place(&postings)?);
        }
        let sections: [&[u8]; SECTIONS] = [
            &self.documents,
            &self.document_data,
            &self.chunks,
            &self.headings,
            &self.texts,
            &self.vectors,
            &self.scales,
            &terms,
            &term_texts,
            &postings,
        ];
        let size = HEAD_BYTES + sections.iter().map(|section| section.len()).sum::<usize>();
        if size > MAX_BYTES {
            return Err(too_large());
        }
        let mut bytes = Vec::with_capacity(size);
        bytes.extend_from_slice(&MAGIC);
        push(&mut bytes, FORMAT);
        push(&mut bytes, 0);
        push(&mut bytes, TOKENIZER_VERSION);
        for number in [
            dimensions,
            documents,
            self.chunk_count as usize,
            self.terms.len(),
        ] {
            push(&mut bytes, count(number)?);
        }
        let mut start = HEAD_BYTES;
        for section in sections {
            push(&mut bytes, count(start)?);
            push(&mut bytes, count(section.len())?);
            start += section.len();
        }
        sections
            .iter()
            .for_each(|section| bytes.extend_from_slice(section));
        let checksum = crc32fast::hash(&bytes[CHECKED_FROM..]);
        bytes[12..CHECKED_FROM].copy_from_slice(&checksum.to_le_bytes());
        Ok(bytes)
    }
}

fn push(bytes: &mut Vec<u8>, number: u32) {
    bytes.extend_from_slice(&number.to_le_bytes());
}

fn place(bytes: &[u8]) -> Result<u32> {
    count(bytes.len())
}

fn count(number: usize) -> Result<u32> {
    // Half of what fits, so that postings have a bit to spare.
    let fits = u32::try_from(number).ok().filter(|_| number <= MAX_BYTES);
    fits.ok_or_else(too_large)
}

fn too_large() -> Error {
    Error::invalid("a segment has at most 2 GiB; split its documents over several")
}
