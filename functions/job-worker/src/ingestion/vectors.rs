//! The vectors of a content's chunks. Each batch is kept under the content's prefix as soon as it is there, by what is in
//! it, so that the same text of the same document is never embedded twice by the same model.
//!
//! A kept batch is, for each text, its SHA-256 and its numbers as little-endian 32-bit floats.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use bytes::Bytes;
use documents::Chunk;
use engine::{EmbeddingModel, Purpose};
use knowledge::keys;
use sha2::{Digest as _, Sha256};
use shared::model::{DocumentCounts, DocumentStage, JobProgress};
use shared::{Error, Result};

use super::Taking;
use super::content::hash;
use crate::JobWorker;

/// How many chunks are embedded and kept at a time.
const BATCH: usize = 192;
/// With less time left than that no further batch is begun.
const LEFT: Duration = Duration::from_secs(15);
/// The largest kept batch: the longest vectors that there are.
const MAX_BATCH_BYTES: u64 = (BATCH * (HASH + 4 * retrieval::MAX_DIMENSIONS)) as u64;
/// How long a hash is.
const HASH: usize = 32;

type Hash = [u8; HASH];

/// What is embedded, and on whose behalf.
#[derive(Clone, Copy)]
pub(crate) struct Embedding<'a> {
    pub(crate) taking: &'a Taking<'a>,
    pub(crate) model: &'a EmbeddingModel,
}

/// How far it came.
pub(crate) enum Embedded {
    /// A vector for each chunk, in their order.
    All(Vec<Vec<f32>>),
    /// Time ran out after some of them were kept.
    Some,
}

impl JobWorker {
    /// The vectors of the chunks: those that are kept, and the others made now.
    pub(crate) async fn embedded(
        &self,
        embedding: Embedding<'_>,
        chunks: &[Chunk],
        mut counts: DocumentCounts,
    ) -> Result<Embedded> {
        let hashes: Vec<Hash> = chunks
            .iter()
            .map(|chunk| Sha256::digest(&chunk.text).into())
            .collect();
        let mut kept = self.kept(embedding).await?;
        let mut seen = HashSet::new();
        let open = chunks.iter().zip(&hashes);
        let open = open.filter(|(_, hash)| !kept.contains_key(*hash) && seen.insert(**hash));
        let open: Vec<(&Chunk, Hash)> = open.map(|(chunk, hash)| (chunk, *hash)).collect();
        let all = chunks.len();
        for (begun, batch) in open.chunks(BATCH).enumerate() {
            let left = embedding
                .taking
                .until
                .saturating_duration_since(Instant::now());
            if begun > 0 && left < LEFT {
                return Ok(Embedded::Some);
            }
            let vectors = self.embed_batch(embedding, batch).await?;
            kept.extend(batch.iter().map(|(_, hash)| *hash).zip(vectors));
            let done = hashes.iter().filter(|hash| kept.contains_key(*hash));
            counts.embedded_chunks = done.count() as u64;
            embedding
                .taking
                .progress
                .set(progress(counts.embedded_chunks, all));
            let stage = embedding.taking.stage(DocumentStage::Embedding, counts);
            stage.await?;
        }
        let vectors = hashes.iter().map(|hash| kept.get(hash).cloned());
        let vectors: Option<Vec<Vec<f32>>> = vectors.collect();
        let vectors = vectors.ok_or_else(|| Error::internal("a chunk without a vector"))?;
        Ok(Embedded::All(vectors))
    }

    async fn embed_batch(
        &self,
        embedding: Embedding<'_>,
        batch: &[(&Chunk, Hash)],
    ) -> Result<Vec<Vec<f32>>> {
        let Embedding { taking, model, .. } = embedding;
        let texts: Vec<String> = batch.iter().map(|(chunk, _)| chunk.text.clone()).collect();
        let until = taking.until;
        let embedded = self.engine.embed(
            taking.store,
            taking.caller,
            model,
            &texts,
            Purpose::Document,
            until,
        );
        let vectors = embedded.await?.vectors;
        let mut bytes = Vec::with_capacity(batch.len() * (HASH + 4 * vectors[0].len()));
        for ((_, hash), vector) in batch.iter().zip(&vectors) {
            bytes.extend_from_slice(hash);
            bytes.extend(vector.iter().flat_map(|number| number.to_le_bytes()));
        }
        let name = &hash(&bytes)[..32];
        let key = format!("{}{}{name}", taking.prefix(), of_model(model));
        self.app.blobs.put(&key, Bytes::from(bytes)).await?;
        Ok(vectors)
    }

    /// What is kept of this content, and of the one before.
    async fn kept(&self, embedding: Embedding<'_>) -> Result<HashMap<Hash, Vec<f32>>> {
        let Embedding { taking, model, .. } = embedding;
        let mut prefixes = vec![taking.prefix()];
        if let Some(before) = &taking.document.current {
            let (tenant, base) = (taking.store.tenant(), taking.base.id);
            prefixes.push(keys::of_content(
                tenant,
                base,
                taking.document.id,
                before.content,
            ));
        }
        prefixes.dedup();
        let length = model.spec().dimensions as usize;
        let mut kept = HashMap::new();
        for prefix in prefixes {
            let listed = self
                .app
                .blobs
                .list(&format!("{prefix}{}", of_model(model)))
                .await?;
            for object in listed {
                let bytes = self.app.blobs.get(&object.key, MAX_BATCH_BYTES).await?;
                kept.extend(read(&bytes.unwrap_or_default(), length));
            }
        }
        Ok(kept)
    }
}

/// How far a job is that has so many of so many chunks: embedding is most of the work.
pub(crate) fn progress(done: u64, all: usize) -> JobProgress {
    let number = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    JobProgress {
        done: number(done),
        total: number(all as u64 + 1),
    }
}

/// Where the vectors of a model are kept: what would make others has another place.
fn of_model(model: &EmbeddingModel) -> String {
    let (provider, spec) = (model.provider(), model.spec());
    let about = BTreeMap::from([
        ("address", provider.base_url.as_str()),
        ("model", spec.name_at_provider()),
        ("provider", provider.name.as_str()),
    ]);
    // Texts can't fail to serialize.
    let about = serde_json::to_string(&(about, spec.dimensions)).unwrap_or_default();
    format!("vectors/{}/", &hash(about.as_bytes())[..16])
}

/// The vectors of a kept batch. What is no vector of that length is left out, and made anew.
fn read(bytes: &[u8], length: usize) -> Vec<(Hash, Vec<f32>)> {
    let records = bytes.chunks_exact(HASH + 4 * length);
    let records = records.filter_map(|record| {
        let (hash, numbers) = record.split_first_chunk::<HASH>()?;
        let numbers = numbers.as_chunks::<4>().0.iter();
        let numbers: Vec<f32> = numbers.map(|number| f32::from_le_bytes(*number)).collect();
        let finite = numbers.iter().all(|number| number.is_finite());
        finite.then_some((*hash, numbers))
    });
    records.collect()
}
