//! What a chat completion is asked with.

use std::borrow::Cow;
use std::collections::BTreeMap;

use engine::{Asked, ToolChoice};
use serde::{Deserialize, Serialize};
use shared::http::openai::items::{Gathered, Gathering};
use shared::http::openai::{Refused, checked_identifier, checked_metadata, renamed, unsupported};
use shared::http::openapi::{Metadata, one_of, text};
use shared::model::{KnowledgeBaseId, ModelSettings, ReasoningEffort, Workflow};
use shared::{Error, Result};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::super::parts::ServiceTier;
use super::super::tools::{Function, Mode};
use super::format::ResponseFormat;
use super::message::Message;

/// The name in `metadata` under which vector stores are named.
const KNOWLEDGE_BASES: &str = "knowledge_base_ids";

/// A chat completion to be created: OpenAI's parameters.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = NewOpenAiChatCompletion)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCompletion {
    /// A model or route of `GET /v1/models`.
    model: String,
    /// The conversation, oldest message first. The last one is the user's, or a tool's.
    #[schema(min_items = 1)]
    messages: Vec<Message>,
    /// Whether the answer comes as chunks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stream: Option<bool>,
    /// What the stream has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    /// How many tokens the answer may have, with its reasoning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    max_completion_tokens: Option<u32>,
    /// Its older name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    max_tokens: Option<u32>,
    /// How freely the model chooses its words: from 0 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 2)]
    temperature: Option<f64>,
    /// From how much of the likely words it chooses: from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1)]
    top_p: Option<f64>,
    /// Before what it stops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stop: Option<Stop>,
    /// What it may call. The calls come back to the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tools: Option<Vec<Tool>>,
    /// Whether it must.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice>,
    /// Whether it may make several calls at once: `true` if nobody says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    /// What the text of the answer must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat>,
    /// How much it thinks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<ReasoningEffort>,
    /// Up to 16 pairs, which are shown with the run. `knowledge_base_ids` has the vector stores that it is answered from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Metadata>)]
    metadata: Option<BTreeMap<String, String>>,
    /// Who asks, for the client's own records: shown with the run, in `metadata`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 512)]
    user: Option<String>,
    /// The same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 512)]
    safety_identifier: Option<String>,
    /// Only `auto` and `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service_tier: Option<ServiceTier>,
}

/// Parameters of OpenAI's that are refused unless they say nothing, and what to do instead.
pub(super) const REFUSED: &[Refused] = &[
    Refused::unless("n", &["1"], "send the request several times"),
    Refused::unless(
        "store",
        &["false"],
        "use a conversation, or the responses API, which stores",
    ),
    Refused::unless("logprobs", &["false"], "leave it out"),
    Refused::unless("top_logprobs", &["0"], "leave it out"),
    Refused::unless("presence_penalty", &["0", "0.0"], "leave it out"),
    Refused::unless("frequency_penalty", &["0", "0.0"], "leave it out"),
    Refused::unless("logit_bias", &["{}"], "leave it out"),
    Refused::unless("modalities", &[r#"["text"]"#], "answers are text"),
    Refused::unless(
        "verbosity",
        &[r#""medium""#],
        "say in a message how long the answer shall be",
    ),
    Refused::unless("functions", &["[]"], "use `tools`"),
    Refused::unless("function_call", &[], "use `tool_choice`"),
    Refused::unless("seed", &[], "answers are not made to repeat; leave it out"),
    Refused::unless("audio", &[], "answers are text"),
    Refused::unless("prediction", &[], "leave it out"),
    Refused::unless("web_search_options", &[], "leave it out"),
    Refused::unless("moderation", &[], "ask /v1/moderations before"),
    Refused::unless(
        "prompt_cache_key",
        &[],
        "providers find prompts in their caches by what they begin with; leave it out",
    ),
    Refused::unless("prompt_cache_retention", &[], "leave it out"),
    Refused::unless("prompt_cache_options", &[], "leave it out"),
];

/// What the stream has.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiStreamOptions)]
#[serde(deny_unknown_fields)]
pub(crate) struct StreamOptions {
    /// Whether a last chunk tells what was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    include_usage: Option<bool>,
    /// Whether events are padded, so that their lengths tell nothing. They are not: only `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    include_obfuscation: Option<bool>,
}

/// One text or several.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(untagged, expecting = "text or a list of texts")]
pub(crate) enum Stop {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl PartialSchema for Stop {
    fn schema() -> RefOr<Schema> {
        let stop = || text().min_length(Some(1)).max_length(Some(200));
        let one = stop().description(Some("One."));
        let several = ArrayBuilder::new()
            .items(stop())
            .max_items(Some(8))
            .description(Some("Several, of up to 200 bytes."));
        one_of(
            "One text or several.",
            [one.build().into(), several.build().into()],
        )
    }
}

impl ToSchema for Stop {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("OpenAiStop")
    }
}

/// A tool of the client's.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiChatTool)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Tool {
    /// A function. Other types are refused.
    Function {
        /// It.
        function: Function,
    },
}

/// Whether a model must call something.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiChatToolChoice)]
#[serde(untagged, expecting = "none, auto, required, or a function")]
pub(crate) enum Choice {
    /// In one word.
    Mode(Mode),
    /// This one.
    Tool(Named),
}

/// A tool by its name.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiNamedTool)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Named {
    /// A function.
    Function {
        /// Which.
        function: Name,
    },
}

/// A name.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiFunctionName)]
#[serde(deny_unknown_fields)]
pub(crate) struct Name {
    /// It.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    name: String,
}

/// A request as a turn takes it.
pub(super) struct Parsed {
    pub(super) system: Option<String>,
    pub(super) before: Vec<engine::Said>,
    pub(super) asked: Asked,
    pub(super) metadata: BTreeMap<String, String>,
    /// Where the question stands.
    pub(super) place: String,
}

impl NewCompletion {
    /// Whether the stream tells at its end what was used.
    pub(super) fn wants_usage(&self) -> bool {
        let options = self
            .stream_options
            .and_then(|options| options.include_usage);
        options.unwrap_or_default()
    }

    /// As a turn takes it.
    pub(super) fn parse(self) -> Result<Parsed> {
        self.check_stream()?;
        let mut gathering = Gathering::default();
        for (index, message) in self.messages.into_iter().enumerate() {
            message.gather(format!("/messages/{index}"), &mut gathering)?;
        }
        let Gathered {
            system,
            before,
            question,
            place,
        } = gathering.finish("/messages", false)?;
        let mut said = self.metadata.unwrap_or_default();
        let bases = knowledge_bases(&mut said)?;
        checked_identifier("/user", self.user.as_deref())?;
        checked_identifier("/safety_identifier", self.safety_identifier.as_deref())?;
        let user = self.user.map(|user| ("user".to_owned(), user));
        let identifier = self.safety_identifier;
        let identifier = identifier.map(|one| ("safety_identifier".to_owned(), one));
        said.extend(user.into_iter().chain(identifier));
        let settings = ModelSettings {
            temperature: self.temperature,
            top_p: self.top_p,
            max_output_tokens: self.max_completion_tokens.or(self.max_tokens),
            stop: self.stop.map(Stop::texts),
            reasoning_effort: self.reasoning_effort,
            auto_title: Some(false),
            workflow: Some(if bases.is_some() {
                Workflow::Rag
            } else {
                Workflow::Plain
            }),
            knowledge_base_ids: bases,
            ..ModelSettings::default()
        };
        let faults = settings.faults("/settings");
        if !faults.is_empty() {
            return Err(in_request(Error::Invalid(faults), &place));
        }
        let tools = self.tools.unwrap_or_default();
        Ok(Parsed {
            system,
            before,
            asked: Asked {
                question,
                model: Some(self.model),
                settings,
                tools: (tools.iter())
                    .map(|Tool::Function { function }| function.spec(false))
                    .collect(),
                tool_choice: self.tool_choice.map_or(ToolChoice::Auto, Choice::choice),
                output: (self.response_format)
                    .map_or_else(Default::default, ResponseFormat::output),
                one_call: self.parallel_tool_calls == Some(false),
                must_fit: true,
                begins_once: true,
            },
            metadata: checked_metadata(said)?,
            place,
        })
    }

    fn check_stream(&self) -> Result<()> {
        let Some(options) = self.stream_options else {
            return Ok(());
        };
        if self.stream != Some(true) {
            let detail = "is only for streams; leave it out, or set `stream` to true";
            return Err(Error::invalid("/stream_options", detail));
        }
        if options.include_obfuscation == Some(true) {
            let field = "/stream_options/include_obfuscation";
            return Err(unsupported(field, "leave it out"));
        }
        Ok(())
    }
}

impl Stop {
    fn texts(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Several(texts) => texts,
        }
    }
}

impl Choice {
    fn choice(self) -> ToolChoice {
        match self {
            Self::Mode(mode) => mode.choice(),
            Self::Tool(Named::Function { function }) => ToolChoice::Named(function.name),
        }
    }
}

/// The vector stores that a request names, which are no longer in its metadata then.
fn knowledge_bases(
    metadata: &mut BTreeMap<String, String>,
) -> Result<Option<Vec<KnowledgeBaseId>>> {
    let Some(text) = metadata.remove(KNOWLEDGE_BASES) else {
        return Ok(None);
    };
    let ids = text.split(',').map(|id| id.trim().parse());
    let ids: Result<Vec<KnowledgeBaseId>, _> = ids.collect();
    ids.map(Some).map_err(|_| {
        let detail = "must have ids of vector stores, with commas between them";
        Error::invalid(format!("/metadata/{KNOWLEDGE_BASES}"), detail)
    })
}

/// The error with its fields as they stand in the request, whose question is at `place`.
pub(super) fn in_request(error: Error, place: &str) -> Error {
    let content = format!("{place}/content");
    renamed(
        error,
        &[
            ("/content", &content),
            ("/settings/max_output_tokens", "/max_completion_tokens"),
            (
                "/settings/knowledge_base_ids",
                "/metadata/knowledge_base_ids",
            ),
            ("/settings/workflow", "/metadata/knowledge_base_ids"),
            ("/settings", ""),
            ("/response_format", "/response_format/json_schema"),
        ],
    )
}
