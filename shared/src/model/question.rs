//! What is sent to a model: text, or typed parts.

use std::fmt;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use super::content::{ContentPart, FileData, ImageUrl, ToolResult};
use super::conversation::{MAX_CONTENT_BYTES, Role, question_text};
use crate::error::{Error, Result};
use crate::schema::{DataAddress, ImageAddress, Schemas, collect, list_of, one_of, words};

/// How many parts a message may have.
const MAX_PARTS: usize = 64;
/// The most that the parts of a message may have together, in bytes of JSON. It leaves room for the other attributes
/// under DynamoDB's limit of 400 KB an item.
pub const MAX_PARTS_BYTES: usize = 300_000;

/// Text, or parts in their order.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Content {
    /// Text alone.
    Text(String),
    /// Text, images and files, or the results of tools.
    Parts(Vec<ContentPart>),
}

impl PartialSchema for Content {
    fn schema() -> RefOr<Schema> {
        let text = words()
            .title(Some("Text"))
            .description(Some("Text alone."))
            .max_length(Some(MAX_CONTENT_BYTES));
        let parts = list_of::<NewPart>()
            .title(Some("Parts"))
            .description(Some("Text, images and files, or the results of tools."))
            .min_items(Some(1))
            .max_items(Some(MAX_PARTS));
        let about = "Text, or parts in their order.";
        one_of(about, [text.build().into(), parts.build().into()])
    }
}

impl ToSchema for Content {
    fn schemas(schemas: &mut Schemas) {
        collect::<NewPart>(schemas);
    }
}

/// A part that is sent: what is stored may get fields that nobody may send, and here none is ignored.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum NewPart {
    /// What is said.
    Text {
        /// The text.
        #[schema(max_length = 200_000, pattern = r"^[^\x00]*$")]
        text: String,
    },
    /// A picture, from a person.
    ImageUrl {
        /// Where it is.
        image_url: NewImage,
    },
    /// A document, from a person.
    File {
        /// Its name and bytes.
        file: NewFile,
    },
    /// What a tool gave.
    ToolResult {
        /// The call that it answers.
        #[schema(pattern = "^[!-~]{1,128}$")]
        tool_call_id: String,
        /// The result, or what went wrong.
        #[schema(max_length = 200_000, pattern = r"^[^\x00]*$")]
        text: String,
        /// Whether the tool failed.
        #[serde(default)]
        #[schema(required = false)]
        is_error: bool,
    },
}

/// Where a picture is.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewImage {
    /// Its bytes as `data:<media type>;base64,<data>`, or an `https` address from which the provider gets it.
    #[schema(value_type = ImageAddress)]
    url: String,
}

/// A document.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFile {
    /// Its name, with the ending.
    #[schema(
        example = "report.pdf",
        min_length = 1,
        max_length = 200,
        pattern = r"^\s*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*\s*$"
    )]
    filename: String,
    /// Its bytes as `data:<media type>;base64,<data>`.
    #[schema(value_type = DataAddress)]
    file_data: String,
}

impl From<NewPart> for ContentPart {
    fn from(part: NewPart) -> Self {
        match part {
            NewPart::Text { text } => Self::Text { text },
            NewPart::ImageUrl { image_url } => Self::ImageUrl {
                image_url: ImageUrl { url: image_url.url },
            },
            NewPart::File { file } => Self::File {
                file: FileData {
                    filename: file.filename,
                    file_data: file.file_data,
                },
            },
            NewPart::ToolResult {
                tool_call_id,
                text,
                is_error,
            } => Self::ToolResult(ToolResult {
                tool_call_id,
                text,
                is_error,
            }),
        }
    }
}

/// By hand, so that what is wrong is told with its place.
impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Content;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or a list of parts")
            }

            fn visit_str<E>(self, text: &str) -> Result<Content, E> {
                Ok(Content::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Content, E> {
                Ok(Content::Text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, parts: A) -> Result<Content, A::Error> {
                let parts = Vec::<NewPart>::deserialize(SeqAccessDeserializer::new(parts))?;
                let parts = parts.into_iter().map(ContentPart::from);
                Ok(Content::Parts(parts.collect()))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// What a person says to a model, or what tools gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// A person's, or that of tools.
    pub role: Role,
    /// What it is made of: at least one part.
    pub parts: Vec<ContentPart>,
}

impl Question {
    /// Text of 1 to 200,000 bytes that is not only white space; or up to 64 parts of at most 300,000 bytes of JSON
    /// together, which are text, images and files, or only results of tools.
    ///
    /// # Errors
    /// `Invalid` with what breaks a rule.
    pub fn parse(field: &str, content: Content) -> Result<Self> {
        let parts = match content {
            Content::Text(text) => {
                question_text(field, &text)?;
                vec![ContentPart::Text { text }]
            }
            Content::Parts(parts) => parsed(field, parts)?,
        };
        let results = parts.iter().filter(|part| is_result(part)).count();
        let role = match results {
            0 => Role::User,
            _ if results == parts.len() => Role::Tool,
            _ => {
                let detail = "must be the results of tools alone, or none of them";
                return Err(Error::invalid(field, detail));
            }
        };
        let said = |part: &ContentPart| match part {
            ContentPart::Text { text } => !text.trim().is_empty(),
            _ => true,
        };
        if !parts.iter().any(said) {
            return Err(Error::invalid(field, "must not be empty"));
        }
        Ok(Self { role, parts })
    }
}

fn is_result(part: &ContentPart) -> bool {
    matches!(part, ContentPart::ToolResult(_))
}

fn parsed(field: &str, parts: Vec<ContentPart>) -> Result<Vec<ContentPart>> {
    if parts.len() > MAX_PARTS {
        let detail = format!("must have at most {MAX_PARTS} parts");
        return Err(Error::invalid(field, detail));
    }
    let parsed = parts.into_iter().enumerate().map(|(index, part)| {
        let field = format!("{field}/{index}");
        match part {
            ContentPart::Reasoning(_) | ContentPart::ToolCall(_) => {
                let detail =
                    "must be text, image_url, file or tool_result: the others come from models";
                Err(Error::invalid(format!("{field}/type"), detail))
            }
            part => part.parse(&field),
        }
    });
    let parsed: Vec<ContentPart> = parsed.collect::<Result<_>>()?;
    let bytes = serde_json::to_vec(&parsed).map_err(Error::internal)?.len();
    if bytes > MAX_PARTS_BYTES {
        let detail = format!(
            "must have at most {MAX_PARTS_BYTES} bytes of JSON together; this has {bytes}. Give large images by their address"
        );
        return Err(Error::invalid(field, detail));
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn question(content: Value) -> Result<Question> {
        Question::parse(
            "/content",
            serde_json::from_value(content).expect("content"),
        )
    }

    fn fault(content: Value) -> String {
        match question(content) {
            Err(Error::Invalid(errors)) => errors[0].field.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn text_and_parts_are_questions_and_results_are_those_of_tools() {
        let text = question(json!(" a\n b ")).expect("text");
        assert_eq!(text.parts, [ContentPart::text(" a\n b ")]);
        assert_eq!(text.role, Role::User);
        let image = json!([{"type": "text", "text": ""}, {"type": "image_url", "image_url": {"url": "https://a.test/a.png"}}]);
        assert_eq!(question(image).expect("parts").role, Role::User);
        let result = json!([{"type": "tool_result", "tool_call_id": "c", "text": ""}]);
        assert_eq!(question(result).expect("results").role, Role::Tool);
    }

    #[test]
    fn what_is_no_question_is_refused_with_its_place() {
        let long = "x".repeat(200_001);
        let text = |text: &str| json!({"type": "text", "text": text});
        let result = json!({"type": "tool_result", "tool_call_id": "c", "text": ""});
        let many = vec![text("a"); 65];
        let large = vec![text(&"x".repeat(150_000)); 2];
        for (content, field) in [
            (json!(" \n "), "/content"),
            (json!("a\0b"), "/content"),
            (json!(long), "/content"),
            (json!([]), "/content"),
            (json!([text(" ")]), "/content"),
            (json!([text("a"), result]), "/content"),
            (json!(many), "/content"),
            (json!(large), "/content"),
            (json!([text("a"), text("\0")]), "/content/1/text"),
        ] {
            assert_eq!(fault(content), field);
        }
    }
}
