//! `response_format` of chat completions.

use engine::OutputFormat;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the text of the answer must be.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiResponseFormat)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ResponseFormat {
    /// Anything.
    Text {},
    /// A JSON object.
    JsonObject {},
    /// JSON that keeps to a schema.
    JsonSchema {
        /// The schema.
        json_schema: Named,
    },
}

/// A schema with its name.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiJsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Named {
    /// What it is called.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    name: String,
    /// What it is for, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// The JSON Schema.
    #[schema(value_type = Object)]
    schema: Value,
    /// Whether the provider must see to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

impl ResponseFormat {
    pub(super) fn output(self) -> OutputFormat {
        match self {
            Self::Text {} => OutputFormat::Text {},
            Self::JsonObject {} => OutputFormat::JsonObject {},
            Self::JsonSchema { json_schema } => OutputFormat::JsonSchema {
                name: json_schema.name,
                schema: described(json_schema.schema, json_schema.description),
                strict: json_schema.strict.unwrap_or_default(),
            },
        }
    }
}

/// The schema with what it is for: JSON Schema has a word for that.
pub(crate) fn described(mut schema: Value, description: Option<String>) -> Value {
    if let (Some(fields), Some(description)) = (schema.as_object_mut(), description) {
        fields
            .entry("description")
            .or_insert(Value::String(description));
    }
    schema
}
