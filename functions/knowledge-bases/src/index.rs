//! How the index of a knowledge base is made, as people choose it.

use engine::EmbeddingModel;
use shared::model::{Chunking, IndexSettings};
use shared::{Error, Result};

/// How long chunks are where nobody says it.
const CHUNK_TOKENS: u32 = 400;
/// The shortest and the longest chunks that there are.
const BOUNDS: std::ops::RangeInclusive<u32> = 64..=2048;

/// With that model and chunks like that, or such as the model takes.
pub(crate) fn settings(model: &EmbeddingModel, wanted: Option<Chunking>) -> Result<IndexSettings> {
    let spec = model.spec();
    let most = spec.max_input_tokens.min(*BOUNDS.end());
    let chunking = match wanted {
        None => {
            let max_tokens = CHUNK_TOKENS.min(most);
            Chunking {
                max_tokens,
                overlap_tokens: max_tokens / 8,
            }
        }
        Some(wanted) => {
            if !(*BOUNDS.start()..=most).contains(&wanted.max_tokens) {
                let detail = format!(
                    "must be from {} to {most}, which is what the embedding model takes",
                    BOUNDS.start()
                );
                return Err(Error::invalid("/chunking/max_tokens", detail));
            }
            if wanted.overlap_tokens >= wanted.max_tokens / 2 {
                let detail = "must be less than half of max_tokens";
                return Err(Error::invalid("/chunking/overlap_tokens", detail));
            }
            wanted
        }
    };
    Ok(IndexSettings {
        embedding_model: spec.id.clone(),
        dimensions: spec.dimensions,
        chunking,
    })
}
