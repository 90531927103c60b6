//! Model providers and their models, as configured.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::embedding::EmbeddingSpec;
use super::id::NotAnId;
use super::moderation::ModerationSpec;
use super::price::Price;
use super::rerank::RerankSpec;

/// The protocol that a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Wire {
    /// `POST {base_url}/chat/completions` as OpenAI, Ollama, vLLM and llama.cpp speak it.
    Openai,
    /// `POST {base_url}/v1/messages` as Anthropic speaks it.
    Anthropic,
    /// `POST {base_url}/models/{id}:streamGenerateContent` as Google speaks it. The `base_url` is
    /// `https://generativelanguage.googleapis.com/v1beta`.
    Gemini,
    /// `POST {base_url}/model/{id}/converse-stream` as Amazon Bedrock speaks it. The `base_url` is
    /// `https://bedrock-runtime.{region}.amazonaws.com`. A provider with a key sends it as a Bedrock API key;
    /// without one, requests are signed with the credentials of the process.
    Bedrock,
}

/// Whose a provider is: who says where it is, and whose keys it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProviderOwner {
    /// A tenant: its address is not trusted, and it gets no key but the tenant's own. What is not known to be the
    /// platform's is treated so.
    #[default]
    Tenant,
    /// Whoever runs this deployment.
    Platform,
}

/// A provider and the models that Chatter may use there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProviderSpec)]
pub struct ProviderSpec {
    /// Its name: in replies, in logs, and by which its key is stored: 1 to 64 letters, digits, `_`, `.` and `-`.
    #[schema(
        example = "our-vllm",
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9_.-]+$"
    )]
    pub name: String,
    /// Whose it is: not what it says of itself.
    #[serde(skip)]
    pub owner: ProviderOwner,
    /// What it speaks.
    pub wire: Wire,
    /// Where it is, without a slash at the end.
    #[schema(example = "https://llm.example.com/v1", max_length = 2048)]
    pub base_url: String,
    /// Whether its models are offered.
    #[serde(default = "yes")]
    #[schema(required = false, default = true)]
    pub active: bool,
    /// By which name a server of OpenAI's wire knows the limit of an answer. If it is not set, it is
    /// `max_completion_tokens` at `https://api.openai.com/`, whose newer models refuse the other name, and
    /// `max_tokens` anywhere else, where often only that one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens_field: Option<MaxTokensField>,
    /// Its models; the first model of the first provider is the default one.
    pub models: Vec<ModelSpec>,
    /// Its models that turn texts into vectors; the first of the first provider that has one is the default one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub embedding_models: Vec<EmbeddingSpec>,
    /// Its models that put passages into an order, which only the wire `openai` has; the first of the first provider that
    /// has one is the default one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub rerank_models: Vec<RerankSpec>,
    /// Its models that judge whether something is harmful, which only the wire `openai` has; the first of the first provider
    /// that has one is the default one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub moderation_models: Vec<ModerationSpec>,
}

impl ProviderSpec {
    /// Where it is, if a tenant says so: keys are bound to that.
    pub fn tenant_address(&self) -> Option<&str> {
        match self.owner {
            ProviderOwner::Tenant => Some(&self.base_url),
            ProviderOwner::Platform => None,
        }
    }

    /// The ids of all its models, whatever they are for.
    pub fn model_ids(&self) -> impl Iterator<Item = &str> {
        let chats = self.models.iter().map(|model| &*model.id);
        let vectors = self.embedding_models.iter().map(|model| &*model.id);
        let orders = self.rerank_models.iter().map(|model| &*model.id);
        let verdicts = self.moderation_models.iter().map(|model| &*model.id);
        chats.chain(vectors).chain(orders).chain(verdicts)
    }
}

/// The name of a provider, as it may stand in a path and in a key of the table: 1 to 64 letters, digits, `_`, `.` and
/// `-`, of which the first is a letter or a digit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderName(String);

impl ProviderName {
    /// The longest, in bytes.
    pub const MAX_BYTES: usize = 64;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProviderName {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let begins_well = text
            .as_bytes()
            .first()
            .is_some_and(u8::is_ascii_alphanumeric);
        if begins_well && text.len() <= Self::MAX_BYTES && text.bytes().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAnId)
        }
    }
}

/// By which name a server knows the limit of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MaxTokensField {
    /// As all servers know it, but OpenAI's newer models refuse it.
    MaxTokens,
    /// As OpenAI and Azure know it.
    MaxCompletionTokens,
}

const fn yes() -> bool {
    true
}

/// A model and its limits, in tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ModelSpec)]
pub struct ModelSpec {
    /// Its name towards clients: 1 to 200 characters without white space.
    #[schema(
        example = "our-llama",
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\s\x00-\x1f\x7f-\x9f]+$"
    )]
    pub id: String,
    /// Its name at the provider, if that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\s\x00-\x1f\x7f-\x9f]+$"
    )]
    pub provider_model: Option<String>,
    /// Whether it is offered.
    #[serde(default = "yes")]
    #[schema(required = false, default = true)]
    pub active: bool,
    /// How many tokens instructions, messages and answer may have together.
    #[schema(minimum = 2)]
    pub context_window: u32,
    /// How many tokens an answer may have: fewer than `context_window`.
    #[schema(minimum = 1)]
    pub max_output_tokens: u32,
    /// What it can do beside text; nothing if not set.
    #[serde(default)]
    #[schema(required = false)]
    pub capabilities: BTreeSet<Capability>,
    /// What it costs. Without it, what it costs is not known, which is not the same as nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
}

/// Whether that can be the name of a model.
pub(super) fn is_model_name(text: &str) -> bool {
    let sound = |sign: char| !sign.is_whitespace() && !sign.is_control();
    (1..=200).contains(&text.chars().count()) && text.chars().all(sound)
}

/// What a model can do beside text.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// It calls tools.
    Tools,
    /// It looks at images.
    Images,
    /// It keeps to a JSON Schema, or to JSON at all.
    StructuredOutput,
    /// It thinks before it answers, and takes how much as a level: GPT, Claude from Opus 4.6 on, Gemini from 3 on.
    Reasoning,
    /// It thinks before it answers, and takes how much as a number of tokens: Claude before Opus 4.6 and Gemini 2.5.
    ReasoningBudget,
}

impl ModelSpec {
    /// How the provider calls it.
    pub fn name_at_provider(&self) -> &str {
        self.provider_model.as_deref().unwrap_or(&self.id)
    }

    /// The field that breaks a rule, as the end of a JSON Pointer, and the rule.
    pub fn fault(&self) -> Option<(String, &'static str)> {
        let rule = "must have 1 to 200 characters, without white space";
        if !is_model_name(&self.id) {
            return Some(("id".to_owned(), rule));
        }
        if self
            .provider_model
            .as_deref()
            .is_some_and(|id| !is_model_name(id))
        {
            return Some(("provider_model".to_owned(), rule));
        }
        if self.max_output_tokens == 0 || self.max_output_tokens >= self.context_window {
            let rule = "must be from 1 to less than context_window";
            return Some(("max_output_tokens".to_owned(), rule));
        }
        let fault = self.price.as_ref().and_then(Price::fault);
        fault.map(|(field, rule)| (format!("price/{field}"), rule))
    }

    /// Whether it can do that.
    pub fn can(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }

    /// Whether it thinks before it answers, however it is told how much.
    pub fn reasons(&self) -> bool {
        self.can(Capability::Reasoning) || self.can(Capability::ReasoningBudget)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_s_name_can_be_nothing_but_a_name() {
        for good in ["openai", "scripted-claude", "llama.cpp", "A_1", "4"] {
            assert_eq!(good.parse::<ProviderName>().expect(good).as_str(), good);
        }
        let long = "x".repeat(65);
        for wrong in [
            "", ".", "..", "-a", "_a", "a b", "a#b", "a/b", "a\0", "é", "*", &long,
        ] {
            assert_eq!(wrong.parse::<ProviderName>(), Err(NotAnId), "{wrong}");
        }
    }
}
