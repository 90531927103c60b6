//! Tools that the client has: their calls come back to it.

use engine::{ToolChoice, ToolSpec};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A function that the client can call.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiFunction)]
#[serde(deny_unknown_fields)]
pub(crate) struct Function {
    /// Its name: 1 to 64 letters, digits, `_` and `-`.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    pub(super) name: String,
    /// What it does, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    /// What its arguments must be: a JSON Schema of an object. Left out it takes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(super) parameters: Option<Value>,
    /// Whether the provider must see to it that arguments keep to the schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) strict: Option<bool>,
}

impl Function {
    /// As the engine takes it. `strict_by_default` is what holds if nothing is said.
    pub(super) fn spec(&self, strict_by_default: bool) -> ToolSpec {
        let nothing = || json!({"type": "object", "properties": {}});
        ToolSpec {
            name: self.name.clone(),
            description: (self.description.clone()).filter(|text| !text.trim().is_empty()),
            parameters: self.parameters.clone().unwrap_or_else(nothing),
            strict: self.strict.unwrap_or(strict_by_default),
        }
    }
}

/// Whether a model must call something, in one word.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiToolChoiceMode)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// It must not.
    None,
    /// As it likes.
    Auto,
    /// At least one.
    Required,
}

impl Mode {
    pub(super) const fn choice(self) -> ToolChoice {
        match self {
            Self::None => ToolChoice::None,
            Self::Auto => ToolChoice::Auto,
            Self::Required => ToolChoice::Required,
        }
    }
}
