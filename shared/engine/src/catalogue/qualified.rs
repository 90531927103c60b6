//! Models by the name of their provider and their own, as in `openai/gpt-4.1-mini`: also those that another provider's of
//! the same name hides.

use std::collections::BTreeSet;
use std::sync::Arc;

use shared::model::ProviderSpec;

use super::{Choice, Model};

/// All models that chat. Where a tenant allows some by name, a model is allowed by its whole name, or by its own if that
/// is the one of this provider.
pub(super) fn choices(
    providers: &[Arc<ProviderSpec>],
    allowed: Option<&BTreeSet<String>>,
    plain: &[Choice],
) -> Vec<Choice> {
    let is_chosen = |model: &Model| {
        let mut same = plain.iter().filter(|choice| !choice.is_route);
        same.any(|choice| {
            let mut targets = choice.targets.iter().map(|(_, target)| target);
            targets.any(|target| {
                target.spec().id == model.spec().id
                    && target.provider().name == model.provider().name
            })
        })
    };
    let mut found = Vec::new();
    for provider in providers.iter().filter(|provider| provider.active) {
        for (index, spec) in provider.models.iter().enumerate() {
            let model = Model {
                provider: provider.clone(),
                index,
            };
            let name = format!("{}/{}", provider.name, spec.id);
            let may = allowed.is_none_or(|allowed| allowed.contains(&name) || is_chosen(&model));
            if spec.active && may {
                found.push(Choice {
                    name,
                    ..Choice::of_model(&model)
                });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::Catalogue;
    use shared::model::{EmbeddingSpec, ProviderSpec, Registry};

    fn provider(name: &str) -> ProviderSpec {
        let spec = serde_json::json!({
            "name": name, "wire": "openai", "base_url": "https://llm.test/v1",
            "models": [
                {"id": "m", "context_window": 1000, "max_output_tokens": 100},
                {"id": "a/b", "context_window": 1000, "max_output_tokens": 100},
                {"id": "off", "active": false, "context_window": 1000, "max_output_tokens": 100}],
            "embedding_models": [{"id": "e", "dimensions": 8, "max_input_tokens": 100}],
        });
        serde_json::from_value(spec).expect("a provider")
    }

    fn asked(catalogue: &Catalogue, name: &str) -> Option<String> {
        let choice = catalogue.find(name)?;
        Some(choice.targets[0].1.provider().name.clone())
    }

    #[test]
    fn a_model_is_found_at_each_provider_that_has_it() {
        let catalogue = Catalogue::new(&[provider("one"), provider("two")]);
        assert_eq!(asked(&catalogue, "m").as_deref(), Some("two"));
        assert_eq!(asked(&catalogue, "one/m").as_deref(), Some("one"));
        assert_eq!(asked(&catalogue, "two/a/b").as_deref(), Some("two"));
        for nothing in ["three/m", "one/off", "one/", "/m", "one/e"] {
            assert_eq!(asked(&catalogue, nothing), None, "{nothing}");
        }
        let vectors = |name: &str| catalogue.find_special::<EmbeddingSpec>(name);
        let model = vectors("one/e").expect("a model");
        assert_eq!(model.provider().name, "one");
        assert_eq!(model.with_dimensions(4).spec().dimensions, 4);
        assert!(vectors("three/e").is_none() && vectors("one/m").is_none());
    }

    #[test]
    fn what_a_tenant_does_not_allow_is_not_found_by_another_name() {
        let all = Catalogue::new(&[provider("one"), provider("two")]);
        let registry = |allowed: &[&str]| -> Registry {
            let registry = serde_json::json!({"allowed_models": allowed});
            serde_json::from_value(registry).expect("a registry")
        };
        let some = all.with(&registry(&["m"]));
        assert_eq!(asked(&some, "two/m").as_deref(), Some("two"));
        assert_eq!(asked(&some, "one/m"), None, "another model of that name");
        assert_eq!(asked(&some, "two/a/b"), None);
        let some = all.with(&registry(&["one/m"]));
        assert_eq!(asked(&some, "one/m").as_deref(), Some("one"));
        assert_eq!(asked(&some, "m"), None);
    }
}
