//! Vectors as OpenAI's clients read them.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::Vectors;
use serde::{Deserialize, Serialize};
use shared::http::openapi::{one_of, visible};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::MAX_INPUTS;

/// What may be turned into vectors, as the document has it.
#[derive(Debug)]
pub(crate) enum InputView {}

impl PartialSchema for InputView {
    fn schema() -> RefOr<Schema> {
        let text = visible().description(Some("A text."));
        let texts = ArrayBuilder::new()
            .items(visible())
            .min_items(Some(1))
            .max_items(Some(MAX_INPUTS))
            .description(Some("Several."));
        one_of(
            "What may be turned into vectors.",
            [text.build().into(), texts.build().into()],
        )
    }
}

impl ToSchema for InputView {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("EmbeddingInput")
    }
}

/// How the numbers of a vector are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = EmbeddingEncoding)]
pub(crate) enum Encoding {
    /// As numbers.
    #[default]
    Float,
    /// As base64 of their 32 bits each, the least byte first: shorter, and what OpenAI's libraries ask for.
    Base64,
}

/// A vector.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
#[schema(as = EmbeddingVector)]
pub(crate) enum VectorView {
    /// Its numbers.
    Numbers(Vec<f32>),
    /// Its numbers as base64.
    Base64(String),
}

/// A vector of a text.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiEmbedding)]
pub(crate) struct EmbeddingView {
    /// Always `embedding`.
    #[schema(value_type = String, example = "embedding")]
    object: &'static str,
    /// Which of the texts it is, counted from 0.
    index: usize,
    /// The vector.
    embedding: VectorView,
}

/// How many tokens the texts had.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiEmbeddingUsage)]
pub(crate) struct UsageView {
    /// How many were sent: as the provider counted, or as we do where it does not say.
    prompt_tokens: u64,
    /// The same.
    total_tokens: u64,
}

/// Texts as vectors.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiEmbeddings)]
pub(crate) struct OpenAiEmbeddings {
    /// Always `list`.
    #[schema(value_type = String, example = "list")]
    object: &'static str,
    /// The vectors, in the order of the texts.
    data: Vec<EmbeddingView>,
    /// The model, as it was named.
    model: String,
    /// What it took.
    usage: UsageView,
}

impl OpenAiEmbeddings {
    pub(super) fn new(model: String, made: Vectors, encoding: Encoding) -> Self {
        let vectors = made.vectors.into_iter().enumerate();
        let data = vectors.map(|(index, numbers)| EmbeddingView {
            object: "embedding",
            index,
            embedding: match encoding {
                Encoding::Float => VectorView::Numbers(numbers),
                Encoding::Base64 => VectorView::Base64(encoded(&numbers)),
            },
        });
        Self {
            object: "list",
            data: data.collect(),
            model,
            usage: UsageView {
                prompt_tokens: made.input_tokens,
                total_tokens: made.input_tokens,
            },
        }
    }
}

fn encoded(numbers: &[f32]) -> String {
    let bytes: Vec<u8> = numbers
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_encoded_as_openai_s_libraries_decode_them() {
        // numpy.array([1, -2.5], dtype="float32").tobytes(), in base64.
        assert_eq!(encoded(&[1.0, -2.5]), "AACAPwAAIMA=");
        assert_eq!(encoded(&[]), "");
    }
}
