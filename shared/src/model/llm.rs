//! Model providers and their models, as configured.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::id::NotAnId;

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
