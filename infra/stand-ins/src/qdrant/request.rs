//! What Qdrant is sent.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    pub vectors: BTreeMap<String, Dense>,
    pub sparse_vectors: BTreeMap<String, SparseParameters>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dense {
    pub size: usize,
    pub distance: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SparseParameters {
    pub modifier: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Index {
    pub field_name: String,
    pub field_schema: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Upsert {
    pub points: Vec<NewPoint>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPoint {
    /// A UUID; this knows no numbers.
    pub id: String,
    pub vector: Vectors,
    pub payload: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Vectors {
    pub vector: Vec<f32>,
    pub words: Option<Sparse>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sparse {
    pub indices: Vec<u32>,
    pub values: Vec<f32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Delete {
    pub filter: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetPayload {
    pub payload: Map<String, Value>,
    pub filter: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Batch {
    pub searches: Vec<Search>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    pub query: Asked,
    pub using: String,
    pub limit: usize,
    #[serde(default)]
    pub with_payload: bool,
    pub filter: Option<Value>,
    pub score_threshold: Option<f32>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Asked {
    Dense(Vec<f32>),
    Sparse(Sparse),
}
