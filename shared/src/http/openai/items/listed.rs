//! Messages as items in lists.

use serde::Serialize;
use serde_json::{Value, json};

use super::output::{answered, item_id, owner};
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
    #[schema(value_type = Object)]
    item: Value,
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

/// How many items a response has before those of its message: the search, which is not among the messages.
pub fn searches(message: &Message) -> usize {
    let answer = message.answer.as_ref();
    usize::from(answer.is_some_and(|answer| answer.support.is_some()))
}

/// The items of a message.
pub fn listed(message: &Message) -> Vec<ListedItem> {
    match message.role {
        Role::User => vec![ListedItem {
            id: item_id("msg", &owner(message), 0),
            item: json!({
                "type": "message", "role": "user", "status": "completed",
                "content": message.all_parts().iter().map(part).collect::<Vec<_>>(),
            }),
        }],
        Role::Assistant => answered(message, searches(message), false)
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
            let results = results.enumerate().map(|(index, result)| ListedItem {
                id: item_id("fco", &owner(message), index),
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
