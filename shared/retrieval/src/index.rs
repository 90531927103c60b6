//! Several segments, searched as if they were one.

use std::collections::HashMap;

use crate::fuse::{Candidate, fuse, keyword_alone, vector_alone};
use crate::query::{Hit, Mode, Query};
use crate::scan::Eligible;
use crate::segment::{DocumentKey, Segment};
use crate::tokenize::TOKENIZER_VERSION;
use crate::vector::Asked;
use crate::{Error, Result, bm25, scan};

/// Searches segments of one embedding model. A document that several segments have in the same version counts once, from
/// the first of them: writing a segment twice is safe.
#[derive(Debug, Clone)]
pub struct Index {
    segments: Vec<Segment>,
    dimensions: usize,
    /// For each segment the places of its documents among all, by key; `None` where another segment has the document.
    places: Vec<Vec<Option<u32>>>,
}

impl Index {
    /// Refuses segments with different dimensions and of other versions of the tokenizer.
    pub fn new(segments: Vec<Segment>) -> Result<Self> {
        let dimensions = segments.first().map_or(0, Segment::dimensions);
        if segments
            .iter()
            .any(|segment| segment.dimensions() != dimensions)
        {
            return Err(Error::invalid(
                "the segments have vectors of different dimensions; search those of one model",
            ));
        }
        let mut versions = segments.iter().map(Segment::tokenizer);
        if let Some(found) = versions.find(|version| *version != TOKENIZER_VERSION) {
            return Err(Error::OtherTokenizer { found });
        }
        let places = places(&segments)?;
        Ok(Self {
            segments,
            dimensions,
            places,
        })
    }

    /// How many dimensions the vectors have; 0 without vectors.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// How many chunks all segments have, alive or not.
    pub fn chunks(&self) -> usize {
        self.segments.iter().map(Segment::chunks).sum()
    }

    /// The best chunks of those that are visible and that the filter wants, best first. Among equals documents go by id and
    /// version, and chunks by ordinal. What is not visible has no influence on anything in the answer, and neither has the
    /// way in which documents are spread over segments.
    pub fn search(&self, query: &Query<'_>) -> Result<Vec<Hit>> {
        query.check()?;
        let vector = query.used_vector(self.dimensions)?;
        let text = query.used_text()?;
        let pairs = self.segments.iter().zip(&self.places);
        let eligible = pairs.map(|(segment, places)| Eligible::new(segment, places, query));
        let eligible = eligible.collect::<Result<Vec<_>>>()?;
        let by_vector = match vector {
            Some(vector) => {
                let asked = Asked::new(vector)?;
                scan::search(
                    &self.segments,
                    &eligible,
                    &asked,
                    query.min_cosine,
                    query.candidates,
                )?
            }
            None => Vec::new(),
        };
        let by_keyword = match text {
            Some(text) => bm25::search(&self.segments, &eligible, text, query.candidates)?,
            None => Vec::new(),
        };
        let candidates = match query.mode {
            Mode::Vector => vector_alone(&by_vector),
            Mode::Keyword => keyword_alone(&by_keyword),
            Mode::Hybrid => fuse(&by_vector, &by_keyword, query.weights),
        };
        let chosen = choose(&candidates, query);
        chosen.map(|candidate| self.hit(candidate)).collect()
    }

    fn hit(&self, candidate: &Candidate) -> Result<Hit> {
        let segment = &self.segments[candidate.at.0 as usize];
        let chunk = candidate.at.1 as usize;
        let document = segment.document(segment.document_of(chunk)?)?;
        let chunk = segment.chunk(chunk)?;
        Ok(Hit {
            document: document.key.id.to_owned(),
            version: document.key.version.to_owned(),
            name: document.name.to_owned(),
            attributes: document.owned_attributes()?,
            ordinal: chunk.ordinal,
            start: chunk.start,
            end: chunk.end,
            page: chunk.page,
            headings: chunk.headings()?,
            tokens: chunk.tokens,
            text: chunk.text.to_owned(),
            score: candidate.score,
            vector: candidate.vector,
            keyword: candidate.keyword,
            fused: candidate.fused,
        })
    }
}

/// Where each document stands among all.
fn places(segments: &[Segment]) -> Result<Vec<Vec<Option<u32>>>> {
    let mut all: Vec<(DocumentKey<'_>, usize, usize)> = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        for (document, key) in segment.keys().enumerate() {
            all.push((key?, index, document));
        }
    }
    // Each segment is in order already, which makes this a merge.
    all.sort();
    let mut places: Vec<Vec<Option<u32>>> = segments
        .iter()
        .map(|segment| vec![None; segment.documents()])
        .collect();
    for (place, same) in (0_u32..).zip(all.chunk_by(|a, b| a.0 == b.0)) {
        let (_, segment, document) = same[0];
        places[segment][document] = Some(place);
    }
    Ok(places)
}

/// The first so many that keep the query's bounds.
pub(crate) fn choose<'a>(
    candidates: &'a [Candidate],
    query: &Query<'_>,
) -> impl Iterator<Item = &'a Candidate> {
    let least = query.min_score.unwrap_or(f32::NEG_INFINITY);
    let per_document = query.per_document.unwrap_or(usize::MAX);
    let mut of_document: HashMap<u64, usize> = HashMap::new();
    let within = candidates.iter().filter(move |candidate| {
        if candidate.score < least {
            return false;
        }
        let count = of_document.entry(candidate.place >> 32).or_insert(0);
        *count += 1;
        *count <= per_document
    });
    within.take(query.limit)
}
