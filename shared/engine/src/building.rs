//! The parts of an answer while they come.

use shared::model::{CallSignature, ContentPart, Reasoning, ToolCall};

use crate::provider::Part;
use crate::tokens;

/// The parts that have come until now.
#[derive(Debug, Default)]
pub(crate) struct Building {
    parts: Vec<ContentPart>,
    /// Where each call stands among them.
    calls: Vec<usize>,
    bytes: usize,
}

impl Building {
    /// Takes a piece of the answer. `model` is who made it.
    pub(crate) fn add(&mut self, model: &str, part: &Part) {
        self.bytes += size(part);
        match part {
            Part::Text(more) => match self.parts.last_mut() {
                Some(ContentPart::Text { text }) => text.push_str(more),
                _ => self.parts.push(ContentPart::text(more)),
            },
            Part::Reasoning(more) => match self.parts.last_mut() {
                Some(ContentPart::Reasoning(last)) if last.signature.is_none() => {
                    last.text.push_str(more);
                }
                _ => self.parts.push(reasoning(model, more, None)),
            },
            Part::ReasoningSignature(signature) => match self.parts.last_mut() {
                Some(ContentPart::Reasoning(last)) if last.signature.is_none() => {
                    last.signature = Some(signature.clone());
                }
                _ => {
                    let mut empty = reasoning(model, "", None);
                    if let ContentPart::Reasoning(reasoning) = &mut empty {
                        reasoning.signature = Some(signature.clone());
                    }
                    self.parts.push(empty);
                }
            },
            Part::EncryptedReasoning(content) => {
                let encrypted = Some(content.clone());
                self.parts.push(reasoning(model, "", encrypted));
            }
            Part::ToolCall { id, name, .. } => {
                self.calls.push(self.parts.len());
                self.parts.push(ContentPart::ToolCall(ToolCall {
                    id: id.clone(),
                    name: name.clone(),
                    arguments: String::new(),
                    signature: None,
                }));
            }
            Part::ToolArguments { index, delta } => {
                if let Some(call) = self.call(*index) {
                    call.arguments.push_str(delta);
                }
            }
            Part::ToolCallSignature { index, signature } => {
                let value = signature.clone();
                if let Some(call) = self.call(*index) {
                    let model = model.to_owned();
                    call.signature = Some(CallSignature { model, value });
                }
            }
            Part::Finish(_) | Part::Usage(_) | Part::End => {}
        }
    }

    fn call(&mut self, index: usize) -> Option<&mut ToolCall> {
        let place = *self.calls.get(index)?;
        match self.parts.get_mut(place) {
            Some(ContentPart::ToolCall(call)) => Some(call),
            _ => None,
        }
    }

    /// How many bytes they have.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// About how many tokens they have.
    pub(crate) fn tokens(&self) -> u64 {
        self.parts.iter().map(tokens::of_part).sum()
    }

    /// The calls among them.
    pub(crate) fn calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(|part| match part {
            ContentPart::ToolCall(call) => Some(call),
            _ => None,
        })
    }

    /// Puts one text in the place of all.
    pub(crate) fn set_text(&mut self, text: &str) {
        self.parts
            .retain(|part| !matches!(part, ContentPart::Text { .. }));
        self.parts.push(ContentPart::text(text));
    }

    /// The parts. Calls of an answer that broke off are left out: nobody knows whether they are whole.
    pub(crate) fn finish(self, broke_off: bool) -> Vec<ContentPart> {
        let mut parts = self.parts;
        parts.retain(|part| !(broke_off && matches!(part, ContentPart::ToolCall(_))));
        parts
    }
}

/// How many bytes a piece adds to an answer.
pub(crate) fn size(part: &Part) -> usize {
    match part {
        Part::Text(text)
        | Part::Reasoning(text)
        | Part::ReasoningSignature(text)
        | Part::EncryptedReasoning(text) => text.len(),
        Part::ToolCall { id, name, .. } => id.len() + name.len(),
        Part::ToolArguments { delta, .. } => delta.len(),
        Part::ToolCallSignature { signature, .. } => signature.len(),
        Part::Finish(_) | Part::Usage(_) | Part::End => 0,
    }
}

fn reasoning(model: &str, text: &str, encrypted_content: Option<String>) -> ContentPart {
    ContentPart::Reasoning(Reasoning {
        model: model.to_owned(),
        text: text.to_owned(),
        signature: None,
        encrypted_content,
    })
}
