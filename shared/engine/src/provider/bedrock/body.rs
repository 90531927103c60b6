//! A prompt in the words of Amazon's Converse API.

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
    let mut inference = json!({"maxTokens": prompt.max_output_tokens()});
    if let Some(temperature) = settings.temperature {
        if temperature > 1.0 {
            let detail = "must be from 0 to 1 for this provider";
            return Err(Error::invalid("/temperature", detail));
        }
        inference["temperature"] = json!(temperature);
    }
    if let Some(top_p) = settings.top_p {
        inference["topP"] = json!(top_p);
    }
    if !settings.stop.is_empty() {
        inference["stopSequences"] = json!(settings.stop);
    }
    let mut body = json!({"messages": messages(prompt)?, "inferenceConfig": inference});
    if let Some(text) = prompt.system_prompt {
        body["system"] = json!([{"text": text}]);
    }
    if let Some(config) = tool_config(prompt)? {
        body["toolConfig"] = config;
    }
    match &settings.output {
        OutputFormat::Text {} => {}
        OutputFormat::JsonObject {} => {
            let detail = "this provider knows no `json_object`; use `json_schema`";
            return Err(Error::invalid("/response_format/type", detail));
        }
        // The provider sees to every schema.
        OutputFormat::JsonSchema { name, schema, .. } => {
            let definition = json!({"name": name, "schema": schema.to_string()});
            let structure = json!({"jsonSchema": definition});
            body["outputConfig"] =
                json!({"textFormat": {"type": "json_schema", "structure": structure}});
        }
    }
    let effort = settings.reasoning_effort;
    if let Some(effort) = effort.filter(|_| prompt.model.spec().reasons()) {
        body["additionalModelRequestFields"] = thinking(prompt, effort)?;
    }
    Ok(body)
}

/// Converse has no field for it, so it is written as the maker of the model wants it.
fn thinking(prompt: &Prompt<'_>, effort: ReasoningEffort) -> Result<Value> {
    let model = &prompt.model.spec();
    if model.name_at_provider().contains("openai.") && effort != ReasoningEffort::None {
        return Ok(json!({"reasoning_effort": effort.as_str()}));
    }
    if !model.name_at_provider().contains("anthropic.") {
        let detail = "this provider has no setting for it with this model; leave it out";
        return Err(Error::invalid("/reasoning_effort", detail));
    }
    if effort == ReasoningEffort::None {
        return Ok(json!({"thinking": {"type": "disabled"}}));
    }
    if !matches!(
        prompt.settings.tool_choice,
        ToolChoice::Auto | ToolChoice::None
    ) {
        let detail = "must be `auto` or `none` while the model reasons";
        return Err(Error::invalid("/tool_choice", detail));
    }
    if prompt.settings.temperature.is_some_and(|value| value < 1.0) {
        let detail = "must not be set while the model reasons; leave it or reasoning_effort out";
        return Err(Error::invalid("/temperature", detail));
    }
    if model.can(Capability::Reasoning) {
        return Ok(json!({
            "thinking": {"type": "adaptive"},
            "output_config": {"effort": effort.as_str()},
        }));
    }
    let budget = prompt.reasoning_budget(effort)?;
    Ok(json!({"thinking": {"type": "enabled", "budget_tokens": budget}}))
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
        ContentPart::Text { text } => Some(json!({"text": text})),
        ContentPart::ImageUrl { image_url } => {
            let field = "/image_url/url";
            let ImageSource::Data(data) = image_url.source(&placed.field(field))? else {
                let detail = "must be `data:<media type>;base64,<data>` for this provider";
                return Err(placed.refused(field, detail));
            };
            let format = data.media_type.trim_start_matches("image/");
            let source = json!({"bytes": data.base64});
            Some(json!({"image": {"format": format, "source": source}}))
        }
        ContentPart::File { file } => Some(document(file, placed)?),
        ContentPart::Reasoning(reasoning) => thought(prompt, reasoning),
        ContentPart::ToolCall(call) => Some(json!({"toolUse": {
            "toolUseId": portable_id(&call.id),
            "name": call.name,
            "input": call.arguments_object().unwrap_or_default(),
        }})),
        ContentPart::ToolResult(result) => Some(json!({"toolResult": {
            "toolUseId": portable_id(&result.tool_call_id),
            "content": [{"text": result.text}],
            "status": if result.is_error { "error" } else { "success" },
        }})),
    })
}

fn document(file: &FileData, placed: Placed<'_>) -> Result<Value> {
    let field = "/file/file_data";
    let data = InlineData::parse(&placed.field(field), &file.file_data)?;
    let format = match data.media_type {
        "application/pdf" => "pdf",
        "text/csv" => "csv",
        "text/html" => "html",
        "text/markdown" => "md",
        "text/plain" => "txt",
        "application/msword" => "doc",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => "docx",
        "application/vnd.ms-excel" => "xls",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => "xlsx",
        _ => {
            let detail =
                "must be PDF, CSV, HTML, Markdown, plain text, Word or Excel for this provider";
            return Err(placed.refused(field, detail));
        }
    };
    let document = json!({
        "format": format,
        "name": document_name(&file.filename),
        "source": {"bytes": data.base64},
    });
    Ok(json!({"document": document}))
}

/// Without the signs that the provider refuses in a name.
fn document_name(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-()[]".contains(c);
    let name = name.replace(|c| !allowed(c), " ");
    let words: Vec<_> = name.split_whitespace().collect();
    if words.is_empty() {
        return "file".to_owned();
    }
    words.join(" ")
}

fn thought(prompt: &Prompt<'_>, reasoning: &Reasoning) -> Option<Value> {
    if reasoning.model != prompt.model.spec().id {
        return None;
    }
    if let Some(data) = &reasoning.encrypted_content {
        return Some(json!({"reasoningContent": {"redactedContent": data}}));
    }
    let signature = reasoning.signature.as_ref()?;
    let text = json!({"text": reasoning.text, "signature": signature});
    Some(json!({"reasoningContent": {"reasoningText": text}}))
}

/// The wire can't tell a model to call no tool but by naming none, and it wants tools where some were called.
fn tool_config(prompt: &Prompt<'_>) -> Result<Option<Value>> {
    let settings = &prompt.settings;
    if settings.tools.is_empty() {
        if prompt.has_calls() {
            let detail = "must not be empty for this provider, as tools were called before";
            return Err(Error::invalid("/tools", detail));
        }
        return Ok(None);
    }
    let choice = match &settings.tool_choice {
        ToolChoice::Auto => json!({"auto": {}}),
        ToolChoice::Required => json!({"any": {}}),
        ToolChoice::Named(name) => json!({"tool": {"name": name}}),
        ToolChoice::None if prompt.has_calls() => {
            let detail = "must not be `none` for this provider, as tools were called before";
            return Err(Error::invalid("/tool_choice", detail));
        }
        ToolChoice::None => return Ok(None),
    };
    let tools: Vec<_> = settings.tools.iter().map(tool).collect();
    Ok(Some(json!({"tools": tools, "toolChoice": choice})))
}

fn tool(tool: &ToolSpec) -> Value {
    let mut spec = json!({"name": tool.name, "inputSchema": {"json": tool.parameters}});
    if let Some(description) = &tool.description {
        spec["description"] = json!(description);
    }
    if tool.strict {
        spec["strict"] = json!(true);
    }
    json!({"toolSpec": spec})
}
