//! Which chunks may be looked at, and the scan of their vectors.

use crate::bm25::at;
use crate::query::Query;
use crate::segment::Segment;
use crate::top::{Place, Scored, Top};
use crate::vector::Asked;
use crate::{Corrupt, Result};

const VISIBLE: u8 = 1;
const SELECTED: u8 = 2;

/// What a query may do with the chunks of a segment.
pub(crate) struct Eligible {
    /// For each chunk `VISIBLE` and `SELECTED`.
    chunks: Vec<u8>,
    /// Chunks of documents that the filter selects too, and the place of the first.
    selected: Vec<(std::ops::Range<usize>, Place)>,
}

impl Eligible {
    /// Asks for each document of a segment whether it is visible, and only then looks at its attributes. `places` are the
    /// documents' places among all, or `None` for a document that another segment has already.
    pub(crate) fn new(
        segment: &Segment,
        places: &[Option<u32>],
        query: &Query<'_>,
    ) -> Result<Self> {
        let mut chunks = vec![0; segment.chunks()];
        let mut selected = Vec::new();
        let mut attributes = Vec::new();
        for (document, place) in places.iter().enumerate() {
            let Some(place) = place else { continue };
            let record = segment.document(document)?;
            if !(query.visible)(&record.key) {
                continue;
            }
            let range = segment.chunks_of(document)?;
            let wanted = match query.filter {
                Some(filter) => {
                    record.attributes(&mut attributes)?;
                    filter.matches(&attributes)
                }
                None => true,
            };
            let flags = if wanted { VISIBLE | SELECTED } else { VISIBLE };
            chunks[range.clone()].fill(flags);
            if wanted {
                selected.push((range, Place::from(*place) << 32));
            }
        }
        Ok(Self { chunks, selected })
    }

    pub(crate) fn visible(&self, chunk: usize) -> bool {
        self.chunks[chunk] & VISIBLE != 0
    }

    pub(crate) fn selected(&self, chunk: usize) -> bool {
        self.chunks[chunk] & SELECTED != 0
    }

    pub(crate) fn each_selected(&self, mut each: impl FnMut(usize, Place)) {
        for (range, first) in &self.selected {
            for (chunk, place) in range.clone().zip(*first..) {
                each(chunk, place);
            }
        }
    }
}

/// The chunks with the largest cosines, of all that are selected.
pub(crate) fn search(
    segments: &[Segment],
    eligible: &[Eligible],
    asked: &Asked,
    least: Option<f32>,
    most: usize,
) -> Result<Vec<Scored>> {
    let mut top = Top::new(most);
    for (index, (segment, eligible)) in segments.iter().zip(eligible).enumerate() {
        for (range, first) in &eligible.selected {
            let chunks = range.clone().zip(*first..);
            for ((chunk, place), (codes, scale)) in chunks.zip(segment.vectors(range.clone())) {
                let score = asked.cosine(codes, scale);
                if !score.is_finite() {
                    return Err(Corrupt::Inconsistent("a factor is not finite").into());
                }
                if least.is_none_or(|least| score >= least) {
                    top.push(Scored {
                        score,
                        place,
                        at: at(index, chunk),
                    });
                }
            }
        }
    }
    Ok(top.into_ranked())
}
