//! The rules of a prompt that hold on every wire.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use serde_json::Value;
use shared::model::{Capability, ContentPart, ReasoningEffort, TOOL_NAME_RULE, is_tool_name};
use shared::{Error, Result};

use super::prompt::{OutputFormat, Placed, Prompt, Speaker, ToolChoice, ToolSpec};

/// How many texts may stop a model.
const MAX_STOPS: usize = 8;
/// How many tools a prompt may have.
const MAX_TOOLS: usize = 128;

/// That the prompt keeps the rules and asks nothing that the model can't do.
pub(super) fn check(prompt: &Prompt<'_>) -> Result<()> {
    messages(prompt)?;
    numbers(prompt)?;
    tools(prompt)?;
    format(prompt)?;
    let effort = prompt.settings.reasoning_effort;
    match effort {
        None | Some(ReasoningEffort::None) => Ok(()),
        Some(_) if prompt.model.spec().reasons() => Ok(()),
        Some(_) => Err(unable(
            prompt,
            "/reasoning_effort",
            "reasons before it answers",
        )),
    }
}

fn unable(prompt: &Prompt<'_>, field: &str, ability: &str) -> Error {
    let model = &prompt.model.spec().id;
    let detail = format!(
        "the model {model} is not one that {ability}; leave it out or choose another model"
    );
    Error::invalid(field, detail)
}

fn messages(prompt: &Prompt<'_>) -> Result<()> {
    if prompt.messages.iter().all(|said| said.parts.is_empty()) {
        return Err(Error::invalid("/messages", "must not be empty"));
    }
    for (message, said) in prompt.messages.iter().enumerate() {
        for (index, part) in said.parts.iter().enumerate() {
            let placed = Placed {
                part,
                message,
                index,
            };
            stands_right(said.speaker, placed)?;
            let image = matches!(part, ContentPart::ImageUrl { .. });
            if image && !prompt.model.spec().can(Capability::Images) {
                return Err(unable(prompt, &placed.field(""), "looks at images"));
            }
            let result = match part {
                ContentPart::ToolResult(result) => result,
                _ => continue,
            };
            if prompt.tool_of(&result.tool_call_id).is_none() {
                let detail = "must be the id of a tool call in the messages";
                return Err(placed.refused("/tool_call_id", detail));
            }
        }
    }
    Ok(())
}

fn stands_right(speaker: Speaker, placed: Placed<'_>) -> Result<()> {
    use ContentPart as P;
    let (right, detail) = match speaker {
        Speaker::User => (
            matches!(
                placed.part,
                P::Text { .. } | P::ImageUrl { .. } | P::File { .. }
            ),
            "a message of the user has text, images and files",
        ),
        Speaker::Assistant => (
            matches!(
                placed.part,
                P::Text { .. } | P::Reasoning(_) | P::ToolCall(_)
            ),
            "a message of the assistant has text, reasoning and tool calls",
        ),
        Speaker::Tool => (
            matches!(placed.part, P::ToolResult(_)),
            "a message of tools has their results",
        ),
    };
    right
        .then_some(())
        .ok_or_else(|| placed.refused("/type", detail))
}

fn numbers(prompt: &Prompt<'_>) -> Result<()> {
    let settings = &prompt.settings;
    within("/temperature", settings.temperature, 0.0..=2.0)?;
    within("/top_p", settings.top_p, 0.0..=1.0)?;
    let most = prompt.model.spec().max_output_tokens;
    let tokens = prompt.max_output_tokens();
    if tokens == 0 || tokens > most {
        let detail = format!("must be from 1 to {most} for this model");
        return Err(Error::invalid("/max_output_tokens", detail));
    }
    if settings.stop.len() > MAX_STOPS {
        let detail = format!("must have at most {MAX_STOPS} texts");
        return Err(Error::invalid("/stop", detail));
    }
    match settings.stop.iter().position(|text| text.is_empty()) {
        Some(index) => Err(Error::invalid(
            format!("/stop/{index}"),
            "must not be empty",
        )),
        None => Ok(()),
    }
}

fn within(field: &str, value: Option<f64>, range: RangeInclusive<f64>) -> Result<()> {
    match value {
        Some(value) if !range.contains(&value) => Err(Error::invalid(
            field,
            format!("must be from {} to {}", range.start(), range.end()),
        )),
        _ => Ok(()),
    }
}

fn tools(prompt: &Prompt<'_>) -> Result<()> {
    let tools = &prompt.settings.tools;
    if !tools.is_empty() && !prompt.model.spec().can(Capability::Tools) {
        return Err(unable(prompt, "/tools", "calls tools"));
    }
    if tools.len() > MAX_TOOLS {
        let detail = format!("must have at most {MAX_TOOLS} tools");
        return Err(Error::invalid("/tools", detail));
    }
    let mut names = HashSet::new();
    for (index, tool) in tools.iter().enumerate() {
        self::tool(index, tool)?;
        if !names.insert(tool.name.as_str()) {
            let field = format!("/tools/{index}/name");
            return Err(Error::invalid(field, "must stand only once"));
        }
    }
    match &prompt.settings.tool_choice {
        ToolChoice::Auto | ToolChoice::None => Ok(()),
        ToolChoice::Required if tools.is_empty() => Err(Error::invalid(
            "/tool_choice",
            "must not be `required` without tools",
        )),
        ToolChoice::Named(name) if !names.contains(name.as_str()) => {
            Err(Error::invalid("/tool_choice", "must name one of the tools"))
        }
        ToolChoice::Required | ToolChoice::Named(_) => Ok(()),
    }
}

fn tool(index: usize, tool: &ToolSpec) -> Result<()> {
    if !is_tool_name(&tool.name) {
        return Err(Error::invalid(
            format!("/tools/{index}/name"),
            TOOL_NAME_RULE,
        ));
    }
    let blank = |text: &String| text.trim().is_empty();
    if tool.description.as_ref().is_some_and(blank) {
        let field = format!("/tools/{index}/description");
        return Err(Error::invalid(field, "must not be blank; leave it out"));
    }
    if tool.parameters["type"] != "object" {
        let field = format!("/tools/{index}/parameters");
        let detail = "must be a JSON Schema whose `type` is `object`";
        return Err(Error::invalid(field, detail));
    }
    Ok(())
}

fn format(prompt: &Prompt<'_>) -> Result<()> {
    let able = prompt.model.spec().can(Capability::StructuredOutput);
    match &prompt.settings.output {
        OutputFormat::Text {} => Ok(()),
        _ if !able => Err(unable(prompt, "/response_format", "keeps to a format")),
        OutputFormat::JsonObject {} => Ok(()),
        OutputFormat::JsonSchema { name, .. } if !is_tool_name(name) => {
            Err(Error::invalid("/response_format/name", TOOL_NAME_RULE))
        }
        OutputFormat::JsonSchema {
            schema: Value::Object(_),
            ..
        } => Ok(()),
        OutputFormat::JsonSchema { .. } => Err(Error::invalid(
            "/response_format/schema",
            "must be a JSON Schema",
        )),
    }
}
