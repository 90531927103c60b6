//! The messages of a request, in whatever words they came, as a turn takes them.

use std::collections::{HashMap, HashSet};

use crate::error::{Error, Result};
use crate::model::{Content, ContentPart, Question, Role, Said, ToolResult};

/// What a request says.
#[derive(Debug)]
pub struct Gathered {
    /// What the model is told: texts of the system or the developer, in their order.
    pub system: Option<String>,
    /// What comes before the question.
    pub before: Vec<Said>,
    /// What is asked.
    pub question: Question,
    /// Where the question stands in the request: a JSON Pointer.
    pub place: String,
}

/// Messages while they are read.
#[derive(Debug, Default)]
pub struct Gathering {
    system: Vec<String>,
    said: Vec<(Said, String)>,
    referred: HashMap<String, Option<ContentPart>>,
}

impl Gathering {
    /// With what items that are only referred to are, by their ids. What says nothing to a model is `None`.
    pub fn with(referred: HashMap<String, Option<ContentPart>>) -> Self {
        Self {
            referred,
            ..Self::default()
        }
    }

    /// What a model made, by the id of its item. Whether there is such an item.
    pub fn refer(&mut self, place: String, id: &str) -> bool {
        let Some(part) = self.referred.get(id).cloned() else {
            return false;
        };
        if let Some(part) = part {
            self.assistant(place, vec![part]);
        }
        true
    }

    /// What the model is told.
    pub fn system(&mut self, text: String) {
        self.system.push(text);
    }

    /// What a person says. `place` is where it stands in the request.
    pub fn user(&mut self, place: String, parts: Vec<ContentPart>) {
        let role = Role::User;
        self.said.push((Said { role, parts }, place));
    }

    /// What a model said: what follows each other is one answer.
    pub fn assistant(&mut self, place: String, parts: Vec<ContentPart>) {
        self.extend(Role::Assistant, place, parts);
    }

    /// What a tool gave: what follows each other are the results of one answer's calls.
    pub fn result(&mut self, place: String, result: ToolResult) {
        self.extend(Role::Tool, place, vec![ContentPart::ToolResult(result)]);
    }

    fn extend(&mut self, role: Role, place: String, parts: Vec<ContentPart>) {
        match self.said.last_mut() {
            Some((last, _)) if last.role == role => last.parts.extend(parts),
            _ => self.said.push((Said { role, parts }, place)),
        }
    }

    /// What was read. `list` is the field of the messages; where the request continues something, its first results may be
    /// those of calls before it.
    ///
    /// # Errors
    /// `Invalid` if the last message is not one that is to be answered, or calls and results do not match.
    pub fn finish(mut self, list: &str, continues: bool) -> Result<Gathered> {
        self.check_calls(continues)?;
        let Some((question, place)) = self.said.pop() else {
            let detail =
                "must have a message of the user, or results of tools, that is to be answered";
            return Err(Error::invalid(list, detail));
        };
        if question.role == Role::Assistant {
            let detail = "the last message must be the user's, or have results of tools: answers that were begun elsewhere are not continued";
            return Err(Error::invalid(place, detail));
        }
        let content = match <[ContentPart; 1]>::try_from(question.parts) {
            Ok([ContentPart::Text { text }]) => Content::Text(text),
            Ok(parts) => Content::Parts(parts.into()),
            Err(parts) => Content::Parts(parts),
        };
        // Text that is no message of a list has no fields.
        let content_field = if place == list {
            place.clone()
        } else {
            format!("{place}/content")
        };
        Ok(Gathered {
            system: (!self.system.is_empty()).then(|| self.system.join("\n\n")),
            before: self.said.into_iter().map(|(said, _)| said).collect(),
            question: Question::parse(&content_field, content)?,
            place,
        })
    }

    /// What was read, with where each stands in the request, where nothing of it is to be answered. Calls may stand at the
    /// end without results, and the first results may be those of calls before the request.
    ///
    /// # Errors
    /// `Invalid` if calls and results do not match otherwise.
    pub fn said(self) -> Result<Vec<(Said, String)>> {
        self.check_calls(true)?;
        Ok(self.said)
    }

    /// That each call has one result, right after it, and each result a call.
    fn check_calls(&self, continues: bool) -> Result<()> {
        let mut open: HashSet<&str> = HashSet::new();
        for (index, (said, place)) in self.said.iter().enumerate() {
            if said.role != Role::Tool && !open.is_empty() {
                return Err(unanswered(place, &open));
            }
            for part in &said.parts {
                match part {
                    ContentPart::ToolCall(call) => {
                        open.insert(&call.id);
                    }
                    // Whether it answers a stored call is looked at where that is read.
                    ContentPart::ToolResult(result)
                        if !(open.remove(&*result.tool_call_id) || continues && index == 0) =>
                    {
                        let detail = format!(
                            "the result of `{}` must follow the answer with that call, once",
                            result.tool_call_id
                        );
                        return Err(Error::invalid(place, detail));
                    }
                    _ => {}
                }
            }
            if said.role == Role::Tool && !open.is_empty() {
                return Err(unanswered(place, &open));
            }
        }
        Ok(())
    }
}

fn unanswered(place: &str, open: &HashSet<&str>) -> Error {
    let mut ids: Vec<&str> = open.iter().copied().collect();
    ids.sort_unstable();
    let detail = format!(
        "before it the results of these calls are missing: {}",
        ids.join(", ")
    );
    Error::invalid(place, detail)
}
