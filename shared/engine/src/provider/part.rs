//! Pieces of an answer, the same on every wire.

use shared::Result;
use shared::model::{FinishReason, Usage};

use super::completion::nonsense;

/// How many tools an answer may call. An answer with more is nonsense.
const MAX_TOOL_CALLS: usize = 128;

/// A piece of an answer, in the order in which the model made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text that follows the text before.
    Text(String),
    /// What the model thinks, following what it thought before.
    Reasoning(String),
    /// With it the provider knows the reasoning since the last signature again.
    ReasoningSignature(String),
    /// Reasoning that the provider does not show, but wants back.
    EncryptedReasoning(String),
    /// A call of a tool begins. Calls are numbered from 0 on.
    ToolCall {
        /// The number of the call in this answer.
        index: usize,
        /// By which its result is told from others. It is the provider's, or ours where that has none.
        id: String,
        /// The tool.
        name: String,
    },
    /// More of a call's arguments. Together they are JSON text, `{}` where the model gave none.
    ToolArguments {
        /// The number of the call.
        index: usize,
        /// Text that follows the text before.
        delta: String,
    },
    /// With it the provider knows the call again.
    ToolCallSignature {
        /// The number of the call.
        index: usize,
        /// The signature.
        signature: String,
    },
    /// Why the model stopped.
    Finish(FinishReason),
    /// What it used. A later one replaces an earlier one.
    Usage(Usage),
    /// There is nothing more to come.
    End,
}

/// Numbers the calls of an answer, whatever numbers the provider gives them.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Call>);

#[derive(Debug)]
struct Call {
    /// The provider's number.
    theirs: u64,
    id: String,
    has_arguments: bool,
    closed: bool,
}

impl Calls {
    /// A call begins under the provider's number.
    pub(super) fn begin(&mut self, theirs: u64, id: String, name: String) -> Result<Part> {
        if self.0.len() >= MAX_TOOL_CALLS {
            return Err(nonsense("the answer calls too many tools"));
        }
        if id.is_empty() || name.is_empty() {
            return Err(nonsense("a tool call has no id or no name"));
        }
        let index = self.0.len();
        self.0.push(Call {
            theirs,
            id: id.clone(),
            has_arguments: false,
            closed: false,
        });
        Ok(Part::ToolCall { index, id, name })
    }

    /// More arguments for the latest call with the provider's number.
    pub(super) fn arguments(&mut self, theirs: u64, delta: String) -> Result<Option<Part>> {
        let index = self.latest(theirs);
        let index =
            index.ok_or_else(|| nonsense("arguments for a tool call that has not begun"))?;
        if delta.is_empty() {
            return Ok(None);
        }
        self.0[index].has_arguments = true;
        Ok(Some(Part::ToolArguments { index, delta }))
    }

    /// A call's signature.
    pub(super) fn signature(&self, theirs: u64, signature: String) -> Option<Part> {
        let index = self.latest(theirs)?;
        Some(Part::ToolCallSignature { index, signature })
    }

    /// Nothing more comes for the latest call with that number.
    pub(super) fn close(&mut self, theirs: u64) -> Option<Part> {
        let index = self.latest(theirs)?;
        self.close_at(index)
    }

    /// Nothing more comes for any call.
    pub(super) fn close_all(&mut self) -> Vec<Part> {
        (0..self.0.len())
            .filter_map(|index| self.close_at(index))
            .collect()
    }

    fn close_at(&mut self, index: usize) -> Option<Part> {
        let call = &mut self.0[index];
        let empty = !call.has_arguments && !call.closed;
        call.closed = true;
        let delta = "{}".to_owned();
        empty.then_some(Part::ToolArguments { index, delta })
    }

    fn latest(&self, theirs: u64) -> Option<usize> {
        self.0.iter().rposition(|call| call.theirs == theirs)
    }

    /// The id of the latest call with that number.
    pub(super) fn id(&self, theirs: u64) -> Option<&str> {
        self.latest(theirs).map(|index| self.0[index].id.as_str())
    }

    /// The provider's number of the last call.
    pub(super) fn last(&self) -> Option<u64> {
        self.0.last().map(|call| call.theirs)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Why the model stopped: some servers say `stop` where it waits for tools.
    pub(super) fn finish(&self, reason: FinishReason) -> FinishReason {
        match reason {
            FinishReason::Stop if !self.is_empty() => FinishReason::ToolCalls,
            other => other,
        }
    }
}
