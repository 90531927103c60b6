//! Models that judge whether texts and images are harmful, as providers declare them.

use serde::{Deserialize, Serialize};

/// A model that judges whether texts and images are harmful, by category: at `POST {base_url}/moderations`, as OpenAI has it.
/// Only servers of OpenAI's wire have it. It has no price: nobody charges for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ModerationSpec)]
pub struct ModerationSpec {
    /// Its name towards clients: 1 to 200 characters without white space.
    #[schema(example = "omni-moderation-latest", min_length = 1, max_length = 200)]
    pub id: String,
    /// Its name at the provider, if that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    pub provider_model: Option<String>,
    /// Whether it is offered.
    #[serde(default = "yes")]
    #[schema(required = false, default = true)]
    pub active: bool,
}

const fn yes() -> bool {
    true
}

impl ModerationSpec {
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
        let wrong = other.is_some_and(|id| !super::llm::is_model_name(id));
        wrong.then(|| ("provider_model".to_owned(), rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_a_rule_is_named() {
        let read = |text: &str| serde_json::from_str::<ModerationSpec>(text);
        let sound = read(r#"{"id": "m"}"#).expect("a model");
        assert_eq!(sound.fault(), None);
        assert!(sound.active && sound.name_at_provider() == "m");
        let named = read(r#"{"id": "m", "provider_model": "omni"}"#).expect("a model");
        assert_eq!(named.name_at_provider(), "omni");
        for (text, field) in [
            (r#"{"id": ""}"#, "id"),
            (r#"{"id": "m", "provider_model": "a b"}"#, "provider_model"),
        ] {
            let fault = read(text).expect("a model").fault();
            assert_eq!(fault.map(|(field, _)| field).as_deref(), Some(field));
        }
        assert!(read(r#"{"id": "m", "price": null}"#).is_err());
    }
}
