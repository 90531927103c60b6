//! Models that put passages into an order by how well they answer a query, as providers declare them.

use serde::{Deserialize, Serialize};

use super::price::Price;

/// A model that puts passages into an order by how well they answer a query: at `POST {base_url}/rerank`, in the shape that
/// Cohere, Jina, vLLM and llama.cpp share. Only servers of OpenAI's wire have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RerankSpec)]
pub struct RerankSpec {
    /// Its name towards clients: 1 to 200 characters without white space.
    #[schema(example = "jina-reranker-v2", min_length = 1, max_length = 200)]
    pub id: String,
    /// Its name at the provider, if that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    pub provider_model: Option<String>,
    /// Whether it is offered.
    #[serde(default = "yes")]
    #[schema(required = false, default = true)]
    pub active: bool,
    /// How many tokens a query and one passage may have together, as we count them.
    #[schema(minimum = 64)]
    pub max_input_tokens: u32,
    /// What it costs; its `output` is not looked at. The query counts with each passage, unless the provider says what it
    /// counted. Without it, what it costs is not known, as with providers that charge for searches and not for tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
}

const fn yes() -> bool {
    true
}

impl RerankSpec {
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
        let read = |more: &str| {
            let text = format!(r#"{{"id": "r", "max_input_tokens": 512{more}}}"#);
            serde_json::from_str::<RerankSpec>(&text)
        };
        let sound = read("").expect("a model");
        assert_eq!(sound.fault(), None);
        assert!(sound.active && sound.name_at_provider() == "r");
        let named = read(r#", "provider_model": "rerank-v3.5""#).expect("a model");
        assert_eq!(named.name_at_provider(), "rerank-v3.5");
        for (more, field) in [
            (r#", "provider_model": "a b""#, "provider_model"),
            (
                r#", "price": {"version": "", "input": 1, "output": 0}"#,
                "price/version",
            ),
        ] {
            let fault = read(more).expect("a model").fault();
            assert_eq!(fault.map(|(field, _)| field).as_deref(), Some(field));
        }
        let small = RerankSpec {
            max_input_tokens: 63,
            ..sound.clone()
        };
        let nameless = RerankSpec {
            id: String::new(),
            ..sound
        };
        for (spec, field) in [(small, "max_input_tokens"), (nameless, "id")] {
            assert_eq!(spec.fault().map(|(field, _)| field).as_deref(), Some(field));
        }
        assert!(read(r#", "dimensions": 3"#).is_err());
    }
}
