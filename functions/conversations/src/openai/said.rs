//! Items of requests as messages.

use std::collections::HashSet;

use shared::http::openai::items::{Gathering, Item, Role, Typed};
use shared::http::openai::unsupported;
use shared::model::{
    Content, ContentPart, MAX_PARTS_BYTES, Message, Question, Role as Speaker, Said,
};
use shared::{Error, Result};

/// How many items one request may have, as at OpenAI.
const MOST_ITEMS: usize = 20;

/// What items say, after that message.
///
/// # Errors
/// `Invalid` with what breaks a rule.
pub(super) fn parsed(items: Vec<Item>, newest: Option<&Message>) -> Result<Vec<Said>> {
    if !(1..=MOST_ITEMS).contains(&items.len()) {
        let detail = format!("must have 1 to {MOST_ITEMS} items");
        return Err(Error::invalid("/items", detail));
    }
    let mut gathering = Gathering::default();
    for (index, item) in items.into_iter().enumerate() {
        let place = format!("/items/{index}");
        possible(&item, &place)?;
        // Nobody says which model thought it, and only that one would get it back.
        item.gather(place, "", &mut gathering)?;
    }
    let said = gathering.said()?;
    let mut checked = Vec::new();
    for (index, (said, place)) in said.into_iter().enumerate() {
        if index == 0 && said.role == Speaker::Tool {
            answers_all(&said, &place, newest)?;
        }
        checked.push(storable(said, &place)?);
    }
    Ok(checked)
}

fn possible(item: &Item, place: &str) -> Result<()> {
    if matches!(item.role(), Some(Role::System | Role::Developer)) {
        return Err(unsupported(
            &format!("{place}/role"),
            "send `instructions` with each response, or set `system_prompt` with PATCH /api/v1/conversations/{conversation_id}",
        ));
    }
    if matches!(item, Item::Typed(Typed::FileSearchCall {})) {
        return Err(unsupported(
            &format!("{place}/type"),
            "leave it out: what was found is in the answer",
        ));
    }
    Ok(())
}

/// That results at the beginning are those of the calls that stand open: of all of them.
fn answers_all(said: &Said, place: &str, newest: Option<&Message>) -> Result<()> {
    let newest = newest.filter(|newest| newest.role == Speaker::Assistant);
    let stored = newest.map(Message::all_parts).unwrap_or_default();
    let called = stored.iter().filter_map(|part| match part {
        ContentPart::ToolCall(call) => Some(call.id.as_str()),
        _ => None,
    });
    let mut open: HashSet<&str> = called.collect();
    for part in &said.parts {
        let ContentPart::ToolResult(result) = part else {
            continue;
        };
        if !open.remove(&*result.tool_call_id) {
            let detail = format!(
                "the result of `{}` must follow the answer with that call, once",
                result.tool_call_id
            );
            return Err(Error::invalid(place, detail));
        }
    }
    if open.is_empty() {
        return Ok(());
    }
    let mut open: Vec<&str> = open.into_iter().collect();
    open.sort_unstable();
    let detail = format!(
        "must come with the results of all calls of that answer; these are missing: {}",
        open.join(", ")
    );
    Err(Error::invalid(place, detail))
}

/// What fits a row, and can be seen as items.
fn storable(said: Said, place: &str) -> Result<Said> {
    if said.role == Speaker::User {
        let content = match <[ContentPart; 1]>::try_from(said.parts) {
            Ok([ContentPart::Text { text }]) => Content::Text(text),
            Ok(parts) => Content::Parts(parts.into()),
            Err(parts) => Content::Parts(parts),
        };
        let Question { role, parts } = Question::parse(place, content)?;
        return Ok(Said { role, parts });
    }
    let blank = |part: &ContentPart| matches!(part, ContentPart::Text { text } if text.is_empty());
    if said.parts.iter().any(blank) {
        return Err(Error::invalid(place, "must not be empty"));
    }
    let bytes = serde_json::to_vec(&said.parts).map_err(Error::internal)?;
    if bytes.len() > MAX_PARTS_BYTES {
        let detail = format!(
            "what follows each other and is one answer, or its results, must have at most {MAX_PARTS_BYTES} bytes of JSON together; this has {}",
            bytes.len()
        );
        return Err(Error::invalid(place, detail));
    }
    Ok(said)
}
