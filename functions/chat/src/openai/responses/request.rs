//! What a response is asked with.

mod rules;

use std::collections::{BTreeMap, HashMap};

use engine::{Asked, OutputFormat, ToolChoice, ToolSpec};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::http::openai::items::{Gathered, Gathering, Input};
use shared::http::openai::{Refused, checked_metadata, renamed};
use shared::http::openapi::Metadata;
use shared::model::{
    ContentPart, ContextOverflow, ConversationId, KnowledgeBaseId, ModelSettings, ReasoningEffort,
    ResponseId, Role, Workflow, text_of,
};
use shared::{Error, Result};

use super::super::parts::ServiceTier;
use super::kept::Kept;
use super::tools::{Choice, Text, Tool};
use rules::check_sizes;

/// How many messages can be stored with one request, beside the last.
const MOST_STORED: usize = 80;

/// A response to be made: OpenAI's parameters.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = NewOpenAiResponse)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewResponse {
    /// A model or route of `GET /v1/models`.
    model: String,
    /// What is asked: text, or items of which the last is the user's message, or a function's output.
    input: Input,
    /// What the model is told in this response alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instructions: Option<String>,
    /// The response that this one follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) previous_response_id: Option<String>,
    /// The conversation that it is in, which gets what is asked and answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    conversation: Option<Conversation>,
    /// Whether a worker shall make it: it is answered at once, and may take up to 14 minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    background: Option<bool>,
    /// Whether it comes as events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    /// What the stream has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    /// Whether it can be fetched and followed, for 30 days: `true` if nobody says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    store: Option<bool>,
    /// Functions of the client's, whose calls come back to it, and `file_search`, which runs here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tools: Option<Vec<Tool>>,
    /// Whether it must call one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice>,
    /// Whether it may make several calls at once: `true` if nobody says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    /// How many tokens the answer may have, with its reasoning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    max_output_tokens: Option<u32>,
    /// How freely the model chooses its words: from 0 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 2)]
    temperature: Option<f64>,
    /// From how much of the likely words it chooses: from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1)]
    top_p: Option<f64>,
    /// Whether the oldest messages are left out where not all fit; otherwise it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    truncation: Option<Truncation>,
    /// What its text must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<Text>,
    /// How much it thinks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reasoning: Option<Thinking>,
    /// Only `reasoning.encrypted_content`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = r"^reasoning\.encrypted_content$")]
    include: Option<Vec<String>>,
    /// Up to 16 pairs, which are shown with it and with the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Metadata>)]
    metadata: Option<BTreeMap<String, String>>,
    /// Who asks, for the client's own records: shown with it.
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
    Refused::unless(
        "max_tool_calls",
        &[],
        "file_search searches once; leave it out",
    ),
    Refused::unless("top_logprobs", &["0"], "leave it out"),
    Refused::unless(
        "prompt",
        &[],
        "send the prompt as `instructions` and `input`",
    ),
    Refused::unless("context_management", &["[]"], "set `truncation`"),
    Refused::unless("moderation", &[], "ask /v1/moderations before"),
    Refused::unless(
        "prompt_cache_key",
        &[],
        "providers find prompts in their caches by what they begin with; leave it out",
    ),
    Refused::unless("prompt_cache_retention", &[], "leave it out"),
    Refused::unless("prompt_cache_options", &[], "leave it out"),
];

/// A conversation, by its id.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiConversationParameter)]
#[serde(untagged, expecting = "the id of a conversation, or an object with it")]
pub(crate) enum Conversation {
    /// The id.
    Id(String),
    /// An object.
    Object {
        /// The id.
        id: String,
    },
}

/// What the stream has.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiResponseStreamOptions)]
#[serde(deny_unknown_fields)]
pub(crate) struct StreamOptions {
    /// Whether events are padded, so that their lengths tell nothing. They are not: only `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    include_obfuscation: Option<bool>,
}

/// What becomes of the oldest messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiTruncation)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Truncation {
    /// They are left out.
    Auto,
    /// What does not fit is refused.
    Disabled,
}

/// How much a model thinks.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiReasoningParameter)]
#[serde(deny_unknown_fields)]
pub(crate) struct Thinking {
    /// How much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    effort: Option<ReasoningEffort>,
    /// Refused: what providers show of it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    /// Refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    generate_summary: Option<String>,
}

/// A request as a turn takes it.
pub(super) struct Parsed {
    /// What the model is told in every turn from now on.
    pub(super) system: Option<String>,
    pub(super) before: Vec<engine::Said>,
    pub(super) asked: Asked,
    /// What is kept of it.
    pub(super) kept: Kept,
    /// The response that it follows.
    pub(super) previous: Option<ResponseId>,
    /// The conversation that it is in.
    pub(super) conversation: Option<ConversationId>,
    pub(super) streams: bool,
    /// Where the question stands.
    pub(super) place: String,
}

impl NewResponse {
    /// What is asked.
    pub(super) const fn input(&self) -> &Input {
        &self.input
    }

    /// As a turn takes it.
    pub(super) fn parse(self, referred: HashMap<String, Option<ContentPart>>) -> Result<Parsed> {
        self.check()?;
        let previous = self.previous()?;
        let conversation = self.conversation_id()?;
        let mut gathering = Gathering::with(referred);
        self.input.clone().gather(&self.model, &mut gathering)?;
        let continues = previous.is_some() || conversation.is_some();
        let gathered = gathering.finish("/input", continues)?;
        let (settings, search) = self.settings()?;
        let Gathered {
            system,
            before,
            question,
            place,
        } = gathered;
        let store = self.store.unwrap_or(true);
        if store && before.len() > MOST_STORED {
            let detail = format!(
                "has {} messages before the last, and at most {MOST_STORED} can be stored at once; set `store` to false, or put them into a conversation",
                before.len()
            );
            return Err(Error::invalid("/input", detail));
        }
        if store {
            check_sizes(
                &before,
                system.as_deref(),
                &self.tools,
                self.instructions.as_deref(),
            )?;
        }
        if system.is_some() && conversation.is_some() {
            let detail = "in a conversation what the model is told comes in `instructions`";
            return Err(Error::invalid("/input", detail));
        }
        let asks = question.role == Role::User;
        let queries = (search && asks).then(|| text_of(&question.parts));
        let kept = self.kept(before.len(), (previous, conversation), queries)?;
        Ok(Parsed {
            system,
            before,
            asked: Asked {
                question,
                settings,
                tools: self.functions(),
                tool_choice: (self.tool_choice.as_ref()).map_or(ToolChoice::Auto, Choice::choice),
                output: (self.text.as_ref()).map_or(OutputFormat::Text {}, Text::output),
                one_call: self.parallel_tool_calls == Some(false),
                must_fit: self.truncation != Some(Truncation::Auto),
                begins_once: true,
                model: Some(self.model),
            },
            kept,
            previous,
            conversation,
            streams: self.stream.unwrap_or_default(),
            place,
        })
    }

    fn previous(&self) -> Result<Option<ResponseId>> {
        let Some(id) = &self.previous_response_id else {
            return Ok(None);
        };
        let id = id
            .parse()
            .map_err(|_| Error::NotFound("previous response"))?;
        Ok(Some(id))
    }

    fn conversation_id(&self) -> Result<Option<ConversationId>> {
        let (Conversation::Id(id) | Conversation::Object { id }) = match &self.conversation {
            Some(conversation) => conversation,
            None => return Ok(None),
        };
        let id = id.parse().map_err(|_| Error::NotFound("conversation"))?;
        Ok(Some(id))
    }

    fn functions(&self) -> Vec<ToolSpec> {
        let tools = self.tools.iter().flatten();
        tools.filter_map(Tool::spec).collect()
    }

    /// How it shall answer, and whether documents are searched for it.
    fn settings(&self) -> Result<(ModelSettings, bool)> {
        let mut bases: Option<Vec<KnowledgeBaseId>> = None;
        for (index, tool) in self.tools.iter().flatten().enumerate() {
            let Some(found) = tool.knowledge_bases(index)? else {
                continue;
            };
            if bases.replace(found).is_some() {
                let field = format!("/tools/{index}");
                let detail = "must be the only file_search; name all vector stores in one";
                return Err(Error::invalid(field, detail));
            }
        }
        let searches = bases.is_some();
        let settings = ModelSettings {
            temperature: self.temperature,
            top_p: self.top_p,
            max_output_tokens: self.max_output_tokens,
            reasoning_effort: self.reasoning.as_ref().and_then(|it| it.effort),
            context_overflow: (self.truncation == Some(Truncation::Auto))
                .then_some(ContextOverflow::Truncate),
            workflow: Some(if searches {
                Workflow::Rag
            } else {
                Workflow::Plain
            }),
            knowledge_base_ids: bases,
            ..ModelSettings::default()
        };
        let faults = settings.faults("/settings");
        if faults.is_empty() {
            return Ok((settings, searches));
        }
        Err(in_request(Error::Invalid(faults), "/input"))
    }

    fn kept(
        &self,
        before: usize,
        (previous, conversation): (Option<ResponseId>, Option<ConversationId>),
        query: Option<String>,
    ) -> Result<Kept> {
        Ok(Kept {
            before: before as u64,
            instructions: self.instructions.clone(),
            previous_response_id: previous,
            conversation,
            background: self.background.unwrap_or_default(),
            store: self.store.unwrap_or(true),
            max_output_tokens: self.max_output_tokens,
            temperature: self.temperature,
            top_p: self.top_p,
            one_call: self.parallel_tool_calls == Some(false),
            truncates: self.truncation == Some(Truncation::Auto),
            reasoning: json!({
                "effort": self.reasoning.as_ref().and_then(|it| it.effort),
                "summary": null,
            }),
            text: match &self.text {
                Some(text) => text.told(),
                None => json!({"format": {"type": "text"}}),
            },
            tool_choice: self.tool_choice.as_ref().map_or(json!("auto"), value_of),
            tools: self.tools.iter().flatten().map(value_of).collect(),
            user: self.user.clone(),
            safety_identifier: self.safety_identifier.clone(),
            metadata: checked_metadata(self.metadata.clone().unwrap_or_default())?,
            queries: query.into_iter().collect(),
            encrypted: self.include.iter().flatten().any(|what| what == ENCRYPTED),
        })
    }
}

/// What `include` may have.
const ENCRYPTED: &str = "reasoning.encrypted_content";

/// What was sent, as it is shown. What came as JSON can be written as JSON.
fn value_of(sent: &impl Serialize) -> Value {
    serde_json::to_value(sent).unwrap_or_default()
}

/// The error with its fields as they stand in the request, whose question is at `place`.
pub(super) fn in_request(error: Error, place: &str) -> Error {
    renamed(
        error,
        &[
            ("/content", place),
            ("/settings/reasoning_effort", "/reasoning/effort"),
            ("/settings/knowledge_base_ids", "/tools"),
            ("/settings/workflow", "/tools"),
            ("/settings", ""),
            ("/response_format", "/text/format"),
        ],
    )
}
