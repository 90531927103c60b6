//! The events of a run, as they are sent and stored: the same run gives the same bytes, whoever asks and when.

use serde::Serialize;
use shared::http::{MessageView, Problem};
use shared::model::{
    ConversationId, Message, MessageId, RequestId, Retrieval, Run, RunEvent, RunId, RunProblem,
};

use crate::catalogue::Model;

/// The data of the first event, `start`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Start {
    /// The run: GET its events to go on after a connection was lost.
    run_id: RunId,
    /// The conversation.
    conversation_id: ConversationId,
    /// The stored message of the user.
    user_message_id: MessageId,
    /// The id that the answer will have.
    message_id: MessageId,
    /// The request that began the run, for whoever looks it up in the logs.
    request_id: RequestId,
    /// The provider that is asked.
    provider: String,
    /// The model that is asked.
    model: String,
}

/// The data of `delta` events.
#[derive(Debug, Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Delta {
    /// Text that follows the text before.
    pub(crate) content: String,
}

/// The data of `reasoning` events.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReasoningDelta {
    /// What the model thinks, following what it thought before.
    content: String,
}

/// The data of `tool_call` events: a call begins.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ToolCallStart {
    /// The number of the call in this answer, from 0 on.
    index: usize,
    /// By which its result is told from others.
    id: String,
    /// The tool.
    name: String,
}

/// The data of `tool_arguments` events.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ToolArgumentsDelta {
    /// The number of the call.
    index: usize,
    /// JSON text that follows the text before. It is whole and checked when the answer is done.
    content: String,
}

/// The data of `switch` events: a model failed, and another one is asked. What was written until then does not count: the
/// answer begins anew.
#[derive(Debug, Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Switch {
    /// The provider that is asked now.
    pub(crate) provider: String,
    /// The model that is asked now.
    pub(crate) model: String,
    /// Why the one before failed: the type of a problem.
    #[schema(example = "urn:chatter:problem:provider-unavailable")]
    pub(crate) problem: String,
}

/// The first event.
pub(crate) fn start(run: &Run) -> RunEvent {
    let data = Start {
        run_id: run.id,
        conversation_id: run.conversation,
        user_message_id: run.question,
        message_id: run.answer,
        request_id: run.request,
        provider: run.provider.clone(),
        model: run.model.clone(),
    };
    event(0, "start", &data)
}

/// What was found in knowledge bases.
pub(crate) fn retrieval(sequence: u64, found: &Retrieval) -> RunEvent {
    event(sequence, RETRIEVAL, found)
}

/// More text.
pub(crate) fn delta(sequence: u64, content: String) -> RunEvent {
    event(sequence, DELTA, &Delta { content })
}

/// More of what the model thinks.
pub(crate) fn reasoning(sequence: u64, content: String) -> RunEvent {
    event(sequence, "reasoning", &ReasoningDelta { content })
}

/// A tool is called.
pub(crate) fn tool_call(sequence: u64, index: usize, id: &str, name: &str) -> RunEvent {
    let data = ToolCallStart {
        index,
        id: id.to_owned(),
        name: name.to_owned(),
    };
    event(sequence, "tool_call", &data)
}

/// More of a call's arguments.
pub(crate) fn tool_arguments(sequence: u64, index: usize, content: String) -> RunEvent {
    event(
        sequence,
        "tool_arguments",
        &ToolArgumentsDelta { index, content },
    )
}

/// Another model is asked.
pub(crate) fn switch(sequence: u64, to: &Model, problem: &str) -> RunEvent {
    let data = Switch {
        provider: to.provider().name.clone(),
        model: to.spec().id.clone(),
        problem: Problem::type_of(problem),
    };
    event(sequence, SWITCH, &data)
}

/// The name of events that tell that another model is asked.
pub(crate) const SWITCH: &str = "switch";
/// The name of the event that tells what was found in knowledge bases.
pub(crate) const RETRIEVAL: &str = "retrieval";
/// The name of events with text.
pub(crate) const DELTA: &str = "delta";

/// The last event: the answer is stored.
pub(crate) fn done(sequence: u64, conversation: ConversationId, answer: &Message) -> RunEvent {
    let view = MessageView::new(conversation, answer.clone());
    event(sequence, "done", &view)
}

/// The last event: there is no answer.
pub(crate) fn error(sequence: u64, problem: &RunProblem) -> RunEvent {
    RunEvent {
        sequence,
        name: "error".to_owned(),
        data: problem.document.clone(),
    }
}

fn event(sequence: u64, name: &str, data: &impl Serialize) -> RunEvent {
    RunEvent {
        sequence,
        name: name.to_owned(),
        // Structs of strings and numbers can't fail to serialize, and JSON has no line ends.
        data: serde_json::to_string(data).unwrap_or_default(),
    }
}
