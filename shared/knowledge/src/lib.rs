//! Indexes of knowledge bases: what keeps them, and how they are searched.
//!
//! The table decides what counts: which versions of which documents are in an index, and who may see them. What keeps an
//! index ([`Backend`]) is told before and after, and may be told twice.

mod backend;
mod kept_text;
pub mod keys;
mod packed;
mod qdrant;
mod record;
mod remote;
mod s3_vectors;
mod search;

pub use backend::{Backend, Entry, Gone, IndexPlace, Sought};
pub use kept_text::KeptText;
pub use packed::{MERGED_FROM, Packed, wants_merge};
pub use qdrant::{Qdrant, QdrantKey};
pub use remote::{AskedSearch, FoundBySearch, FoundChunk, search_by};
pub use s3_vectors::S3Vectors;
pub use search::{Knowledge, Search, place};
