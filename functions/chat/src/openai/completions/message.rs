//! The messages of a chat completion.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use shared::http::openai::items::{Detail, Gathering, file_part, image_part};
use shared::http::openai::unsupported;
use shared::http::openapi::{DataAddress, ImageAddress, Schemas, collect, list_of, one_of, words};
use shared::model::{ContentPart, ToolCall, ToolResult};
use shared::{Error, Result};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

/// One message.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiChatMessage)]
#[serde(tag = "role", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Message {
    /// What the model is told, wherever it stands.
    System(Told),
    /// The same.
    Developer(Told),
    /// What a person says.
    User {
        /// Text, or parts.
        #[schema(value_type = Said)]
        content: Text,
        /// Refused: models are not told who of several people speaks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// What a model said.
    Assistant(Answer),
    /// What a tool gave.
    Tool {
        /// Text, or parts of text.
        content: Text,
        /// The call that it answers.
        #[schema(pattern = "^[!-~]{1,128}$")]
        tool_call_id: String,
    },
}

/// What a model is told.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiInstruction)]
#[serde(deny_unknown_fields)]
pub(crate) struct Told {
    /// Text, or parts of text.
    content: Text,
    /// Refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// What a model said.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiAssistantMessage)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    /// Text, or parts of text; may be left out where there are calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content: Option<Text>,
    /// Why it would not answer. It counts as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
    /// What it called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tool_calls: Option<Vec<Call>>,
    /// What it cited. It is read, so that answers can be sent back as they came, and not sent to models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    annotations: Option<serde_json::Value>,
    /// Its text as JSON, which OpenAI's libraries put there. It is read, and the text counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    parsed: Option<serde_json::Value>,
    /// Refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Refused unless it is `null`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    audio: Option<serde_json::Value>,
    /// Refused unless it is `null`: `tool_calls` are its successor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    function_call: Option<serde_json::Value>,
}

/// A call of a tool.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiChatToolCall)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Call {
    /// Of a function.
    Function {
        /// By which its result is told from others.
        #[schema(pattern = "^[!-~]{1,128}$")]
        id: String,
        /// Which, and with what.
        function: Called,
    },
}

/// A function that was called.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiCalledFunction)]
#[serde(deny_unknown_fields)]
pub(crate) struct Called {
    /// Its name.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    pub(super) name: String,
    /// A JSON object as text.
    #[schema(
        content_media_type = "application/json",
        pattern = r"^\s*\{",
        example = "{}"
    )]
    pub(super) arguments: String,
    /// They as JSON, which OpenAI's libraries put there. It is read, and `arguments` count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    parsed_arguments: Option<serde_json::Value>,
}

/// Text, or parts.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiChatContent)]
#[serde(untagged, expecting = "text or a list of parts that are known here")]
pub(crate) enum Text {
    /// Text alone.
    Text(String),
    /// Parts.
    Parts(Vec<Part>),
}

/// What a person says: text, or parts.
#[derive(Debug)]
enum Said {}

impl PartialSchema for Said {
    fn schema() -> RefOr<Schema> {
        let text = words().description(Some("Text alone."));
        let list = list_of::<Part>()
            .min_items(Some(1))
            .description(Some("Parts."));
        one_of(
            "What a person says: text, or parts.",
            [text.build().into(), list.build().into()],
        )
    }
}

impl ToSchema for Said {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("OpenAiUserContent")
    }

    fn schemas(schemas: &mut Schemas) {
        collect::<Part>(schemas);
    }
}

/// A part.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiChatPart)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Part {
    /// Text.
    Text {
        /// It.
        #[schema(max_length = 200_000, pattern = r"^[^\x00]*$")]
        text: String,
    },
    /// Why a model would not answer.
    Refusal {
        /// Its words.
        #[schema(max_length = 200_000, pattern = r"^[^\x00]*$")]
        refusal: String,
    },
    /// A picture.
    ImageUrl {
        /// Where it is.
        image_url: Image,
    },
    /// A document.
    File {
        /// Its bytes.
        file: File,
    },
    /// Refused.
    InputAudio {
        /// Refused.
        #[schema(value_type = Object)]
        input_audio: serde_json::Value,
    },
}

/// A picture.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiChatImage)]
#[serde(deny_unknown_fields)]
pub(crate) struct Image {
    /// `data:<media type>;base64,<data>` or an https address.
    #[schema(value_type = ImageAddress)]
    url: String,
    /// Only `auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    detail: Option<Detail>,
}

/// A document.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiChatFile)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^\s*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*\s*$"
    )]
    filename: Option<String>,
    /// `data:<media type>;base64,<data>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = DataAddress, required = true)]
    file_data: Option<String>,
    /// Refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file_id: Option<String>,
}

impl Message {
    /// Adds it to what is read.
    pub(super) fn gather(self, place: String, gathering: &mut Gathering) -> Result<()> {
        match self {
            Self::System(told) | Self::Developer(told) => {
                nameless(&place, told.name.as_deref())?;
                gathering.system(told.content.only_text(&place)?);
            }
            Self::User { content, name } => {
                nameless(&place, name.as_deref())?;
                gathering.user(place.clone(), content.parts(&place)?);
            }
            Self::Assistant(answer) => {
                let parts = answer.parts(&place)?;
                gathering.assistant(place, parts);
            }
            Self::Tool {
                content,
                tool_call_id,
            } => {
                let result = ToolResult {
                    tool_call_id,
                    text: content.only_text(&place)?,
                    is_error: false,
                };
                gathering.result(place, result);
            }
        }
        Ok(())
    }
}

impl Answer {
    fn parts(self, place: &str) -> Result<Vec<ContentPart>> {
        nameless(place, self.name.as_deref())?;
        if self.audio.is_some() {
            let field = format!("{place}/audio");
            return Err(unsupported(&field, "send what was said as text"));
        }
        if self.function_call.is_some() {
            let field = format!("{place}/function_call");
            return Err(unsupported(&field, "use `tool_calls`"));
        }
        let mut parts = match self.content {
            Some(content) => content.parts(place)?,
            None => Vec::new(),
        };
        parts.extend(self.refusal.map(ContentPart::text));
        for (index, call) in self.tool_calls.into_iter().flatten().enumerate() {
            let Call::Function { id, function } = call;
            let call = ContentPart::ToolCall(ToolCall {
                id,
                name: function.name,
                arguments: function.arguments,
                signature: None,
            });
            parts.push(call.parse(&format!("{place}/tool_calls/{index}"))?);
        }
        Ok(parts)
    }
}

impl Text {
    fn parts(self, place: &str) -> Result<Vec<ContentPart>> {
        let parts = match self {
            Self::Text(text) => return Ok(vec![ContentPart::text(text)]),
            Self::Parts(parts) => parts,
        };
        let parts = parts.into_iter().enumerate();
        let parts = parts.map(|(index, part)| part.parsed(&format!("{place}/content/{index}")));
        parts.collect()
    }

    fn only_text(self, place: &str) -> Result<String> {
        let mut texts = Vec::new();
        for (index, part) in self.parts(place)?.into_iter().enumerate() {
            match part {
                ContentPart::Text { text } => texts.push(text),
                _ => {
                    let field = format!("{place}/content/{index}/type");
                    return Err(Error::invalid(field, "must be text"));
                }
            }
        }
        Ok(texts.join("\n\n"))
    }
}

impl Part {
    fn parsed(self, place: &str) -> Result<ContentPart> {
        match self {
            Self::Text { text } | Self::Refusal { refusal: text } => {
                ContentPart::text(text).parse(place)
            }
            Self::ImageUrl { image_url } => {
                let field = format!("{place}/image_url/detail");
                image_part(place, image_url.url, &field, image_url.detail)
            }
            Self::File { file } => {
                let field = format!("{place}/file/file_id");
                let id = file.file_id.as_deref();
                file_part(place, file.filename, file.file_data, id, &field)
            }
            Self::InputAudio { .. } => Err(unsupported(
                &format!("{place}/type"),
                "send text, images or files",
            )),
        }
    }
}

fn nameless(place: &str, name: Option<&str>) -> Result<()> {
    match name {
        None => Ok(()),
        Some(_) => Err(unsupported(
            &format!("{place}/name"),
            "say in the message who speaks",
        )),
    }
}
