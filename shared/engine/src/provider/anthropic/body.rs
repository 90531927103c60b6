//! A prompt in the words of Anthropic.

use serde_json::{Value, json};
use shared::model::{
    Capability, ContentPart, FileData, ImageSource, InlineData, Reasoning, ReasoningEffort,
};
use shared::{Error, Result};

use super::super::portable_id;
use super::super::prompt::{OutputFormat, Placed, Prompt, Side, ToolChoice, ToolSpec};

/// The body of a request for an answer as a stream.
///
/// Reasoning goes back only to the model that signed it: no other takes it.
pub(in super::super) fn body(prompt: &Prompt<'_>) -> Result<Value> {
    let settings = &prompt.settings;
    let mut body = json!({
        "model": prompt.model.spec().name_at_provider(),
        "messages": messages(prompt)?,
        "max_tokens": prompt.max_output_tokens(),
        "stream": true,
    });
    if let Some(text) = prompt.system_prompt {
        body["system"] = json!(text);
    }
    if let Some(temperature) = settings.temperature {
        if temperature > 1.0 {
            let detail = "must be from 0 to 1 for this provider";
            return Err(Error::invalid("/temperature", detail));
        }
        body["temperature"] = json!(temperature);
    }
    if let Some(top_p) = settings.top_p {
        body["top_p"] = json!(top_p);
    }
    if !settings.stop.is_empty() {
        body["stop_sequences"] = json!(settings.stop);
    }
    if !settings.tools.is_empty() {
        body["tools"] = settings.tools.iter().map(tool).collect();
        body["tool_choice"] = tool_choice(&settings.tool_choice);
        if settings.one_call && settings.tool_choice != ToolChoice::None {
            body["tool_choice"]["disable_parallel_tool_use"] = json!(true);
        }
    }
    match &settings.output {
        OutputFormat::Text {} => {}
        OutputFormat::JsonObject {} => {
            let detail = "this provider knows no `json_object`; use `json_schema`";
            return Err(Error::invalid("/response_format/type", detail));
        }
        // The name is only for us, and the provider sees to every schema.
        OutputFormat::JsonSchema { schema, .. } => {
            body["output_config"] = json!({"format": {"type": "json_schema", "schema": schema}});
        }
    }
    if let Some(effort) = settings.reasoning_effort {
        think(prompt, effort, &mut body)?;
    }
    Ok(body)
}

fn think(prompt: &Prompt<'_>, effort: ReasoningEffort, body: &mut Value) -> Result<()> {
    let settings = &prompt.settings;
    if !prompt.model.spec().reasons() {
        return Ok(());
    }
    if effort == ReasoningEffort::None {
        body["thinking"] = json!({"type": "disabled"});
        return Ok(());
    }
    if settings.temperature.is_some_and(|value| value < 1.0) {
        let detail = "must not be set while the model reasons; leave it or reasoning_effort out";
        return Err(Error::invalid("/temperature", detail));
    }
    if !matches!(settings.tool_choice, ToolChoice::Auto | ToolChoice::None) {
        let detail = "must be `auto` or `none` while the model reasons";
        return Err(Error::invalid("/tool_choice", detail));
    }
    if prompt.model.spec().can(Capability::Reasoning) {
        body["thinking"] = json!({"type": "adaptive"});
        body["output_config"]["effort"] = json!(effort.as_str());
    } else {
        let budget = prompt.reasoning_budget(effort)?;
        body["thinking"] = json!({"type": "enabled", "budget_tokens": budget});
    }
    Ok(())
}

fn messages(prompt: &Prompt<'_>) -> Result<Vec<Value>> {
    let mut messages = Vec::new();
    for (side, mut parts) in prompt.sides() {
        // The results of tools must stand before anything else that the user says.
        parts.sort_by_key(|placed| !matches!(placed.part, ContentPart::ToolResult(_)));
        let role = match side {
            Side::User => "user",
            Side::Model => "assistant",
        };
        if let [
            Placed {
                part: ContentPart::Text { text },
                ..
            },
        ] = parts.as_slice()
        {
            messages.push(json!({"role": role, "content": text}));
            continue;
        }
        let blocks = parts.iter().map(|placed| block(prompt, *placed));
        let blocks: Vec<_> = blocks.collect::<Result<_>>()?;
        let blocks: Vec<_> = blocks.into_iter().flatten().collect();
        if !blocks.is_empty() {
            messages.push(json!({"role": role, "content": blocks}));
        }
    }
    Ok(messages)
}

/// A part as a block. Nothing for reasoning of another model, and for text without a letter, which is refused.
fn block(prompt: &Prompt<'_>, placed: Placed<'_>) -> Result<Option<Value>> {
    Ok(match placed.part {
        ContentPart::Text { text } if text.trim().is_empty() => None,
        ContentPart::Text { text } => Some(json!({"type": "text", "text": text})),
        ContentPart::ImageUrl { image_url } => {
            let source = match image_url.source(&placed.field("/image_url/url"))? {
                ImageSource::Data(data) => base64(data),
                ImageSource::Url(url) => json!({"type": "url", "url": url}),
            };
            Some(json!({"type": "image", "source": source}))
        }
        ContentPart::File { file } => Some(document(file, placed)?),
        ContentPart::Reasoning(reasoning) => thinking(prompt, reasoning),
        ContentPart::ToolCall(call) => Some(json!({
            "type": "tool_use",
            "id": portable_id(&call.id),
            "name": call.name,
            "input": call.arguments_object().unwrap_or_default(),
        })),
        ContentPart::ToolResult(result) => Some(json!({
            "type": "tool_result",
            "tool_use_id": portable_id(&result.tool_call_id),
            "content": result.text,
            "is_error": result.is_error,
        })),
    })
}

fn base64(data: InlineData<'_>) -> Value {
    json!({"type": "base64", "media_type": data.media_type, "data": data.base64})
}

fn document(file: &FileData, placed: Placed<'_>) -> Result<Value> {
    let field = "/file/file_data";
    let data = InlineData::parse(&placed.field(field), &file.file_data)?;
    let source = match data.media_type {
        "application/pdf" => base64(data),
        "text/plain" => {
            let text = String::from_utf8(data.bytes());
            let text = text.map_err(|_| placed.refused(field, "must be UTF-8"))?;
            json!({"type": "text", "media_type": "text/plain", "data": text})
        }
        _ => {
            let detail = "must be application/pdf or text/plain for this provider";
            return Err(placed.refused(field, detail));
        }
    };
    Ok(json!({"type": "document", "source": source, "title": file.filename}))
}

fn thinking(prompt: &Prompt<'_>, reasoning: &Reasoning) -> Option<Value> {
    if reasoning.model != prompt.model.spec().id {
        return None;
    }
    if let Some(data) = &reasoning.encrypted_content {
        return Some(json!({"type": "redacted_thinking", "data": data}));
    }
    let signature = reasoning.signature.as_ref()?;
    Some(json!({"type": "thinking", "thinking": reasoning.text, "signature": signature}))
}

fn tool(tool: &ToolSpec) -> Value {
    let mut spec = json!({"name": tool.name, "input_schema": tool.parameters});
    if let Some(description) = &tool.description {
        spec["description"] = json!(description);
    }
    if tool.strict {
        spec["strict"] = json!(true);
    }
    spec
}

fn tool_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => json!({"type": "auto"}),
        ToolChoice::None => json!({"type": "none"}),
        ToolChoice::Required => json!({"type": "any"}),
        ToolChoice::Named(name) => json!({"type": "tool", "name": name}),
    }
}
