//! What is asked in a turn.

use std::collections::HashSet;

use shared::model::{ContentPart, Message, ModelSettings, Question, Role};
use shared::{Error, Result};

use crate::history;
use crate::provider::{OutputFormat, ToolChoice, ToolSpec};

/// How often in a row models may call tools.
const MOST_TOOL_ROUNDS: u32 = 25;

/// What is asked, and of whom.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What the person says, or what tools gave.
    pub question: Question,
    /// The model or route that shall answer, if not the conversation's.
    pub model: Option<String>,
    /// How it shall answer, as far as that is not the conversation's.
    pub settings: ModelSettings,
    /// What it may call.
    pub tools: Vec<ToolSpec>,
    /// Whether it must.
    pub tool_choice: ToolChoice,
    /// Whether it may make only one call at a time.
    pub one_call: bool,
    /// What the text of the answer must be.
    pub output: OutputFormat,
    /// Whether a turn that does not fit the model's window as a whole is refused, whatever settings say.
    pub must_fit: bool,
    /// Whether an answer never begins anew with another model, whatever the route says: for clients that can't take back
    /// what they have got.
    pub begins_once: bool,
}

impl Asked {
    /// How often in a row models have called tools before this question.
    ///
    /// # Errors
    /// `Invalid` if the question has results of tools that nobody called, or not all of them; `Conflict` if that goes on
    /// for too long.
    pub(crate) fn rounds_before(&self, newest: Option<&Message>) -> Result<u32> {
        let question = &self.question;
        if question.role != Role::Tool {
            return Ok(0);
        }
        let newest = newest.filter(|newest| newest.role == Role::Assistant);
        let called = newest.map(|newest| history::calls(&newest.parts));
        let called = called.unwrap_or_default();
        let mut given = HashSet::new();
        for (index, part) in question.parts.iter().enumerate() {
            let ContentPart::ToolResult(result) = part else {
                continue;
            };
            let place = format!("/content/{index}/tool_call_id");
            if !called.contains(&*result.tool_call_id) {
                let detail = "must be the id of a call in the answer before";
                return Err(Error::invalid(place, detail));
            }
            if !given.insert(&*result.tool_call_id) {
                return Err(Error::invalid(place, "must stand only once"));
            }
        }
        if given.len() < called.len() {
            let detail = "must have the results of all calls in the answer before";
            return Err(Error::invalid("/content", detail));
        }
        let rounds = newest.map_or(0, |newest| newest.tool_rounds);
        if rounds >= MOST_TOOL_ROUNDS {
            return Err(Error::Conflict(
                "the model has called tools 25 times in a row and given no answer; send a message of your own",
            ));
        }
        Ok(rounds)
    }
}
