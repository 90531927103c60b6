//! The providers of a deployment with their models.

use std::collections::HashSet;

use super::Reader;
use super::addresses::{URL_RULE, secure_url};
use super::{NAME_RULE, Stage};
use crate::model::{ProviderName, ProviderOwner, ProviderSpec, Wire};

impl<G: Fn(&str) -> Option<String>> Reader<G> {
    pub(super) fn providers(&mut self, stage: Option<Stage>) -> Vec<ProviderSpec> {
        let rule = "a JSON list of {name, wire, base_url, models: [{id, context_window, max_output_tokens, capabilities, price}]}";
        let parsed = self.parsed("PROVIDERS", rule, |value| {
            serde_json::from_str::<Vec<ProviderSpec>>(value).ok()
        });
        let mut providers = parsed.unwrap_or_default();
        for provider in &mut providers {
            provider.owner = ProviderOwner::Platform;
        }
        let mut names = HashSet::new();
        let mut models = HashSet::new();
        for (index, provider) in providers.iter().enumerate() {
            let place = format!("PROVIDERS[{index}]");
            let good = provider.name.parse::<ProviderName>().is_ok();
            if !good || !names.insert(provider.name.as_str()) {
                self.faults
                    .push(format!("{place}.name must be {NAME_RULE}"));
            }
            if secure_url(&provider.base_url, stage).is_none() {
                self.faults
                    .push(format!("{place}.base_url must be {URL_RULE}"));
            }
            for id in provider.model_ids() {
                if !models.insert(id) {
                    self.faults
                        .push(format!("{place}: a model's id must stand only once"));
                }
            }
            self.models(provider, &place);
        }
        let chats = providers.iter().any(|provider| !provider.models.is_empty());
        if !chats && self.value("PROVIDERS").is_some() {
            self.faults
                .push("PROVIDERS must name at least one model".to_owned());
        }
        providers
    }

    /// What is wrong with the models of a provider, and what its wire does not have.
    fn models(&mut self, provider: &ProviderSpec, place: &str) {
        let chats = provider.models.iter().filter_map(|model| model.fault());
        let vectors = provider.embedding_models.iter();
        let vectors = vectors.filter_map(|model| model.fault());
        let orders = provider.rerank_models.iter();
        let orders = orders.filter_map(|model| model.fault());
        let verdicts = provider.moderation_models.iter();
        let verdicts = verdicts.filter_map(|model| model.fault());
        for (field, rule) in chats.chain(vectors).chain(orders).chain(verdicts) {
            let field = field.replace('/', ".");
            self.faults
                .push(format!("{place}: a model's {field} {rule}"));
        }
        if provider.max_tokens_field.is_some() && provider.wire != Wire::Openai {
            self.faults.push(format!(
                "{place}.max_tokens_field is only for the wire openai"
            ));
        }
        if provider.wire == Wire::Anthropic && !provider.embedding_models.is_empty() {
            self.faults.push(format!(
                "{place}.embedding_models must be empty: the wire anthropic has none"
            ));
        }
        for (field, is_empty) in [
            ("rerank_models", provider.rerank_models.is_empty()),
            ("moderation_models", provider.moderation_models.is_empty()),
        ] {
            if provider.wire != Wire::Openai && !is_empty {
                self.faults.push(format!(
                    "{place}.{field} must be empty: only the wire openai has some"
                ));
            }
        }
    }
}
