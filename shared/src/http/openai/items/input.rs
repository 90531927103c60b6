//! Items: what a response is asked with and what it answers.

mod gather;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use super::parts::{Detail, Unread, is_unread};
use crate::http::openapi::{DataAddress, ImageAddress, Schemas, collect, list_of, one_of, words};

/// Text, or items.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(untagged, expecting = "text or a list of items that are known here")]
pub enum Input {
    /// What a person says.
    Text(String),
    /// Items.
    Items(Vec<Item>),
}

impl PartialSchema for Input {
    fn schema() -> RefOr<Schema> {
        let text = words().description(Some("What a person says."));
        let list = list_of::<Item>()
            .min_items(Some(1))
            .description(Some("Items."));
        one_of(
            "Text, or items.",
            [text.build().into(), list.build().into()],
        )
    }
}

impl ToSchema for Input {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("OpenAiResponseInput")
    }

    fn schemas(schemas: &mut Schemas) {
        collect::<Item>(schemas);
    }
}

/// An item. One without a type is a message.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiInputItem)]
#[serde(
    untagged,
    expecting = "an item that is known here: a message, function_call, function_call_output or reasoning"
)]
pub enum Item {
    /// With its type.
    Typed(Typed),
    /// A message.
    Message(Message),
}

/// An item with its type.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiTypedItem)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Typed {
    /// What somebody says or said.
    Message(Message),
    /// A model called a function of the client's.
    FunctionCall(Call),
    /// What the function gave.
    FunctionCallOutput(Output),
    /// What a model thought. It goes back to models only within the answer that goes on.
    Reasoning(Thought),
    /// What was searched before an answer. It is read, so that answers can be sent back as they came; what it found is in
    /// the answer.
    FileSearchCall {},
    /// An item that a stored response has answered.
    ItemReference(Reference),
}

/// An item by its id.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiItemReference)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// It.
    id: String,
}

/// What somebody says or said.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiInputMessage)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Who.
    role: Role,
    /// Text, or parts.
    content: Content,
    /// Of what was answered before. It is read and not kept: it gets a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    /// The same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phase: Option<String>,
}

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiInputRole)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A person.
    User,
    /// A model.
    Assistant,
    /// Whoever tells the model what to do.
    System,
    /// The same.
    Developer,
}

/// Text, or parts.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(untagged, expecting = "text or a list of parts that are known here")]
pub enum Content {
    /// Text alone.
    Text(String),
    /// Parts.
    Parts(Vec<Part>),
}

impl PartialSchema for Content {
    fn schema() -> RefOr<Schema> {
        let text = words().description(Some("Text alone."));
        let list = list_of::<Part>()
            .min_items(Some(1))
            .description(Some("Parts."));
        one_of(
            "Text, or parts.",
            [text.build().into(), list.build().into()],
        )
    }
}

impl ToSchema for Content {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("OpenAiInputContent")
    }

    fn schemas(schemas: &mut Schemas) {
        collect::<Part>(schemas);
    }
}

/// What a function gave, which may be nothing.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiFunctionOutput)]
#[serde(untagged)]
#[expect(dead_code, reason = "it only stands in the document")]
enum Given {
    /// Text alone.
    Text(String),
    /// Parts of text.
    Parts(Vec<Part>),
}

/// A part.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiInputPart)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Part {
    /// Text.
    InputText {
        /// It.
        #[schema(max_length = 200_000, pattern = r"^[^\x00]*$")]
        text: String,
    },
    /// Text of a model.
    OutputText {
        /// It.
        #[schema(max_length = 200_000, pattern = r"^[^\x00]*$")]
        text: String,
        /// What supports it. It is read and not kept.
        #[serde(default, skip_serializing_if = "is_unread")]
        #[schema(value_type = Option<Vec<Object>>)]
        annotations: Option<Unread>,
        /// The same.
        #[serde(default, skip_serializing_if = "is_unread")]
        #[schema(value_type = Option<Vec<Object>>)]
        logprobs: Option<Unread>,
    },
    /// Why a model would not answer.
    Refusal {
        /// Its words.
        #[schema(max_length = 200_000, pattern = r"^[^\x00]*$")]
        refusal: String,
    },
    /// A picture.
    InputImage {
        /// `data:<media type>;base64,<data>` or an https address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = ImageAddress, required = true)]
        image_url: Option<String>,
        /// Refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file_id: Option<String>,
        /// Only `auto`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<Detail>,
    },
    /// A document.
    InputFile {
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
        /// Refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file_url: Option<String>,
    },
}

/// A call of a function.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiFunctionCallItem)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// By which its result is told from others.
    #[schema(pattern = "^[!-~]{1,128}$")]
    call_id: String,
    /// The function.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    name: String,
    /// A JSON object as text.
    #[schema(
        content_media_type = "application/json",
        pattern = r"^\s*\{",
        example = "{}"
    )]
    arguments: String,
    /// Of what was answered before. It is read and not kept: it gets a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<String>,
}

/// What a function gave.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiFunctionCallOutputItem)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The call that it answers.
    #[schema(pattern = "^[!-~]{1,128}$")]
    call_id: String,
    /// Text, or parts of text.
    #[schema(value_type = Given)]
    output: Content,
    /// Of an item that was listed. It is read and not kept: it gets a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<String>,
}

/// What a model thought.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiReasoningItem)]
#[serde(deny_unknown_fields)]
pub struct Thought {
    /// Its text, where the provider shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content: Option<Vec<ThoughtPart>>,
    /// As a response has it, if `include` asks for `reasoning.encrypted_content`: it says all that the text does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    encrypted_content: Option<String>,
    /// Read and not kept: no provider takes one.
    #[serde(default, skip_serializing_if = "is_unread")]
    #[schema(value_type = Option<Vec<Object>>)]
    summary: Option<Unread>,
    /// Of what was answered before. It is read and not kept: it gets a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<String>,
}

/// A piece of what a model thought.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiReasoningText)]
pub struct ThoughtPart {
    /// It.
    text: String,
}
