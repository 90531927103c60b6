//! What is asked, and what is found.

use serde::{Deserialize, Serialize};

use crate::attributes::Attributes;
use crate::filter::Filter;
use crate::segment::DocumentKey;
use crate::{Error, Result};

/// A query's text is longer than any question; a document as a query would cost what all of its terms cost.
const MAX_TEXT_CHARACTERS: usize = 8_000;
/// More candidates than this are a dump of the index.
const MAX_CANDIDATES: usize = 10_000;

/// Which stages look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The vector alone.
    Vector,
    /// The text's terms alone.
    Keyword,
    /// Both, fused by rank.
    Hybrid,
}

/// A search. Start from [`Query::new`], which sees nothing until it is told what is visible.
#[derive(Clone, Copy)]
pub struct Query<'a> {
    /// Which stages look.
    pub mode: Mode,
    /// At most 8,000 characters. Needed by the modes that use it, and not looked at by the other.
    pub text: Option<&'a str>,
    /// With as many dimensions as the index. Needed by the modes that use it, and not looked at by the other.
    pub vector: Option<&'a [f32]>,
    /// What whoever asks wants to find, of what they may see.
    pub filter: Option<&'a Filter>,
    /// Whether a document is alive in this version, and may be seen by whoever asks. Called once for each document of each
    /// segment, before anything is scored.
    pub visible: &'a (dyn Fn(&DocumentKey<'_>) -> bool + Sync),
    /// How many chunks each stage hands to the fusion.
    pub candidates: usize,
    /// How many hits are given, at most.
    pub limit: usize,
    /// How much each stage counts in [`Mode::Hybrid`].
    pub weights: Weights,
    /// The stage of vectors leaves out what has a smaller cosine.
    pub min_cosine: Option<f32>,
    /// Hits with a smaller [`Hit::score`] are left out.
    pub min_score: Option<f32>,
    /// At most so many hits of one document. It is looked at after the fusion, among the candidates: with few candidates
    /// that are all of one document there are fewer hits than `limit`.
    pub per_document: Option<usize>,
}

/// Factors of reciprocal rank fusion, not negative, and not both zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// Of the vector.
    pub vector: f32,
    /// Of the terms.
    pub keyword: f32,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            vector: 1.0,
            keyword: 1.0,
        }
    }
}

impl<'a> Query<'a> {
    /// Ten hits of a hundred candidates.
    pub fn new(mode: Mode, visible: &'a (dyn Fn(&DocumentKey<'_>) -> bool + Sync)) -> Self {
        Self {
            mode,
            text: None,
            vector: None,
            filter: None,
            visible,
            candidates: 100,
            limit: 10,
            weights: Weights::default(),
            min_cosine: None,
            min_score: None,
            per_document: None,
        }
    }

    /// The vector, if the mode uses one.
    pub(crate) fn used_vector(&self, dimensions: usize) -> Result<Option<&'a [f32]>> {
        if self.mode == Mode::Keyword {
            return Ok(None);
        }
        match self.vector {
            Some(vector) if vector.len() == dimensions => Ok(Some(vector)),
            Some(vector) => Err(Error::invalid(format!(
                "the query's vector has {} dimensions and the index {dimensions}; embed the query with the model of the index",
                vector.len()
            ))),
            None => Err(Error::invalid(
                "this mode needs a vector; give one, or search by keyword",
            )),
        }
    }

    /// The text, if the mode uses one.
    pub(crate) fn used_text(&self) -> Result<Option<&'a str>> {
        if self.mode == Mode::Vector {
            return Ok(None);
        }
        match self.text {
            Some(text) if text.chars().nth(MAX_TEXT_CHARACTERS).is_none() => Ok(Some(text)),
            Some(_) => Err(Error::invalid(format!(
                "the query's text is longer than {MAX_TEXT_CHARACTERS} characters; shorten it"
            ))),
            None => Err(Error::invalid(
                "this mode needs a text; give one, or search by vector",
            )),
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.limit == 0 || self.candidates < self.limit || self.candidates > MAX_CANDIDATES {
            return Err(Error::invalid(format!(
                "`limit` is at least 1, and `candidates` at least `limit` and at most {MAX_CANDIDATES}"
            )));
        }
        if self.per_document == Some(0) {
            return Err(Error::invalid("`per_document` is at least 1"));
        }
        let Weights { vector, keyword } = self.weights;
        let right = |weight: f32| weight.is_finite() && weight >= 0.0;
        if !right(vector) || !right(keyword) || vector + keyword == 0.0 {
            return Err(Error::invalid(
                "weights are finite, not negative, and not both zero",
            ));
        }
        Ok(())
    }
}

/// A chunk that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// The document's id.
    pub document: String,
    /// The version of the document that this chunk is of.
    pub version: String,
    /// The document's name.
    pub name: String,
    /// The document's attributes.
    pub attributes: Attributes,
    /// The chunk's number in its document.
    pub ordinal: u32,
    /// Where the text begins in the document's, in code points.
    pub start: u32,
    /// Where it ends; `end - start` is its length.
    pub end: u32,
    /// The page on which it begins, where the document has pages.
    pub page: Option<u32>,
    /// The headings above it, outermost first.
    pub headings: Vec<String>,
    /// How many tokens whoever cut the document counted.
    pub tokens: u32,
    /// The chunk's text.
    pub text: String,
    /// What decided the order: the cosine in [`Mode::Vector`], the BM25 score in [`Mode::Keyword`], the fused score in
    /// [`Mode::Hybrid`].
    pub score: f32,
    /// What the stage of vectors said, if the chunk was among its candidates: a cosine.
    pub vector: Option<Stage>,
    /// What the stage of terms said, if the chunk was among its candidates: a BM25 score.
    pub keyword: Option<Stage>,
    /// What the fusion said, in [`Mode::Hybrid`]: 1 is first in both.
    pub fused: Option<Stage>,
}

/// What a stage said of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// 1 is the best.
    pub rank: u32,
    /// On the stage's own scale.
    pub score: f32,
}
