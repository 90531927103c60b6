//! The parts that a message is made of, in the words of OpenAI's API where it has some.
//!
//! They are stored and shown as they are written here: fields may be added, but never renamed.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::guard::{MAX_URL_BYTES, public};
use crate::model::{InlineData, MAX_CONTENT_BYTES};

/// The longest name of a file, in characters.
const MAX_FILENAME_CHARACTERS: usize = 200;
/// The longest id of a tool call, in bytes.
const MAX_CALL_ID_BYTES: usize = 128;
/// What models can look at.
const IMAGE_TYPES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentPart {
    /// What is said.
    Text {
        /// The text.
        text: String,
    },
    /// A picture, from a person.
    ImageUrl {
        /// Where it is.
        image_url: ImageUrl,
    },
    /// A document, from a person.
    File {
        /// Its name and bytes.
        file: FileData,
    },
    /// What a model thought before it answered. Only that model gets it back.
    Reasoning(Reasoning),
    /// A model wants a tool to be used.
    ToolCall(ToolCall),
    /// What the tool gave.
    ToolResult(ToolResult),
}

/// Where a picture is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImageUrl {
    /// Its bytes as `data:<media type>;base64,<data>`, or an `https` address from which the provider gets it.
    #[schema(example = "data:image/png;base64,iVBORw0KGgo=")]
    pub url: String,
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FileData {
    /// Its name, with the ending.
    #[schema(example = "report.pdf")]
    pub filename: String,
    /// Its bytes as `data:<media type>;base64,<data>`.
    #[schema(example = "data:application/pdf;base64,JVBERi0=")]
    pub file_data: String,
}

/// What a model thought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Reasoning {
    /// The model that thought it.
    pub model: String,
    /// As much of it as the provider shows; may be empty.
    pub text: String,
    /// With it the provider knows its own text again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// What the provider does not show, but wants back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted_content: Option<String>,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ToolCall {
    /// By which its result is told from others.
    pub id: String,
    /// Which tool.
    pub name: String,
    /// A JSON object as text, as the model wrote it. It may break the tool's schema.
    #[schema(example = r#"{"city":"Oslo"}"#)]
    pub arguments: String,
    /// With it the provider knows its own call again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<CallSignature>,
}

/// What a provider wants back with a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CallSignature {
    /// The model that made the call; only that model gets it back.
    pub model: String,
    /// The signature, which means nothing to us.
    pub value: String,
}

/// What a tool gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ToolResult {
    /// The call that it answers.
    pub tool_call_id: String,
    /// The result, or what went wrong.
    pub text: String,
    /// Whether the tool failed.
    #[serde(default)]
    pub is_error: bool,
}

/// Where a picture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageSource<'a> {
    /// Here.
    Data(InlineData<'a>),
    /// At an `https` address.
    Url(&'a str),
}

impl ContentPart {
    /// A part of plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }

    /// The part, if it keeps the rules. `field` is where it stands in the request.
    ///
    /// # Errors
    /// `Invalid` with the field and what would be right.
    pub fn parse(self, field: &str) -> Result<Self> {
        match &self {
            Self::Text { text } => bounded(&format!("{field}/text"), text)?,
            Self::ImageUrl { image_url } => {
                image_url.check(&format!("{field}/image_url/url"))?;
            }
            Self::File { file } => file.check(&format!("{field}/file"))?,
            Self::Reasoning(reasoning) => reasoning.check(field)?,
            Self::ToolCall(call) => call.check(field)?,
            Self::ToolResult(result) => {
                call_id(&format!("{field}/tool_call_id"), &result.tool_call_id)?;
                bounded(&format!("{field}/text"), &result.text)?;
            }
        }
        Ok(self)
    }
}

impl ImageUrl {
    /// The rules of [`Self::source`]; and an address must not lead inside a network, because a provider that a tenant or
    /// a deployment runs there would fetch it (server-side request forgery by way of the provider).
    fn check(&self, field: &str) -> Result<()> {
        match self.source(field)? {
            ImageSource::Data(_) => Ok(()),
            ImageSource::Url(url) => {
                public(url).map_err(|fault| Error::invalid(field, fault.to_string()))
            }
        }
    }

    /// Where the picture is. `field` is the field of the address.
    ///
    /// # Errors
    /// `Invalid` if it is neither an image's bytes nor an `https` address.
    pub fn source(&self, field: &str) -> Result<ImageSource<'_>> {
        if self.url.starts_with("data:") {
            let data = InlineData::parse(field, &self.url)?;
            if !IMAGE_TYPES.contains(&data.media_type) {
                let detail = format!("must be one of {}", IMAGE_TYPES.join(", "));
                return Err(Error::invalid(field, detail));
            }
            return Ok(ImageSource::Data(data));
        }
        let url = url::Url::parse(&self.url).ok();
        let fits = self.url.len() <= MAX_URL_BYTES;
        let right = url.filter(|url| {
            url.scheme() == "https" && url.username().is_empty() && url.password().is_none()
        });
        match right {
            Some(_) if fits => Ok(ImageSource::Url(&self.url)),
            _ => Err(Error::invalid(
                field,
                format!(
                    "must be `data:<media type>;base64,<data>` or an https address of at most {MAX_URL_BYTES} bytes without a user name"
                ),
            )),
        }
    }
}

impl FileData {
    fn check(&self, field: &str) -> Result<()> {
        super::conversation::line(
            &format!("{field}/filename"),
            &self.filename,
            MAX_FILENAME_CHARACTERS,
        )?;
        InlineData::parse(&format!("{field}/file_data"), &self.file_data)?;
        Ok(())
    }
}

impl Reasoning {
    fn check(&self, field: &str) -> Result<()> {
        bounded(&format!("{field}/text"), &self.text)?;
        for (name, value) in [
            ("signature", &self.signature),
            ("encrypted_content", &self.encrypted_content),
        ] {
            bounded(&format!("{field}/{name}"), value.as_deref().unwrap_or(""))?;
        }
        Ok(())
    }
}

impl ToolCall {
    fn check(&self, field: &str) -> Result<()> {
        call_id(&format!("{field}/id"), &self.id)?;
        if !is_tool_name(&self.name) {
            return Err(Error::invalid(format!("{field}/name"), TOOL_NAME_RULE));
        }
        let arguments = format!("{field}/arguments");
        bounded(&arguments, &self.arguments)?;
        match self.arguments_object() {
            Some(_) => Ok(()),
            None => Err(Error::invalid(arguments, "must be a JSON object as text")),
        }
    }

    /// The arguments read. `None` if they are not a JSON object.
    pub fn arguments_object(&self) -> Option<serde_json::Map<String, serde_json::Value>> {
        serde_json::from_str(&self.arguments).ok()
    }
}

/// What a tool's name must be: the rule that all providers share.
pub const TOOL_NAME_RULE: &str = "must have 1 to 64 letters, digits, _ and -";

/// Whether all providers take that as the name of a tool.
pub fn is_tool_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=64).contains(&name.len()) && name.bytes().all(allowed)
}

fn call_id(field: &str, id: &str) -> Result<()> {
    let right =
        (1..=MAX_CALL_ID_BYTES).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
    let detail = format!(
        "must have 1 to {MAX_CALL_ID_BYTES} ASCII letters, digits and signs without blanks"
    );
    right
        .then_some(())
        .ok_or_else(|| Error::invalid(field, detail))
}

fn bounded(field: &str, text: &str) -> Result<()> {
    if text.len() > MAX_CONTENT_BYTES {
        let detail = format!(
            "must have at most {MAX_CONTENT_BYTES} bytes of UTF-8; this has {}",
            text.len()
        );
        return Err(Error::invalid(field, detail));
    }
    if text.contains('\0') {
        return Err(Error::invalid(field, "must not contain the NUL character"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MAX_DATA_BYTES;
    use serde_json::{Value, json};

    fn part(value: Value) -> ContentPart {
        serde_json::from_value(value).expect("a part")
    }

    /// The field that is wrong.
    fn fault(value: Value) -> String {
        match part(value).parse("/content/0") {
            Err(Error::Invalid(errors)) => errors[0].field.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn parts_are_written_as_they_are_read() {
        for value in [
            json!({"type": "text", "text": "Hi"}),
            json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}),
            json!({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}),
            json!({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="}}),
            json!({"type": "reasoning", "model": "m", "text": "hm", "signature": "c2ln"}),
            json!({"type": "reasoning", "model": "m", "text": "", "encrypted_content": "x"}),
            json!({"type": "tool_call", "id": "call_1", "name": "weather", "arguments": "{\"a\": 1}",
                   "signature": {"model": "m", "value": "s"}}),
            json!({"type": "tool_result", "tool_call_id": "call_1", "text": "", "is_error": true}),
        ] {
            let parsed = part(value.clone())
                .parse("/content/0")
                .expect("it keeps the rules");
            assert_eq!(serde_json::to_value(parsed).expect("JSON"), value);
        }
    }

    #[test]
    fn what_breaks_a_rule_is_named() {
        let long = "x".repeat(MAX_CONTENT_BYTES + 1);
        let image = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
        let call = |id: &str, name: &str, arguments: &str| json!({"type": "tool_call", "id": id, "name": name, "arguments": arguments});
        for (value, field) in [
            (json!({"type": "text", "text": long}), "text"),
            (json!({"type": "text", "text": "a\0b"}), "text"),
            (image("http://example.com/a.png"), "image_url/url"),
            (
                image("https://ada:secret@example.com/a.png"),
                "image_url/url",
            ),
            (
                image(&format!("https://example.com/{}", "x".repeat(2048))),
                "image_url/url",
            ),
            (image("data:image/svg+xml;base64,AAAA"), "image_url/url"),
            (image("data:image/png;base64,"), "image_url/url"),
            (image("data:image/png;base64,A-_A"), "image_url/url"),
            (image("data:image/png;base64,AAA"), "image_url/url"),
            (image("data:image/png,AAAA"), "image_url/url"),
            (
                image(&format!(
                    "data:image/png;base64,{}",
                    "A".repeat(MAX_DATA_BYTES + 4)
                )),
                "image_url/url",
            ),
            (
                json!({"type": "file", "file": {"filename": "a\nb", "file_data": "data:text/plain;base64,AAAA"}}),
                "file/filename",
            ),
            (
                json!({"type": "file", "file": {"filename": "a", "file_data": "data:text;base64,AAAA"}}),
                "file/file_data",
            ),
            (
                json!({"type": "file", "file": {"filename": "a", "file_data": "https://example.com/a"}}),
                "file/file_data",
            ),
            (call("", "f", "{}"), "id"),
            (call("a b", "f", "{}"), "id"),
            (call("a", "f.g", "{}"), "name"),
            (call("a", &"f".repeat(65), "{}"), "name"),
            (call("a", "f", ""), "arguments"),
            (call("a", "f", "[]"), "arguments"),
            (
                json!({"type": "tool_result", "tool_call_id": "", "text": ""}),
                "tool_call_id",
            ),
            (
                json!({"type": "reasoning", "model": "m", "text": "", "signature": "\0"}),
                "signature",
            ),
        ] {
            assert_eq!(fault(value), format!("/content/0/{field}"));
        }
    }
}
