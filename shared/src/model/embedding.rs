//! Models that turn texts into vectors, as providers declare them.

use serde::{Deserialize, Serialize};

use super::price::Price;

/// The most numbers that a vector may have.
pub const MAX_EMBEDDING_DIMENSIONS: u32 = 4096;

/// A model that turns texts into vectors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EmbeddingSpec)]
pub struct EmbeddingSpec {
    /// Its name towards clients: 1 to 200 characters without white space.
    #[schema(example = "text-embedding-3-small", min_length = 1, max_length = 200)]
    pub id: String,
    /// Its name at the provider, if that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    pub provider_model: Option<String>,
    /// Whether it is offered.
    #[serde(default = "yes")]
    #[schema(required = false, default = true)]
    pub active: bool,
    /// How many numbers its vectors have. A provider that sends others is refused.
    #[schema(minimum = 1, maximum = 4096)]
    pub dimensions: u32,
    /// Whether the provider is told how many numbers are wanted: for models that can make shorter vectors.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false, default = false)]
    pub send_dimensions: bool,
    /// How many tokens one text may have, as we count them.
    #[schema(minimum = 64)]
    pub max_input_tokens: u32,
    /// What it costs; its `output` is not looked at. Without it, what it costs is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
}

const fn yes() -> bool {
    true
}

impl EmbeddingSpec {
    /// How the provider calls it.
    pub fn name_at_provider(&self) -> &str {
        self.provider_model.as_deref().unwrap_or(&self.id)
    }

    /// The field that breaks a rule, as the end of a JSON Pointer, and the rule.
    pub fn fault(&self) -> Option<(String, &'static str)> {
        let rule = "must have 1 to 200 characters, without white space";
        if !super::llm::is_model_name(&self.id) {
            return Some(("id".to_owned(), rule));
        }
        let other = self.provider_model.as_deref();
        if other.is_some_and(|id| !super::llm::is_model_name(id)) {
            return Some(("provider_model".to_owned(), rule));
        }
        if !(1..=MAX_EMBEDDING_DIMENSIONS).contains(&self.dimensions) {
            return Some(("dimensions".to_owned(), "must be from 1 to 4096"));
        }
        if self.max_input_tokens < 64 {
            return Some(("max_input_tokens".to_owned(), "must be at least 64"));
        }
        let fault = self.price.as_ref().and_then(Price::fault);
        fault.map(|(field, rule)| (format!("price/{field}"), rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_a_rule_is_named() {
        let sound = EmbeddingSpec {
            id: "e".to_owned(),
            provider_model: None,
            active: true,
            dimensions: 384,
            send_dimensions: false,
            max_input_tokens: 256,
            price: None,
        };
        assert_eq!(sound.fault(), None);
        let long = "x".repeat(201);
        for (spec, field) in [
            (
                EmbeddingSpec {
                    id: long.clone(),
                    ..sound.clone()
                },
                "id",
            ),
            (
                EmbeddingSpec {
                    provider_model: Some("a b".to_owned()),
                    ..sound.clone()
                },
                "provider_model",
            ),
            (
                EmbeddingSpec {
                    dimensions: 0,
                    ..sound.clone()
                },
                "dimensions",
            ),
            (
                EmbeddingSpec {
                    dimensions: 4097,
                    ..sound.clone()
                },
                "dimensions",
            ),
            (
                EmbeddingSpec {
                    max_input_tokens: 63,
                    ..sound.clone()
                },
                "max_input_tokens",
            ),
        ] {
            assert_eq!(spec.fault().map(|(field, _)| field).as_deref(), Some(field));
        }
    }
}
