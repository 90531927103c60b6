//! A chat completion as chunks.

use std::borrow::Cow;

use engine::TurnEvent;
use serde::Serialize;
use serde_json::{Value, json};
use shared::http::openai::OpenAiFailure;
use shared::http::openapi::{self, Schemas, collect, text_event, unnamed};
use shared::model::{FinishReason, Message, Run, RunEvent};
use shared::{Error, Result};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use super::super::event_stream::{Frame, Frames};
use super::view::{Annotation, UsageView, finish_reason, id};

/// The data of the event after an answer.
const DONE: &str = "[DONE]";

/// A piece of an answer. The last one before `[DONE]` has `usage` and no choices, if that was asked for.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiChatCompletionChunk)]
pub(crate) struct CompletionChunk {
    id: String,
    object: &'static str,
    /// When it was asked, in Unix seconds.
    created: i64,
    /// The model that is asked.
    model: String,
    choices: Vec<ChunkChoice>,
    /// Only in the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<UsageView>>,
}

/// The events of a stream, as the document has them.
#[derive(Debug)]
pub(super) enum ChunkStream {}

impl PartialSchema for ChunkStream {
    fn schema() -> RefOr<Schema> {
        openapi::stream(
            "An event of the stream.",
            [
                unnamed::<CompletionChunk>("A piece of the answer."),
                unnamed::<OpenAiFailure>("Last: why there is no answer."),
                text_event("Last, after the answer.", DONE),
            ],
        )
    }
}

impl ToSchema for ChunkStream {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("OpenAiChunkStream")
    }

    fn schemas(schemas: &mut Schemas) {
        collect::<CompletionChunk>(schemas);
        collect::<OpenAiFailure>(schemas);
    }
}

/// What has come.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiChunkChoice)]
pub(crate) struct ChunkChoice {
    index: u32,
    /// `role`, `content`, `tool_calls` or `annotations`, as they come.
    #[schema(value_type = Object)]
    delta: Value,
    /// Why the model stopped, at the end.
    finish_reason: Option<&'static str>,
}

/// Makes chunks of a run's events.
pub(super) struct Chunks {
    id: String,
    created: i64,
    model: String,
    with_usage: bool,
}

impl Chunks {
    pub(super) fn new(run: &Run, with_usage: bool) -> Self {
        Self {
            id: id(run.id),
            created: run.created_at.unix_seconds(),
            model: run.model.clone(),
            with_usage,
        }
    }

    fn chunk(&self, choices: Vec<ChunkChoice>, usage: Option<UsageView>) -> Frame {
        let chunk = CompletionChunk {
            id: self.id.clone(),
            object: "chat.completion.chunk",
            created: self.created,
            model: self.model.clone(),
            choices,
            usage: self.with_usage.then_some(usage),
        };
        Frame::data(&chunk)
    }

    fn delta(&self, delta: Value, finish_reason: Option<&'static str>) -> Frame {
        let choice = ChunkChoice {
            index: 0,
            delta,
            finish_reason,
        };
        self.chunk(vec![choice], None)
    }

    fn going_on(&mut self, event: &RunEvent) -> Result<Option<Frame>> {
        let data: Value = serde_json::from_str(&event.data).map_err(Error::internal)?;
        let delta = match event.name.as_str() {
            "start" => json!({"role": "assistant", "content": "", "refusal": null}),
            "delta" => json!({"content": data["content"]}),
            "tool_call" => json!({"tool_calls": [{
                "index": data["index"],
                "id": data["id"],
                "type": "function",
                "function": {"name": data["name"], "arguments": ""},
            }]}),
            "tool_arguments" => json!({"tool_calls": [{
                "index": data["index"],
                "function": {"arguments": data["content"]},
            }]}),
            "switch" => {
                data["model"]
                    .as_str()
                    .unwrap_or_default()
                    .clone_into(&mut self.model);
                return Ok(None);
            }
            // OpenAI's chunks have no place for them.
            _ => return Ok(None),
        };
        Ok(Some(self.delta(delta, None)))
    }

    fn done(&self, message: Message) -> Vec<Frame> {
        let answer = message.answer;
        let reason = (answer.as_ref()).map_or(FinishReason::Stop, |answer| answer.finish_reason);
        match reason {
            FinishReason::Cancelled => return vec![Frame::error(&Error::RunCancelled)],
            FinishReason::Interrupted => return vec![Frame::error(&Error::RunInterrupted)],
            _ => {}
        }
        let usage = answer.as_ref().and_then(|answer| answer.usage);
        let citations = answer.map(|answer| answer.citations).unwrap_or_default();
        let mut frames = Vec::new();
        if !citations.is_empty() {
            let citations: Vec<Annotation> = citations.into_iter().map(Annotation::from).collect();
            frames.push(self.delta(json!({"annotations": citations}), None));
        }
        frames.push(self.delta(json!({}), Some(finish_reason(reason))));
        if self.with_usage {
            frames.push(self.chunk(Vec::new(), usage.map(UsageView::from)));
        }
        frames.push(Frame::raw(DONE));
        frames
    }
}

impl Frames for Chunks {
    fn frames(&mut self, event: TurnEvent) -> Vec<Frame> {
        let made = match event {
            TurnEvent::Event(event) => match self.going_on(&event) {
                Ok(frame) => return frame.into_iter().collect(),
                Err(error) => Frame::error(&error),
            },
            TurnEvent::Done(_, message) => return self.done(*message),
            TurnEvent::Failed(_, Some(error)) | TurnEvent::Cut(error) => Frame::error(&error),
            TurnEvent::Failed(event, None) => Frame::failed(&event),
        };
        vec![made]
    }
}
