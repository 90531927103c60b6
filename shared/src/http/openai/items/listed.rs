//! Messages as items in lists.

use serde::Serialize;
use serde_json::{Value, json};

use super::output::{answered, is_blank, item_id, numbers};
use crate::error::{Error, Result};
use crate::http::openai::{OpenAiList, OpenAiPaging, PageFrom, SortOrder};
use crate::model::{ContentPart, Message, Role};

/// An item in a list.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiListedItem)]
pub struct ListedItem {
    id: String,
    /// The rest of it, by its type: `message`, `function_call`, `function_call_output` or `reasoning`.
    #[serde(flatten)]
    #[schema(value_type = ListedFields)]
    item: Value,
}

/// What an item has beside its id: each type some of it.
#[derive(Debug, utoipa::ToSchema)]
#[schema(as = OpenAiListedFields)]
#[expect(dead_code, reason = "it stands in the OpenAPI document only")]
pub struct ListedFields {
    /// `message`, `function_call`, `function_call_output` or `reasoning`.
    r#type: String,
    /// Of a message: who it is from.
    #[schema(required = false, nullable = false)]
    role: Option<String>,
    /// `completed`, or `incomplete` where an answer was cut.
    #[schema(required = false, nullable = false)]
    status: Option<String>,
    /// Of a message and of what a model thought: its parts.
    #[schema(required = false, nullable = false, value_type = Option<Vec<Object>>)]
    content: Option<Vec<Value>>,
    /// Of what a model thought: always empty.
    #[schema(required = false, nullable = false)]
    summary: Option<Vec<String>>,
    /// Of a call and its output: by which they belong together.
    #[schema(required = false, nullable = false)]
    call_id: Option<String>,
    /// Of a call: the function.
    #[schema(required = false, nullable = false)]
    name: Option<String>,
    /// Of a call: a JSON object as text.
    #[schema(required = false, nullable = false)]
    arguments: Option<String>,
    /// Of an output: what the function gave.
    #[schema(required = false, nullable = false)]
    output: Option<String>,
}

impl ListedItem {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// The message without that item of it. `None` if nothing is left.
pub fn without(message: &Message, id: &str) -> Option<Message> {
    let items = listed(message);
    let place = items.iter().position(|item| item.id == id);
    let place = place.filter(|_| items.len() > 1)?;
    let number = numbers(message).nth(place)?;
    let mut parts = message.all_parts().into_owned();
    let mut visible = parts.iter().enumerate().filter(|(_, part)| !is_blank(part));
    let (index, _) = visible.nth(place)?;
    let cited = is_text(&parts[index]) && !parts[index + 1..].iter().any(is_text);
    parts.remove(index);
    let (content, parts) = Message::content_of(parts);
    let mut rest = Message {
        content,
        parts,
        ..message.clone()
    };
    rest.removed.push(u32::try_from(number).ok()?);
    // Citations are of the last text.
    if let (true, Some(answer)) = (cited, &mut rest.answer) {
        answer.citations.clear();
        answer.support = None;
    }
    Some(rest)
}

const fn is_text(part: &ContentPart) -> bool {
    matches!(part, ContentPart::Text { .. })
}

/// A page of items that are all known, oldest first.
///
/// # Errors
/// `Invalid` for a limit that is none, and for a cursor that is no id of theirs.
pub fn page(mut items: Vec<ListedItem>, paging: &OpenAiPaging) -> Result<OpenAiList<ListedItem>> {
    let limit = paging.limit()? as usize;
    if paging.order() == SortOrder::Desc {
        items.reverse();
    }
    let place = |field: &str, id: &str| {
        let found = items.iter().position(|item| item.id == id);
        found.ok_or_else(|| Error::invalid(field, "must be the id of an entry of this list"))
    };
    let (from, to) = match paging.from::<String>()? {
        PageFrom::Beginning => (0, items.len()),
        PageFrom::After(id) => (place("after", &id)? + 1, items.len()),
        PageFrom::Before(id) => {
            let to = place("before", &id)?;
            (to.saturating_sub(limit), to)
        }
    };
    let has_more = to - from > limit || to < items.len();
    let entries: Vec<ListedItem> = items.drain(from..to).take(limit).collect();
    Ok(OpenAiList::new(entries, has_more, |item| item.id.clone()))
}

/// The items of a message, in its order.
pub fn listed(message: &Message) -> Vec<ListedItem> {
    match message.role {
        Role::User => vec![ListedItem {
            id: item_id("msg", message.id, 0),
            item: json!({
                "type": "message", "role": "user", "status": "completed",
                "content": message.all_parts().iter().map(part).collect::<Vec<_>>(),
            }),
        }],
        Role::Assistant => answered(message, false)
            .into_iter()
            .filter_map(|item| {
                let mut item = serde_json::to_value(item).ok()?;
                let id = item.as_object_mut()?.remove("id")?;
                let id = id.as_str()?.to_owned();
                Some(ListedItem { id, item })
            })
            .collect(),
        Role::Tool => {
            let parts = message.all_parts();
            let results = parts.iter().filter_map(|part| match part {
                ContentPart::ToolResult(result) => Some(result),
                _ => None,
            });
            let results = results
                .zip(numbers(message))
                .map(|(result, number)| ListedItem {
                    id: item_id("fco", message.id, number),
                    item: json!({
                        "type": "function_call_output", "call_id": result.tool_call_id,
                        "output": result.text, "status": "completed",
                    }),
                });
            results.collect()
        }
    }
}

fn part(part: &ContentPart) -> Value {
    match part {
        ContentPart::ImageUrl { image_url } => {
            json!({"type": "input_image", "image_url": image_url.url, "detail": "auto"})
        }
        ContentPart::File { file } => json!({
            "type": "input_file", "filename": file.filename, "file_data": file.file_data,
        }),
        ContentPart::Text { text } => json!({"type": "input_text", "text": text}),
        // A person says nothing else.
        ContentPart::Reasoning(_) | ContentPart::ToolCall(_) | ContentPart::ToolResult(_) => {
            Value::Null
        }
    }
}
