//! A prompt in the words of OpenAI.

use serde_json::{Value, json};
use shared::Result;
use shared::model::{ContentPart, MaxTokensField, ProviderSpec, ToolResult};

use super::super::prompt::{
    OutputFormat, Placed, Prompt, PromptMessage, Speaker, ToolChoice, ToolSpec,
};

/// The body of a request for an answer as a stream.
///
/// Reasoning goes back only within the answer that is going on, and not to OpenAI, whose wire has no place for
/// it: the servers that want it back want no more than that.
pub(in super::super) fn body(prompt: &Prompt<'_>) -> Result<Value> {
    let settings = &prompt.settings;
    let provider = prompt.model.provider();
    let mut body = json!({
        "model": prompt.model.spec().name_at_provider(),
        "messages": messages(prompt)?,
        "stream": true,
        "stream_options": {"include_usage": true},
    });
    body[max_tokens_field(provider)] = json!(prompt.max_output_tokens());
    if let Some(temperature) = settings.temperature {
        body["temperature"] = json!(temperature);
    }
    if let Some(top_p) = settings.top_p {
        body["top_p"] = json!(top_p);
    }
    if !settings.stop.is_empty() {
        body["stop"] = json!(settings.stop);
    }
    if !settings.tools.is_empty() {
        body["tools"] = settings.tools.iter().map(tool).collect();
        body["tool_choice"] = tool_choice(&settings.tool_choice);
        if settings.one_call {
            body["parallel_tool_calls"] = json!(false);
        }
    }
    if let Some(format) = response_format(&settings.output) {
        body["response_format"] = format;
    }
    // To a model that never reasons, not to reason needs no telling.
    if let Some(effort) = settings.reasoning_effort
        && prompt.model.spec().reasons()
    {
        body["reasoning_effort"] = json!(effort.as_str());
    }
    Ok(body)
}

fn is_openai(provider: &ProviderSpec) -> bool {
    provider.base_url.starts_with("https://api.openai.com/")
}

fn max_tokens_field(provider: &ProviderSpec) -> &'static str {
    let by_host = if is_openai(provider) {
        MaxTokensField::MaxCompletionTokens
    } else {
        MaxTokensField::MaxTokens
    };
    match provider.max_tokens_field.unwrap_or(by_host) {
        MaxTokensField::MaxTokens => "max_tokens",
        MaxTokensField::MaxCompletionTokens => "max_completion_tokens",
    }
}

fn messages(prompt: &Prompt<'_>) -> Result<Vec<Value>> {
    let mut messages = Vec::new();
    if let Some(text) = prompt.system_prompt {
        messages.push(json!({"role": "system", "content": text}));
    }
    let asked = |said: &PromptMessage| said.speaker == Speaker::User;
    let newest_question = prompt.messages.iter().rposition(asked);
    for (index, said) in prompt.messages.iter().enumerate() {
        match said.speaker {
            Speaker::User => messages.push(question(index, said)?),
            Speaker::Assistant => {
                let going_on = newest_question.is_none_or(|question| index > question);
                let with_reasoning = going_on && !is_openai(prompt.model.provider());
                messages.push(answer(prompt, said, with_reasoning));
            }
            Speaker::Tool => messages.extend(said.parts.iter().filter_map(|part| match part {
                ContentPart::ToolResult(result) => Some(tool_result(result)),
                _ => None,
            })),
        }
    }
    Ok(messages)
}

fn question(message: usize, said: &PromptMessage) -> Result<Value> {
    if let [ContentPart::Text { text }] = said.parts.as_slice() {
        // Not every server knows content in parts.
        return Ok(json!({"role": "user", "content": text}));
    }
    let parts = said.parts.iter().enumerate();
    let parts = parts.map(|(index, part)| match part {
        ContentPart::Text { text } => Ok(json!({"type": "text", "text": text})),
        ContentPart::ImageUrl { image_url } => {
            Ok(json!({"type": "image_url", "image_url": {"url": image_url.url}}))
        }
        ContentPart::File { file } => Ok(json!({"type": "file", "file": {
            "filename": file.filename, "file_data": file.file_data
        }})),
        _ => {
            let placed = Placed {
                part,
                message,
                index,
            };
            Err(placed.refused("/type", "must be text, an image or a file"))
        }
    });
    let parts: Vec<_> = parts.collect::<Result<_>>()?;
    Ok(json!({"role": "user", "content": parts}))
}

fn answer(prompt: &Prompt<'_>, said: &PromptMessage, with_reasoning: bool) -> Value {
    let (mut text, mut reasoning, mut calls) = (String::new(), String::new(), Vec::new());
    for part in &said.parts {
        match part {
            ContentPart::Text { text: more } => text.push_str(more),
            ContentPart::Reasoning(thought) if thought.model == prompt.model.spec().id => {
                reasoning.push_str(&thought.text);
            }
            ContentPart::ToolCall(call) => calls.push(json!({
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            })),
            _ => {}
        }
    }
    let content = if text.is_empty() && !calls.is_empty() {
        Value::Null
    } else {
        json!(text)
    };
    let mut message = json!({"role": "assistant", "content": content});
    if !calls.is_empty() {
        message["tool_calls"] = json!(calls);
    }
    if with_reasoning && !reasoning.is_empty() {
        message["reasoning_content"] = json!(reasoning);
    }
    message
}

/// The wire has no field for a failure, so its text says so.
fn tool_result(result: &ToolResult) -> Value {
    let text = if result.is_error {
        format!("Error: {}", result.text)
    } else {
        result.text.clone()
    };
    json!({"role": "tool", "tool_call_id": result.tool_call_id, "content": text})
}

fn tool(tool: &ToolSpec) -> Value {
    let mut function = json!({"name": tool.name, "parameters": tool.parameters});
    if let Some(description) = &tool.description {
        function["description"] = json!(description);
    }
    if tool.strict {
        function["strict"] = json!(true);
    }
    json!({"type": "function", "function": function})
}

fn tool_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => json!("auto"),
        ToolChoice::None => json!("none"),
        ToolChoice::Required => json!("required"),
        ToolChoice::Named(name) => json!({"type": "function", "function": {"name": name}}),
    }
}

fn response_format(output: &OutputFormat) -> Option<Value> {
    match output {
        OutputFormat::Text {} => None,
        OutputFormat::JsonObject {} => Some(json!({"type": "json_object"})),
        OutputFormat::JsonSchema {
            name,
            schema,
            strict,
        } => Some(json!({
            "type": "json_schema",
            "json_schema": {"name": name, "schema": schema, "strict": strict},
        })),
    }
}
