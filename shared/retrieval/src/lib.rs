//! Searches the chunks of knowledge bases, exactly: no approximate index, no server, no state but bytes.
//!
//! Documents are cut into chunks elsewhere. A [`SegmentBuilder`] packs chunks, their vectors and their postings into one
//! immutable blob ([`Segment`], whose format [`segment`] tells), an [`Index`] searches several of them: a scan of all
//! vectors, BM25, and reciprocal rank fusion of both. Who may see what is asked of the caller for each document, before
//! anything is scored. [`pack`] puts what was found together for a prompt, [`find_quote`] finds a quote again,
//! and [`cite`] finds what supports an answer.
//!
//! Nothing here reads a clock, a file, the network or the environment, and the same input gives the same output: the
//! same documents give the same bytes, however they were merged, and the same query the same hits, bit by bit.

mod attributes;
mod bm25;
mod cite;
mod error;
pub mod filter;
mod foreign;
mod fuse;
mod index;
mod pack;
mod prompt;
mod query;
mod quote;
mod scan;
pub mod segment;
mod tokenize;
mod top;
mod vector;

pub use attributes::{AttributeValue, Attributes};
pub use bm25::{B, K1};
pub use cite::{Basis, Citation, Cited, MAX_CITATIONS, Support, cite, markers};
pub use error::{Corrupt, Error, Result};
pub use filter::{Filter, FilterError};
pub use foreign::{Asked, Found, counted, ranked};
pub use fuse::RRF_K;
pub use index::Index;
pub use pack::{PackedChunk, Passage, pack};
pub use prompt::{NO_PASSAGES_INSTRUCTIONS, PASSAGES_INSTRUCTIONS, passages_prompt};
pub use query::{Hit, Mode, Query, Stage, Weights};
pub use quote::find_quote;
pub use segment::{Chunk, Document, DocumentKey, MAX_DIMENSIONS, Segment, SegmentBuilder, merge};
pub use tokenize::{TOKENIZER_VERSION, terms};
