//! What keeps an index.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Instant;

use futures_util::future::BoxFuture;
use retrieval::{Chunk, Document, Hit, Mode, Query};
use shared::Result;
use shared::model::{IndexId, KnowledgeBaseId, SegmentRef, TenantId, UserId};

/// Where an index is: each has a name of its own that no other tenant has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IndexPlace {
    /// Whose it is.
    pub tenant: TenantId,
    /// Of which knowledge base.
    pub base: KnowledgeBaseId,
    /// Which of its indexes.
    pub index: IndexId,
    /// How many numbers its vectors have.
    pub dimensions: u32,
}

/// One version of a document, as an index takes it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The document. Its id and version are those of the table.
    pub document: Document,
    /// Its chunks, with their vectors.
    pub chunks: Vec<Chunk>,
    /// The only ones who may see it; `None` for everybody who may read the knowledge base.
    pub readers: Option<BTreeSet<UserId>>,
}

/// A version of a document that an index is to forget.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gone {
    /// The document's id.
    pub document: String,
    /// The version's id.
    pub version: String,
}

/// What is looked for, and by whom.
#[derive(Clone, Copy)]
pub struct Sought<'a> {
    /// What is looked for. `visible` says of each version of a document whether it counts and may be seen.
    pub query: Query<'a>,
    /// Who looks: they see what is for everybody, and what names them as a reader. `None` for who sees everything.
    pub reader: Option<UserId>,
}

/// What keeps an index, and searches it.
///
/// A version of a document is written as a whole before anybody counts it, and forgotten after nobody counts it any more;
/// which versions count is decided by the table alone. So [`Backend::put`] and [`Backend::remove`] may be repeated and may
/// break off anywhere, and a search may find versions that do not count: whoever asks leaves them out.
pub trait Backend: fmt::Debug + Send + Sync {
    /// In which ways it can be searched.
    fn modes(&self) -> &'static [Mode];

    /// Writes a version of a document, in the place of what was written of that version before. What it gives back is to
    /// be kept in the manifest, where the backend has segments.
    fn put<'a>(
        &'a self,
        place: &'a IndexPlace,
        entry: &'a Entry,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Option<SegmentRef>>>;

    /// Forgets versions of documents. `segments` are those of the manifest; what it gives back takes their place.
    fn remove<'a>(
        &'a self,
        place: &'a IndexPlace,
        segments: &'a [SegmentRef],
        gone: &'a BTreeSet<Gone>,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Vec<SegmentRef>>>;

    /// Forgets an index as a whole. One that is not there is forgotten already.
    fn drop_index<'a>(
        &'a self,
        place: &'a IndexPlace,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<()>>;

    /// The best chunks, best first. An index of which nothing was written yet is empty.
    ///
    /// # Errors
    /// `Invalid` for what can't be asked, with the field of a search request that is wrong, such as `/filters`.
    fn search<'a>(
        &'a self,
        place: &'a IndexPlace,
        segments: &'a [SegmentRef],
        sought: &'a Sought<'a>,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Vec<Hit>>>;
}
