//! A response as events: those of its run, in OpenAI's words. The same run gives the same events with the same numbers,
//! whoever asks and when, so that a client goes on from any of them.

use std::borrow::Cow;

use engine::TurnEvent;
use serde_json::{Value, json};
use shared::http::openai::OpenAiFailure;
use shared::http::openai::items::{OutputItem, OutputText, answered, item_id};
use shared::http::openapi::{self, Schemas, collect, events_like, unnamed};
use shared::model::{Message, Run, RunEvent, RunStatus};
use shared::{Error, Result};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use super::super::event_stream::{Frame, Frames};
use super::kept::Kept;
use super::view::{Outcome, ResponseView};

/// The events of a stream, as the document has them.
#[derive(Debug)]
pub(super) enum ResponseStream {}

impl PartialSchema for ResponseStream {
    fn schema() -> RefOr<Schema> {
        let data = json!({
            "type": "object",
            "required": ["type", "sequence_number"],
            "properties": {
                "type": {"type": "string", "description": "The name of the event."},
                "sequence_number": {"type": "integer", "minimum": 0, "description": "Its number, for `starting_after`."},
            },
        });
        let named = "OpenAI's event of that name, with what has come.";
        openapi::stream(
            "An event of the stream.",
            [
                events_like(named, r"^response\.[a-z_]+(?:\.[a-z_]+)*$", data),
                unnamed::<OpenAiFailure>("Last: why the stream ends before the response."),
            ],
        )
    }
}

impl ToSchema for ResponseStream {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("OpenAiResponseStream")
    }

    fn schemas(schemas: &mut Schemas) {
        collect::<OpenAiFailure>(schemas);
    }
}

/// An item that is being made.
enum Item {
    Search,
    Thought(String),
    Said(String),
    /// With its number among the calls.
    Called(usize, Value),
}

/// Makes events of a run's events.
pub(super) struct Events {
    run: Run,
    kept: Kept,
    /// The number of the next event.
    next: u64,
    /// The number of the last event that the client has.
    known: Option<u64>,
    items: Vec<Item>,
    frames: Vec<Frame>,
}

impl Events {
    /// The events after that one.
    pub(super) fn new(run: Run, kept: Kept, known: Option<u64>) -> Self {
        Self {
            // The first event comes when it is begun, whatever it was when somebody asked.
            run: Run {
                status: RunStatus::InProgress,
                ..run
            },
            kept,
            next: 0,
            known,
            items: Vec::new(),
            frames: Vec::new(),
        }
    }

    fn emit(&mut self, name: &str, mut data: Value) {
        let number = self.next;
        self.next += 1;
        if self.known.is_some_and(|known| number <= known) {
            return;
        }
        data["type"] = json!(name);
        data["sequence_number"] = json!(number);
        self.frames.push(Frame::named(name, &data));
    }

    fn response(&self, outcome: &Outcome) -> ResponseView {
        let searched = self.items.iter().any(|item| matches!(item, Item::Search));
        ResponseView::new(&self.run, &self.kept, outcome, searched)
    }

    /// Where an item stands.
    fn at(&self, index: usize) -> Value {
        json!({"item_id": self.id(index), "output_index": index})
    }

    /// How many items come before those of the message.
    fn searches(&self) -> usize {
        usize::from(matches!(self.items.first(), Some(Item::Search)))
    }

    fn id(&self, index: usize) -> String {
        let prefix = match self.items.get(index) {
            Some(Item::Search) => "fs",
            Some(Item::Thought(_)) => "rs",
            Some(Item::Called(..)) => "fc",
            Some(Item::Said(_)) | None => "msg",
        };
        // What was searched is no part of the message: the items of the message count from its first.
        item_id(
            prefix,
            self.run.answer,
            index.saturating_sub(self.searches()),
        )
    }

    fn going_on(&mut self, event: &RunEvent) -> Result<()> {
        let data: Value = serde_json::from_str(&event.data).map_err(Error::internal)?;
        let text = data["content"].as_str().unwrap_or_default();
        match event.name.as_str() {
            "start" => {
                let response = self.response(&Outcome::Going);
                self.emit("response.created", json!({"response": response}));
                self.emit("response.in_progress", json!({"response": response}));
            }
            "retrieval" => self.searched(),
            "delta" => self.said(text),
            "reasoning" => self.thought(text),
            "tool_call" => self.called(&data),
            "tool_arguments" => self.arguments(&data, text),
            // It comes before all text, because a run of this API does not begin anew after that.
            "switch" => data["model"]
                .as_str()
                .unwrap_or_default()
                .clone_into(&mut self.run.model),
            _ => {}
        }
        Ok(())
    }

    fn searched(&mut self) {
        let index = self.items.len();
        self.items.push(Item::Search);
        let item = OutputItem::search(self.run.answer, &self.kept.queries);
        let mut begun = json!(item);
        begun["status"] = json!("in_progress");
        self.emit(
            "response.output_item.added",
            json!({"output_index": index, "item": begun}),
        );
        for name in ["in_progress", "searching", "completed"] {
            let data = self.at(index);
            self.emit(&format!("response.file_search_call.{name}"), data);
        }
        self.emit(
            "response.output_item.done",
            json!({"output_index": index, "item": item}),
        );
    }

    fn said(&mut self, more: &str) {
        if !matches!(self.items.last(), Some(Item::Said(_))) {
            self.end_last();
            self.items.push(Item::Said(String::new()));
            let index = self.items.len() - 1;
            let item = json!({
                "type": "message", "id": self.id(index), "status": "in_progress",
                "role": "assistant", "content": [],
            });
            self.emit(
                "response.output_item.added",
                json!({"output_index": index, "item": item}),
            );
            let part = OutputText::new(String::new());
            self.part("response.content_part.added", index, &json!({"part": part}));
        }
        if let Some(Item::Said(text)) = self.items.last_mut() {
            text.push_str(more);
        }
        let index = self.items.len() - 1;
        let delta = json!({"delta": more, "logprobs": []});
        self.part("response.output_text.delta", index, &delta);
    }

    fn thought(&mut self, more: &str) {
        if !matches!(self.items.last(), Some(Item::Thought(_))) {
            self.end_last();
            self.items.push(Item::Thought(String::new()));
            let index = self.items.len() - 1;
            let item =
                json!({"type": "reasoning", "id": self.id(index), "summary": [], "content": []});
            self.emit(
                "response.output_item.added",
                json!({"output_index": index, "item": item}),
            );
        }
        if let Some(Item::Thought(text)) = self.items.last_mut() {
            text.push_str(more);
        }
        let index = self.items.len() - 1;
        self.part(
            "response.reasoning_text.delta",
            index,
            &json!({"delta": more}),
        );
    }

    fn called(&mut self, data: &Value) {
        self.end_last();
        let index = self.items.len();
        let call = json!({
            "type": "function_call", "call_id": data["id"], "name": data["name"],
            "arguments": "", "status": "in_progress",
        });
        let number = data["index"].as_u64().unwrap_or_default();
        self.items.push(Item::Called(
            usize::try_from(number).unwrap_or_default(),
            call.clone(),
        ));
        let mut item = call;
        item["id"] = json!(self.id(index));
        self.emit(
            "response.output_item.added",
            json!({"output_index": index, "item": item}),
        );
    }

    fn arguments(&mut self, data: &Value, more: &str) {
        let wanted = data["index"].as_u64();
        let found = self.items.iter().position(
            |item| matches!(item, Item::Called(number, _) if Some(*number as u64) == wanted),
        );
        let Some(index) = found else { return };
        if let Some(Item::Called(_, call)) = self.items.get_mut(index) {
            let before = call["arguments"].as_str().unwrap_or_default();
            call["arguments"] = json!(format!("{before}{more}"));
        }
        let mut data = self.at(index);
        data["delta"] = json!(more);
        self.emit("response.function_call_arguments.delta", data);
    }

    /// An event about the one part of an item.
    fn part(&mut self, name: &str, index: usize, more: &Value) {
        let mut data = self.at(index);
        data["content_index"] = json!(0);
        if let (Some(data), Some(more)) = (data.as_object_mut(), more.as_object()) {
            data.extend(more.clone());
        }
        self.emit(name, data);
    }

    /// Ends what the model thought, because something else follows. Text and calls are ended when it is known how the
    /// answer ends.
    fn end_last(&mut self) {
        let Some(index) = self.items.len().checked_sub(1) else {
            return;
        };
        if let Some(Item::Thought(text)) = self.items.get(index) {
            let text = json!({"text": text});
            self.part("response.reasoning_text.done", index, &text);
        }
    }

    /// Ends all items as they are in the stored answer, and the response.
    fn done(&mut self, message: Message) {
        if matches!(self.items.last(), Some(Item::Thought(_))) {
            self.end_last();
        }
        let searches = self.searches();
        let made = answered(&message, self.kept.encrypted);
        for (index, item) in made.into_iter().enumerate() {
            self.end(index + searches, &item);
        }
        let response = self.response(&Outcome::Answered(Box::new(message)));
        let name = match response.status {
            "completed" => "response.completed",
            "failed" => "response.failed",
            _ => "response.incomplete",
        };
        self.emit(name, json!({"response": response}));
    }

    fn end(&mut self, index: usize, item: &OutputItem) {
        match item {
            OutputItem::Message { content, .. } => {
                for text in content {
                    let whole = json!({"text": text.text, "logprobs": []});
                    self.part("response.output_text.done", index, &whole);
                    for (place, annotation) in text.annotations.iter().enumerate() {
                        let data = json!({"annotation_index": place, "annotation": annotation});
                        self.part("response.output_text.annotation.added", index, &data);
                    }
                    self.part("response.content_part.done", index, &json!({"part": text}));
                }
            }
            OutputItem::FunctionCall {
                id,
                name,
                arguments,
                ..
            } => {
                let data = json!({
                    "item_id": id, "output_index": index, "name": name, "arguments": arguments,
                });
                self.emit("response.function_call_arguments.done", data);
            }
            OutputItem::Reasoning { .. } | OutputItem::FileSearchCall { .. } => {}
        }
        self.emit(
            "response.output_item.done",
            json!({"output_index": index, "item": item}),
        );
    }

    fn failed(&mut self, outcome: &Outcome) {
        let response = self.response(outcome);
        let name = match outcome {
            Outcome::Cancelled => "response.incomplete",
            _ => "response.failed",
        };
        self.emit(name, json!({"response": response}));
    }
}

impl Frames for Events {
    fn frames(&mut self, event: TurnEvent) -> Vec<Frame> {
        match event {
            TurnEvent::Event(event) => {
                if let Err(error) = self.going_on(&event) {
                    return vec![Frame::error(&error)];
                }
            }
            TurnEvent::Done(_, message) => self.done(*message),
            TurnEvent::Failed(event, _) => self.failed(&Outcome::of_problem(&event.data)),
            // The run goes on: the client can go on from where it was.
            TurnEvent::Cut(error) => return vec![Frame::error(&error)],
        }
        std::mem::take(&mut self.frames)
    }
}
