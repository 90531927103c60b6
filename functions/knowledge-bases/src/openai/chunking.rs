//! How files are cut, as OpenAI says it.

use serde::{Deserialize, Serialize};
use shared::model::Chunking;
use shared::{Error, FieldError, Result};

/// How files are cut into chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ChunkingStrategy {
    /// As the vector store does it by itself.
    Auto {},
    /// In chunks of a length.
    Static {
        /// Which length.
        #[serde(rename = "static")]
        lengths: StaticChunking,
    },
}

/// How long chunks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StaticChunking {
    /// How many tokens a chunk may have, as we count them: 64 to 2048, and no more than the embedding model takes.
    #[schema(minimum = 64, maximum = 2048, example = 64)]
    max_chunk_size_tokens: u32,
    /// How many of them it may repeat of the chunk before: less than half.
    #[schema(minimum = 0, example = 8)]
    chunk_overlap_tokens: u32,
}

impl From<Chunking> for ChunkingStrategy {
    fn from(chunking: Chunking) -> Self {
        Self::Static {
            lengths: StaticChunking {
                max_chunk_size_tokens: chunking.max_tokens,
                chunk_overlap_tokens: chunking.overlap_tokens,
            },
        }
    }
}

impl ChunkingStrategy {
    /// What a knowledge base is told. `None` where it decides by itself.
    pub(crate) fn wanted(self) -> Option<Chunking> {
        match self {
            Self::Auto {} => None,
            Self::Static { lengths } => Some(Chunking {
                max_tokens: lengths.max_chunk_size_tokens,
                overlap_tokens: lengths.chunk_overlap_tokens,
            }),
        }
    }

    /// Holds what is asked for one file to how its vector store cuts all of them.
    pub(crate) fn check(wanted: Option<Self>, store: Chunking) -> Result<()> {
        let wanted = wanted.and_then(Self::wanted);
        if wanted.is_none_or(|wanted| wanted == store) {
            return Ok(());
        }
        let detail = "must be that of the vector store, whose files are all cut alike; leave it out, or create a vector store with it";
        Err(Error::unsupported("/chunking_strategy", detail))
    }
}

/// A fault of a knowledge base's chunking, with the names that it has here.
pub(crate) fn renamed(error: Error) -> Error {
    let Error::Invalid(faults) = error else {
        return super::renamed(error);
    };
    let names = [
        (
            "/chunking/max_tokens",
            "/chunking_strategy/static/max_chunk_size_tokens",
        ),
        (
            "/chunking/overlap_tokens",
            "/chunking_strategy/static/chunk_overlap_tokens",
        ),
    ];
    let faults = faults.into_iter().map(|fault| {
        let name = names.iter().find(|(native, _)| *native == fault.field);
        let field = name.map_or(fault.field.clone(), |(_, name)| (*name).to_owned());
        FieldError {
            detail: fault.detail.replace("max_tokens", "max_chunk_size_tokens"),
            field,
            ..fault
        }
    });
    Error::Invalid(faults.collect())
}
