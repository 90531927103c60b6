//! What another search engine found, in the order and within the bounds that an [`Index`](crate::Index) keeps.

use std::collections::BTreeMap;

use crate::fuse::{Candidate, fuse, keyword_alone, vector_alone};
use crate::index::choose;
use crate::query::{Hit, Mode, Query};
use crate::top::{Place, Scored};
use crate::{Error, Result, terms};

/// What an index compares, of a query that is right.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked<'a> {
    /// With as many dimensions as the index, where the mode compares vectors.
    pub vector: Option<&'a [f32]>,
    /// How often each term stands in the text, where the mode compares terms.
    pub terms: Option<BTreeMap<String, u32>>,
}

/// What another engine found, each list best first; [`Hit::score`] is what the list is ordered by.
#[derive(Debug, Default)]
pub struct Found {
    /// By the vector: the score is a cosine.
    pub vector: Vec<Hit>,
    /// By the terms.
    pub keyword: Vec<Hit>,
}

impl<'a> Query<'a> {
    /// Checks it as an index of that many dimensions does.
    pub fn asked(&self, dimensions: usize) -> Result<Asked<'a>> {
        self.check()?;
        let vector = self.used_vector(dimensions)?;
        if vector.is_some_and(|vector| !has_direction(vector)) {
            return Err(Error::invalid(
                "the query's vector is not finite or has no direction; embed another text",
            ));
        }
        let terms = match self.used_text()? {
            None => None,
            Some(text) => Some(crate::bm25::query_terms(text)?),
        };
        Ok(Asked { vector, terms })
    }
}

fn has_direction(vector: &[f32]) -> bool {
    vector.iter().all(|number| number.is_finite()) && vector.iter().any(|number| *number != 0.0)
}

/// Fuses what was found and cuts it as the query says: `candidates` of each list, `min_score`, `per_document`, `limit`. What
/// may not be seen must be left out already.
pub fn ranked(found: &Found, query: &Query<'_>) -> Vec<Hit> {
    let lists = [&found.vector, &found.keyword];
    let mut documents: BTreeMap<(&str, &str), Place> = BTreeMap::new();
    for hit in lists.into_iter().flatten() {
        documents.insert((&hit.document, &hit.version), 0);
    }
    for (place, of) in (0..).zip(documents.values_mut()) {
        *of = place;
    }
    let scored = |list: u32, hits: &[Hit]| {
        let numbered = (0..).zip(hits).take(query.candidates);
        let mut scored: Vec<Scored> = numbered
            .map(|(at, hit)| Scored {
                score: hit.score,
                place: (documents[&(hit.document.as_str(), hit.version.as_str())] << 32)
                    | Place::from(hit.ordinal),
                at: (list, at),
            })
            .collect();
        scored.sort_by(|a, b| b.cmp(a));
        scored
    };
    let (vector, keyword) = (scored(0, &found.vector), scored(1, &found.keyword));
    let candidates = match query.mode {
        Mode::Vector => vector_alone(&vector),
        Mode::Keyword => keyword_alone(&keyword),
        Mode::Hybrid => fuse(&vector, &keyword, query.weights),
    };
    let chosen = choose(&candidates, query);
    chosen.map(|candidate| hit(candidate, &lists)).collect()
}

fn hit(candidate: &Candidate, lists: &[&Vec<Hit>; 2]) -> Hit {
    let (list, at) = candidate.at;
    Hit {
        score: candidate.score,
        vector: candidate.vector,
        keyword: candidate.keyword,
        fused: candidate.fused,
        ..lists[list as usize][at as usize].clone()
    }
}

/// The terms of a text with how often each stands in it, and how many there are in all.
pub fn counted(text: &str) -> (BTreeMap<String, u32>, usize) {
    let all = terms(text);
    let length = all.len();
    let mut counted = BTreeMap::new();
    for term in all {
        *counted.entry(term).or_insert(0) += 1;
    }
    (counted, length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attributes::Attributes;

    fn found(document: &str, ordinal: u32, score: f32) -> Hit {
        Hit {
            document: document.to_owned(),
            version: "v".to_owned(),
            name: String::new(),
            attributes: Attributes::default(),
            ordinal,
            start: 0,
            end: 1,
            page: None,
            headings: Vec::new(),
            tokens: 1,
            text: "x".to_owned(),
            score,
            vector: None,
            keyword: None,
            fused: None,
        }
    }

    #[test]
    fn what_both_lists_have_comes_first_and_a_document_has_as_many_as_allowed() {
        let all = Found {
            vector: vec![found("a", 0, 0.9), found("b", 0, 0.8), found("b", 1, 0.7)],
            keyword: vec![found("b", 1, 7.0), found("b", 0, 3.0)],
        };
        let mut query = Query::new(Mode::Hybrid, &|_| true);
        let hits = ranked(&all, &query);
        let order: Vec<_> = hits
            .iter()
            .map(|hit| (hit.document.as_str(), hit.ordinal))
            .collect();
        assert_eq!(order, [("b", 1), ("b", 0), ("a", 0)]);
        assert_eq!(hits[0].keyword.map(|stage| stage.rank), Some(1));
        assert_eq!(hits[2].keyword, None);
        query.per_document = Some(1);
        assert_eq!(ranked(&all, &query).len(), 2);
        query.mode = Mode::Vector;
        query.min_score = Some(0.85);
        assert_eq!(ranked(&all, &query).len(), 1);
    }

    #[test]
    fn a_query_is_checked_as_an_index_does() {
        let mut query = Query::new(Mode::Vector, &|_| true);
        assert!(query.asked(2).is_err());
        query.vector = Some(&[0.0, 0.0]);
        assert!(query.asked(2).is_err());
        query.vector = Some(&[0.0, 1.0]);
        assert_eq!(query.asked(2).unwrap().vector, Some(&[0.0, 1.0][..]));
        assert!(query.asked(3).is_err());
    }
}
