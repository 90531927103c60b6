//! Searching by another function, which has the memory for indexes: whoever waits for a model needs none.

use std::collections::BTreeMap;
use std::time::Instant;

use retrieval::Hit;
use serde::{Deserialize, Serialize};
use shared::auth::Mandate;
use shared::invoke::Function;
use shared::model::KnowledgeBaseId;
use shared::{Error, Result};

/// What is searched for, and on whose behalf. What the mandate is worth then is asked where it is searched.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedSearch {
    /// Who asks.
    pub mandate: Mandate,
    /// In which knowledge bases, which the asker must be one to read.
    pub knowledge_base_ids: Vec<KnowledgeBaseId>,
    /// In words.
    pub text: String,
    /// The same as a vector of each embedding model that made one of the indexes.
    pub vectors: BTreeMap<String, Vec<f32>>,
    /// How many chunks of each knowledge base are wanted, at most.
    pub limit: usize,
    /// In so many milliseconds.
    pub within_ms: u64,
}

/// What was found.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundBySearch {
    /// The best chunks of all knowledge bases, best first.
    Chunks(Vec<FoundChunk>),
    /// A knowledge base is gone, or not for the asker.
    NoSuchBase,
}

/// A chunk, and where it is from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoundChunk {
    /// The knowledge base.
    pub knowledge_base_id: KnowledgeBaseId,
    /// The chunk.
    pub hit: Hit,
}

/// Has that function search.
///
/// # Errors
/// `NotFound` for a knowledge base that is gone or not for the asker, `Unavailable` if the search failed.
pub async fn search_by(
    function: &Function,
    asked: AskedSearch,
    deadline: Instant,
) -> Result<Vec<FoundChunk>> {
    match function.call(asked, deadline).await? {
        FoundBySearch::Chunks(chunks) => Ok(chunks),
        FoundBySearch::NoSuchBase => Err(Error::NotFound("knowledge base")),
    }
}
