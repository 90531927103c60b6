//! Model providers and their models, as configured.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

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

/// A provider and the models that Chatter may use there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSpec {
    /// Its name: in replies, in logs, and as the field of the provider-keys secret that has its key.
    pub name: String,
    /// What it speaks.
    pub wire: Wire,
    /// Where it is, without a slash at the end.
    pub base_url: String,
    /// By which name a server of OpenAI's wire knows the limit of an answer. If it is not set, it is
    /// `max_completion_tokens` at `https://api.openai.com/`, whose newer models refuse the other name, and
    /// `max_tokens` anywhere else, where often only that one is known.
    #[serde(default)]
    pub max_tokens_field: Option<MaxTokensField>,
    /// Its models; the first model of the first provider is the default one.
    pub models: Vec<ModelSpec>,
}

/// By which name a server knows the limit of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaxTokensField {
    /// As all servers know it, but OpenAI's newer models refuse it.
    MaxTokens,
    /// As OpenAI and Azure know it.
    MaxCompletionTokens,
}

/// A model and its limits, in tokens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// Its name at the provider and towards clients.
    pub id: String,
    /// How many tokens instructions, messages and answer may have together.
    pub context_window: u32,
    /// How many tokens an answer may have.
    pub max_output_tokens: u32,
    /// What it can do beside text; nothing if not set.
    #[serde(default)]
    pub capabilities: BTreeSet<Capability>,
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
    /// Whether it can do that.
    pub fn can(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }

    /// Whether it thinks before it answers, however it is told how much.
    pub fn reasons(&self) -> bool {
        self.can(Capability::Reasoning) || self.can(Capability::ReasoningBudget)
    }
}
