//! What a response may call, and what its text must be.

use engine::{OutputFormat, ToolChoice, ToolSpec};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::model::KnowledgeBaseId;
use shared::{Error, Result};

use super::super::completions::described;
use super::super::tools::{Function, Mode};
use shared::http::openai::unsupported;

/// A tool.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiResponseTool)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Tool {
    /// A function of the client's. Its calls come back to it.
    Function(Function),
    /// Documents are searched before the model is asked, once, for what was asked.
    FileSearch(FileSearch),
}

/// Where is searched.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiFileSearch)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileSearch {
    /// 1 to 8 vector stores.
    #[schema(min_items = 1, max_items = 8, pattern = "^vs_[0-9a-f]{32}$")]
    vector_store_ids: Vec<String>,
    /// Refused: as much is given to the model as its window has room for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_num_results: Option<u32>,
    /// Refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    filters: Option<Value>,
    /// Refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    ranking_options: Option<Value>,
}

/// Whether a model must call something.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiResponseToolChoice)]
#[serde(
    untagged,
    expecting = "none, auto, required, a function or file_search"
)]
pub(crate) enum Choice {
    /// In one word.
    Mode(Mode),
    /// This one.
    Tool(Named),
}

/// A tool by its name.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiNamedResponseTool)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Named {
    /// A function.
    Function {
        /// Which.
        #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
        name: String,
    },
    /// Documents are searched anyway.
    FileSearch {},
}

/// What the text must be.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiTextParameter)]
#[serde(deny_unknown_fields)]
pub(crate) struct Text {
    /// Its format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    format: Option<Format>,
    /// Only `medium`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verbosity: Option<Verbosity>,
}

/// How long an answer is.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiVerbosity)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verbosity {
    /// As the model likes.
    Medium,
}

/// A format.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiTextFormat)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Format {
    /// Anything.
    Text {},
    /// A JSON object.
    JsonObject {},
    /// JSON that keeps to a schema.
    JsonSchema {
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
    },
}

impl Tool {
    /// A function as the engine takes it.
    pub(super) fn spec(&self) -> Option<ToolSpec> {
        match self {
            Self::Function(function) => Some(function.spec(false)),
            Self::FileSearch(_) => None,
        }
    }

    /// Where it searches, if it does.
    pub(super) fn knowledge_bases(&self, index: usize) -> Result<Option<Vec<KnowledgeBaseId>>> {
        let Self::FileSearch(search) = self else {
            return Ok(None);
        };
        let set = [
            ("max_num_results", search.max_num_results.is_some()),
            ("filters", search.filters.is_some()),
            ("ranking_options", search.ranking_options.is_some()),
        ];
        if let Some((name, _)) = set.into_iter().find(|(_, is_set)| *is_set) {
            let field = format!("/tools/{index}/{name}");
            return Err(unsupported(
                &field,
                "leave it out, or search the vector store yourself",
            ));
        }
        let ids = search.vector_store_ids.iter().enumerate();
        let ids = ids.map(|(place, id)| {
            id.parse().map_err(|_| {
                let field = format!("/tools/{index}/vector_store_ids/{place}");
                Error::invalid(field, "there is no such vector store")
            })
        });
        ids.collect::<Result<_>>().map(Some)
    }
}

impl Choice {
    pub(super) fn choice(&self) -> ToolChoice {
        match self {
            Self::Mode(mode) => mode.choice(),
            Self::Tool(Named::Function { name }) => ToolChoice::Named(name.clone()),
            Self::Tool(Named::FileSearch {}) => ToolChoice::Auto,
        }
    }
}

impl Text {
    pub(super) fn output(&self) -> OutputFormat {
        match &self.format {
            None | Some(Format::Text {}) => OutputFormat::Text {},
            Some(Format::JsonObject {}) => OutputFormat::JsonObject {},
            Some(Format::JsonSchema {
                name,
                description,
                schema,
                strict,
            }) => OutputFormat::JsonSchema {
                name: name.clone(),
                schema: described(schema.clone(), description.clone()),
                strict: strict.unwrap_or_default(),
            },
        }
    }

    /// As it is shown.
    pub(super) fn told(&self) -> Value {
        let format = self.format.as_ref();
        json!({"format": format.map_or_else(|| json!({"type": "text"}), |format| json!(format))})
    }
}
