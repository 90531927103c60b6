//! Model providers and their models, as configured.

use serde::{Deserialize, Serialize};

/// The protocol that a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Wire {
    /// `POST {base_url}/chat/completions` as OpenAI, Ollama, vLLM and llama.cpp speak it.
    Openai,
    /// `POST {base_url}/v1/messages` as Anthropic speaks it.
    Anthropic,
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
    /// Its models; the first model of the first provider is the default one.
    pub models: Vec<ModelSpec>,
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
}
