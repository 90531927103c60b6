//! The built-in index: packed segments in the bucket, which a process keeps in memory and searches exactly.
//!
//! A segment is never changed, so what is kept of it can't be old. Each document is written as a segment of its own;
//! segments of about one size are merged once there are [`MERGED_FROM`] of them, so that an index has few, and each chunk
//! is written again only about once for each power of four by which the index grows.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use retrieval::{DocumentKey, Hit, Index, Mode, Segment, SegmentBuilder};
use shared::blobs::Blobs;
use shared::model::{IndexId, SegmentId, SegmentRef};
use shared::{Error, Result};

use crate::backend::{Backend, Entry, Gone, IndexPlace, Sought};
use crate::keys;

/// How many segments of about one size are merged.
pub const MERGED_FROM: usize = 8;
/// Segments of up to so many bytes are of the smallest size; each further size is four times as large.
const SMALLEST: u64 = 256 << 10;
/// Segments of more bytes are not merged any more.
const LARGEST_MERGED: u64 = 32 << 20;
/// The most bytes that one segment may have.
const MAX_SEGMENT_BYTES: u64 = 512 << 20;
/// How many bytes of segments a process keeps.
const KEPT_BYTES: u64 = 384 << 20;
/// How many segments are fetched side by side.
const FETCHED_AT_ONCE: usize = 8;

/// The built-in index.
#[derive(Debug, Clone)]
pub struct Packed {
    blobs: Blobs,
    kept: Arc<Mutex<Kept>>,
}

/// The indexes that a process has in memory.
#[derive(Debug, Default)]
struct Kept {
    indexes: HashMap<IndexId, Opened>,
    /// Goes up with each use.
    uses: u64,
}

/// An index as it was opened.
#[derive(Debug, Clone)]
struct Opened {
    segments: Vec<(SegmentId, Segment)>,
    index: Arc<Index>,
    bytes: u64,
    used: u64,
}

impl Packed {
    /// In that bucket.
    pub fn new(blobs: Blobs) -> Self {
        Self {
            blobs,
            kept: Arc::default(),
        }
    }

    async fn write(&self, place: &IndexPlace, bytes: Vec<u8>, chunks: u64) -> Result<SegmentRef> {
        let written = SegmentRef {
            id: SegmentId::new(),
            bytes: bytes.len() as u64,
            chunks,
        };
        let key = keys::segment(place.tenant, place.base, place.index, written.id);
        self.blobs.put(&key, Bytes::from(bytes)).await?;
        Ok(written)
    }

    async fn fetch(&self, place: &IndexPlace, segment: SegmentId) -> Result<Segment> {
        let key = keys::segment(place.tenant, place.base, place.index, segment);
        let bytes = self.blobs.get(&key, MAX_SEGMENT_BYTES).await?;
        // It was merged away since its manifest was read; whoever asks again finds the other one.
        let bytes = bytes.ok_or_else(|| Error::unavailable(MergedAway))?;
        Segment::parse(bytes).map_err(Error::internal)
    }

    async fn known_or_fetched(
        &self,
        place: &IndexPlace,
        id: SegmentId,
        known: Option<Segment>,
    ) -> Result<(SegmentId, Segment)> {
        match known {
            Some(known) => Ok((id, known)),
            None => Ok((id, self.fetch(place, id).await?)),
        }
    }

    /// The index as that manifest has it, with the segments that are in memory and the others fetched.
    async fn open(&self, place: &IndexPlace, segments: &[SegmentRef]) -> Result<Arc<Index>> {
        let known = self.known(place.index);
        if let Some(known) = &known {
            let same = known.segments.iter().map(|(id, _)| *id);
            if same.eq(segments.iter().map(|segment| segment.id)) {
                return Ok(known.index.clone());
            }
        }
        let known = known.map(|known| known.segments).unwrap_or_default();
        let known: HashMap<SegmentId, Segment> = known.into_iter().collect();
        let mut wanted = Vec::new();
        for segment in segments {
            wanted.push(self.known_or_fetched(place, segment.id, known.get(&segment.id).cloned()));
        }
        let opened = futures_util::stream::iter(wanted).buffered(FETCHED_AT_ONCE);
        let opened: Vec<(SegmentId, Segment)> = opened.try_collect().await?;
        let all = opened.iter().map(|(_, segment)| segment.clone()).collect();
        let index = match Index::new(all) {
            // They were written before this version: their words are told from each other anew, as a merge does it.
            Err(retrieval::Error::OtherTokenizer { .. }) => Index::new(anew(&opened)?),
            other => other,
        };
        let index = Arc::new(index.map_err(Error::internal)?);
        self.keep(place.index, opened, index.clone());
        Ok(index)
    }

    fn known(&self, index: IndexId) -> Option<Opened> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let uses = kept.uses;
        let known = kept.indexes.get_mut(&index)?;
        known.used = uses;
        Some(known.clone())
    }

    fn keep(&self, id: IndexId, segments: Vec<(SegmentId, Segment)>, index: Arc<Index>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let opened = Opened {
            bytes: segments
                .iter()
                .map(|(_, segment)| segment.size() as u64)
                .sum(),
            segments,
            index,
            used: kept.uses,
        };
        kept.indexes.insert(id, opened);
        while kept.indexes.values().map(|one| one.bytes).sum::<u64>() > KEPT_BYTES
            && kept.indexes.len() > 1
        {
            let oldest = kept.indexes.iter().min_by_key(|(_, one)| one.used);
            let Some(oldest) = oldest.map(|(id, _)| *id) else {
                return;
            };
            kept.indexes.remove(&oldest);
        }
    }

    /// The segments with those merged that are to be, and how many were written.
    ///
    /// # Errors
    /// When the bucket is away.
    pub async fn merged(
        &self,
        place: &IndexPlace,
        segments: &[SegmentRef],
    ) -> Result<(Vec<SegmentRef>, u64)> {
        let (mut segments, mut written) = (segments.to_vec(), 0);
        while let Some(together) = to_merge(&segments) {
            let opened = futures_util::future::try_join_all(
                together.iter().map(|segment| self.fetch(place, segment.id)),
            );
            let bytes = retrieval::merge(&opened.await?, &|_| true).map_err(Error::internal)?;
            let chunks = together.iter().map(|segment| segment.chunks).sum();
            let merged = self.write(place, bytes, chunks).await?;
            segments.retain(|segment| !together.contains(segment));
            segments.push(merged);
            written += 1;
        }
        Ok((segments, written))
    }
}

fn anew(opened: &[(SegmentId, Segment)]) -> Result<Vec<Segment>> {
    let anew = opened.iter().map(|(_, segment)| {
        let bytes = retrieval::merge(std::slice::from_ref(segment), &|_| true);
        Segment::parse(bytes.map_err(Error::internal)?).map_err(Error::internal)
    });
    anew.collect()
}

/// A segment that a manifest had and the bucket has not.
#[derive(Debug)]
pub(crate) struct MergedAway;

impl std::fmt::Display for MergedAway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a segment was merged away since its manifest was read")
    }
}

impl std::error::Error for MergedAway {}

/// The size of a segment: each is four times as large as the one before.
fn size(segment: &SegmentRef) -> u32 {
    let mut size = 0;
    while segment.bytes > SMALLEST << (2 * size) {
        size += 1;
    }
    size
}

/// The segments that are to become one, if there are so many of a size.
fn to_merge(segments: &[SegmentRef]) -> Option<Vec<SegmentRef>> {
    let mut by_size: HashMap<u32, Vec<SegmentRef>> = HashMap::new();
    for segment in segments
        .iter()
        .filter(|segment| segment.bytes <= LARGEST_MERGED)
    {
        by_size
            .entry(size(segment))
            .or_default()
            .push(segment.clone());
    }
    let mut full: Vec<_> = by_size
        .into_iter()
        .filter(|(_, of_size)| of_size.len() >= MERGED_FROM)
        .collect();
    full.sort_by_key(|(size, _)| *size);
    full.into_iter().next().map(|(_, of_size)| of_size)
}

/// Whether an index with those segments is to be merged.
pub fn wants_merge(segments: &[SegmentRef]) -> bool {
    to_merge(segments).is_some()
}

/// What has to end before `deadline`.
pub(crate) async fn in_time<T>(
    deadline: Instant,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let ended = tokio::time::timeout_at(deadline.into(), work).await;
    ended.map_err(Error::unavailable)?
}

impl Backend for Packed {
    fn modes(&self) -> &'static [Mode] {
        &[Mode::Hybrid, Mode::Vector, Mode::Keyword]
    }

    fn put<'a>(
        &'a self,
        place: &'a IndexPlace,
        entry: &'a Entry,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Option<SegmentRef>>> {
        in_time(deadline, async move {
            let mut builder =
                SegmentBuilder::new(place.dimensions as usize).map_err(Error::internal)?;
            builder
                .add(entry.document.clone(), entry.chunks.clone())
                .map_err(Error::internal)?;
            let bytes = builder.build().map_err(Error::internal)?;
            let chunks = entry.chunks.len() as u64;
            self.write(place, bytes, chunks).await.map(Some)
        })
        .boxed()
    }

    fn remove<'a>(
        &'a self,
        place: &'a IndexPlace,
        segments: &'a [SegmentRef],
        gone: &'a BTreeSet<Gone>,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Vec<SegmentRef>>> {
        let is_gone = |key: &DocumentKey<'_>| {
            gone.contains(&Gone {
                document: key.id.to_owned(),
                version: key.version.to_owned(),
            })
        };
        in_time(deadline, async move {
            let mut left = Vec::new();
            for segment in segments {
                let opened = self.fetch(place, segment.id).await?;
                let keys = opened.keys().collect::<std::result::Result<Vec<_>, _>>();
                let keys = keys.map_err(Error::internal)?;
                if !keys.iter().any(is_gone) {
                    left.push(segment.clone());
                } else if !keys.iter().all(is_gone) {
                    let kept =
                        retrieval::merge(std::slice::from_ref(&opened), &|key| !is_gone(key));
                    let kept = kept.map_err(Error::internal)?;
                    let chunks = Segment::parse(kept.clone()).map_err(Error::internal)?;
                    let chunks = chunks.chunks() as u64;
                    left.push(self.write(place, kept, chunks).await?);
                }
            }
            Ok(left)
        })
        .boxed()
    }

    fn drop_index<'a>(
        &'a self,
        place: &'a IndexPlace,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<()>> {
        in_time(deadline, async move {
            let prefix = keys::of_index(place.tenant, place.base, place.index);
            self.blobs.delete_all(&prefix).await.map(|_| ())
        })
        .boxed()
    }

    fn search<'a>(
        &'a self,
        place: &'a IndexPlace,
        segments: &'a [SegmentRef],
        sought: &'a Sought<'a>,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Vec<Hit>>> {
        in_time(deadline, async move {
            if segments.is_empty() {
                return Ok(Vec::new());
            }
            let index = self.open(place, segments).await?;
            index.search(&sought.query).map_err(asked_wrongly)
        })
        .boxed()
    }
}

/// What is wrong with a search is said by the caller's own words; what is wrong with a segment is a fault of ours.
pub(crate) fn asked_wrongly(error: retrieval::Error) -> Error {
    match error {
        retrieval::Error::Invalid(detail) => Error::invalid("/query", detail),
        other => Error::internal(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: u64) -> SegmentRef {
        SegmentRef {
            id: SegmentId::new(),
            bytes,
            chunks: 1,
        }
    }

    #[test]
    fn eight_segments_of_a_size_become_one_and_seven_stay() {
        let seven: Vec<SegmentRef> = (0..7).map(|_| of(1000)).collect();
        assert_eq!(to_merge(&seven), None);
        let others = [of(SMALLEST + 1), of(SMALLEST * 4), of(SMALLEST * 4 + 1)];
        let ten = [seven.clone(), others.to_vec()].concat();
        assert_eq!(to_merge(&ten), None, "sizes are not mixed");
        let eight = [ten, vec![of(SMALLEST)]].concat();
        let merged = to_merge(&eight).expect("eight");
        assert_eq!(merged.len(), 8);
        assert!(merged.iter().all(|segment| segment.bytes <= SMALLEST));
        let large: Vec<SegmentRef> = (0..20).map(|_| of(LARGEST_MERGED + 1)).collect();
        assert!(!wants_merge(&large), "large ones stay");
    }
}
