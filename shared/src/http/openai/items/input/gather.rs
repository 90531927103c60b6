//! Items as a turn takes them.

use super::{Content, Input, Item, Message, Part, Reference, Role, Typed};
use crate::error::{Error, Result};
use crate::http::openai::items::gathered::Gathering;
use crate::http::openai::items::parts::{file_part, image_part};
use crate::http::openai::items::thoughts;
use crate::http::openai::{renamed, unsupported};
use crate::model::{ContentPart, Reasoning, ToolCall, ToolResult};

impl Input {
    /// The ids of items that are only referred to.
    pub fn references(&self) -> impl Iterator<Item = &str> {
        let items = match self {
            Self::Text(_) => &[][..],
            Self::Items(items) => items,
        };
        items.iter().filter_map(|item| match item {
            Item::Typed(Typed::ItemReference(Reference { id })) => Some(id.as_str()),
            _ => None,
        })
    }

    /// Adds it to what is read.
    ///
    /// # Errors
    /// `Invalid` with what breaks a rule.
    pub fn gather(self, model: &str, gathering: &mut Gathering) -> Result<()> {
        let items = match self {
            Self::Text(text) => {
                gathering.user("/input".to_owned(), vec![ContentPart::text(text)]);
                return Ok(());
            }
            Self::Items(items) => items,
        };
        for (index, item) in items.into_iter().enumerate() {
            item.gather(format!("/input/{index}"), model, gathering)?;
        }
        Ok(())
    }
}

impl Item {
    /// Who says it, if it is a message.
    pub const fn role(&self) -> Option<Role> {
        match self {
            Self::Message(message) | Self::Typed(Typed::Message(message)) => Some(message.role),
            Self::Typed(_) => None,
        }
    }

    /// Adds it to what is read. `place` is where it stands in the request, and `model` the one that is asked.
    ///
    /// # Errors
    /// `Invalid` with what breaks a rule.
    pub fn gather(self, place: String, model: &str, gathering: &mut Gathering) -> Result<()> {
        match self {
            Self::Message(message) | Self::Typed(Typed::Message(message)) => {
                message.gather(place, gathering)
            }
            Self::Typed(Typed::FunctionCall(call)) => {
                let call = ContentPart::ToolCall(ToolCall {
                    id: call.call_id,
                    name: call.name,
                    arguments: call.arguments,
                    signature: None,
                });
                let names = [(format!("{place}/id"), format!("{place}/call_id"))];
                let call = call.parse(&place).map_err(|error| as_sent(error, &names))?;
                gathering.assistant(place, vec![call]);
                Ok(())
            }
            Self::Typed(Typed::FunctionCallOutput(output)) => {
                let text = output.output.only_text(&format!("{place}/output"))?;
                let result = ToolResult {
                    tool_call_id: output.call_id,
                    text,
                    is_error: false,
                };
                gathering.result(place, result);
                Ok(())
            }
            Self::Typed(Typed::Reasoning(thought)) => {
                if let Some(kept) = &thought.encrypted_content {
                    let thought = ContentPart::Reasoning(thoughts::read(&place, kept)?);
                    let thought = thought.parse(&place)?;
                    gathering.assistant(place, vec![thought]);
                    return Ok(());
                }
                let texts = thought.content.into_iter().flatten().map(|part| part.text);
                let text = texts.collect::<Vec<_>>().join("\n\n");
                if !text.is_empty() {
                    let thought = ContentPart::Reasoning(Reasoning {
                        model: model.to_owned(),
                        text,
                        signature: None,
                        encrypted_content: None,
                    });
                    gathering.assistant(place, vec![thought]);
                }
                Ok(())
            }
            Self::Typed(Typed::FileSearchCall {}) => Ok(()),
            Self::Typed(Typed::ItemReference(Reference { id })) => {
                let field = format!("{place}/id");
                if gathering.refer(place, &id) {
                    return Ok(());
                }
                let detail =
                    "there is no such item of a response that is stored; send the item itself";
                Err(Error::invalid(field, detail))
            }
        }
    }
}

impl Message {
    fn gather(self, place: String, gathering: &mut Gathering) -> Result<()> {
        let content = format!("{place}/content");
        match self.role {
            Role::System | Role::Developer => gathering.system(self.content.only_text(&content)?),
            Role::User => gathering.user(place, self.content.parts(&content)?),
            Role::Assistant => {
                let said = vec![ContentPart::text(self.content.only_text(&content)?)];
                gathering.assistant(place, said);
            }
        }
        Ok(())
    }
}

impl Content {
    fn parts(self, place: &str) -> Result<Vec<ContentPart>> {
        let parts = match self {
            Self::Text(text) => return Ok(vec![ContentPart::text(text)]),
            Self::Parts(parts) => parts,
        };
        let parts = parts.into_iter().enumerate();
        let parts = parts.map(|(index, part)| part.parsed(&format!("{place}/{index}")));
        parts.collect()
    }

    fn only_text(self, place: &str) -> Result<String> {
        let mut texts = Vec::new();
        for (index, part) in self.parts(place)?.into_iter().enumerate() {
            match part {
                ContentPart::Text { text } => texts.push(text),
                _ => {
                    let field = format!("{place}/{index}/type");
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
            Self::InputText { text }
            | Self::OutputText { text, .. }
            | Self::Refusal { refusal: text } => ContentPart::text(text).parse(place),
            Self::InputImage {
                image_url: Some(url),
                file_id: None,
                detail,
            } => {
                let image = image_part(place, url, &format!("{place}/detail"), detail);
                let names = [(
                    format!("{place}/image_url/url"),
                    format!("{place}/image_url"),
                )];
                image.map_err(|error| as_sent(error, &names))
            }
            Self::InputImage { .. } => Err(unsupported(
                &format!("{place}/file_id"),
                "give the image in `image_url`: an https address, or data:<media type>;base64,<data>",
            )),
            Self::InputFile {
                file_url: Some(_), ..
            } => Err(unsupported(
                &format!("{place}/file_url"),
                "give the file's bytes in `file_data`, or search it in a vector store",
            )),
            Self::InputFile {
                filename,
                file_data,
                file_id,
                file_url: None,
            } => {
                let id_field = format!("{place}/file_id");
                let file = file_part(place, filename, file_data, file_id.as_deref(), &id_field);
                let names = [(format!("{place}/file/"), format!("{place}/"))];
                file.map_err(|error| as_sent(error, &names))
            }
        }
    }
}

/// With fields as items have them, where our own parts have others.
fn as_sent(error: Error, names: &[(String, String)]) -> Error {
    let names: Vec<(&str, &str)> = names
        .iter()
        .map(|(ours, theirs)| (&**ours, &**theirs))
        .collect();
    renamed(error, &names)
}
