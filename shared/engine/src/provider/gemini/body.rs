//! A prompt in the words of Google.

use serde_json::{Value, json};
use shared::model::{
    Capability, ContentPart, ImageSource, InlineData, Reasoning, ReasoningEffort, ToolCall,
    ToolResult,
};
use shared::{Error, Result};

use super::super::prompt::{OutputFormat, Placed, Prompt, Side, ToolChoice, ToolSpec};

/// From Gemini 3 on a call without a signature is refused. This one stands for calls that another model made.
const NOT_SIGNED: &str = "skip_thought_signature_validator";

/// The body of a request for an answer as a stream.
///
/// Of reasoning only the signature goes back, and only to the model that gave it. The wire has no ids that other
/// models' calls could keep, so a result is told by the name of its tool and by its place.
pub(in super::super) fn body(prompt: &Prompt<'_>) -> Result<Value> {
    let settings = &prompt.settings;
    let mut body = json!({
        "contents": contents(prompt)?,
        "generationConfig": generation(prompt)?,
    });
    if let Some(text) = prompt.system_prompt {
        body["systemInstruction"] = json!({"parts": [{"text": text}]});
    }
    if !settings.tools.is_empty() {
        let tools: Vec<_> = settings.tools.iter().map(tool).collect();
        body["tools"] = json!([{"functionDeclarations": tools}]);
        body["toolConfig"] = json!({"functionCallingConfig": calling(prompt)?});
    }
    Ok(body)
}

fn generation(prompt: &Prompt<'_>) -> Result<Value> {
    let settings = &prompt.settings;
    let mut config = json!({"maxOutputTokens": prompt.max_output_tokens()});
    if let Some(temperature) = settings.temperature {
        config["temperature"] = json!(temperature);
    }
    if let Some(top_p) = settings.top_p {
        config["topP"] = json!(top_p);
    }
    if settings.stop.len() > 5 {
        let detail = "must have at most 5 texts for this provider";
        return Err(Error::invalid("/stop", detail));
    }
    if !settings.stop.is_empty() {
        config["stopSequences"] = json!(settings.stop);
    }
    match &settings.output {
        OutputFormat::Text {} => {}
        OutputFormat::JsonObject {} => config["responseMimeType"] = json!("application/json"),
        // The name is only for us, and the provider sees to every schema.
        OutputFormat::JsonSchema { schema, .. } => {
            config["responseMimeType"] = json!("application/json");
            config["responseJsonSchema"] = schema.clone();
        }
    }
    let effort = settings.reasoning_effort;
    if let Some(effort) = effort.filter(|_| prompt.model.spec().reasons()) {
        config["thinkingConfig"] = thinking(prompt, effort)?;
    }
    Ok(config)
}

fn thinking(prompt: &Prompt<'_>, effort: ReasoningEffort) -> Result<Value> {
    if !prompt.model.spec().can(Capability::Reasoning) {
        let budget = prompt.reasoning_budget(effort)?;
        return Ok(json!({"thinkingBudget": budget, "includeThoughts": budget > 0}));
    }
    if effort == ReasoningEffort::None {
        let detail = "must not be `none`: this model always reasons; `low` is the least";
        return Err(Error::invalid("/reasoning_effort", detail));
    }
    Ok(json!({"thinkingLevel": effort.as_str(), "includeThoughts": true}))
}

fn contents(prompt: &Prompt<'_>) -> Result<Vec<Value>> {
    let mut contents = Vec::new();
    for (side, parts) in prompt.sides() {
        let role = match side {
            Side::User => "user",
            Side::Model => "model",
        };
        let mut written = Vec::new();
        for placed in parts {
            written.extend(part(prompt, placed)?);
        }
        if !written.is_empty() {
            contents.push(json!({"role": role, "parts": written}));
        }
    }
    Ok(contents)
}

fn part(prompt: &Prompt<'_>, placed: Placed<'_>) -> Result<Vec<Value>> {
    Ok(match placed.part {
        ContentPart::Text { text } => vec![json!({"text": text})],
        ContentPart::ImageUrl { image_url } => {
            match image_url.source(&placed.field("/image_url/url"))? {
                ImageSource::Data(data) => vec![inline(data)],
                ImageSource::Url(_) => {
                    let detail = "must be `data:<media type>;base64,<data>` for this provider";
                    return Err(placed.refused("/image_url/url", detail));
                }
            }
        }
        ContentPart::File { file } => {
            let data = InlineData::parse(&placed.field("/file/file_data"), &file.file_data)?;
            // The wire has no place for a name.
            vec![json!({"text": format!("{}:", file.filename)}), inline(data)]
        }
        ContentPart::Reasoning(reasoning) => Vec::from_iter(signature(prompt, reasoning)),
        ContentPart::ToolCall(call) => vec![function_call(prompt, call)],
        ContentPart::ToolResult(result) => vec![function_response(prompt, placed, result)?],
    })
}

fn inline(data: InlineData<'_>) -> Value {
    json!({"inlineData": {"mimeType": data.media_type, "data": data.base64}})
}

fn signature(prompt: &Prompt<'_>, reasoning: &Reasoning) -> Option<Value> {
    let own = reasoning.model == prompt.model.spec().id;
    let signature = reasoning.signature.as_ref().filter(|_| own)?;
    Some(json!({"text": "", "thoughtSignature": signature}))
}

fn function_call(prompt: &Prompt<'_>, call: &ToolCall) -> Value {
    let arguments = call.arguments_object().unwrap_or_default();
    let mut part = json!({"functionCall": {"name": call.name, "args": arguments}});
    let model = prompt.model.spec();
    let own = call.signature.as_ref();
    match own.filter(|signature| signature.model == model.id) {
        Some(signature) => part["thoughtSignature"] = json!(signature.value),
        None if model.name_at_provider().starts_with("gemini-3") => {
            part["thoughtSignature"] = json!(NOT_SIGNED)
        }
        None => {}
    }
    part
}

fn function_response(
    prompt: &Prompt<'_>,
    placed: Placed<'_>,
    result: &ToolResult,
) -> Result<Value> {
    let name = prompt.tool_of(&result.tool_call_id).ok_or_else(|| {
        let detail = "must be the id of a tool call in the messages";
        placed.refused("/tool_call_id", detail)
    })?;
    let response = if result.is_error {
        json!({"error": result.text})
    } else {
        json!({"output": result.text})
    };
    Ok(json!({"functionResponse": {"name": name, "response": response}}))
}

fn tool(tool: &ToolSpec) -> Value {
    let mut declaration = json!({"name": tool.name, "parametersJsonSchema": tool.parameters});
    if let Some(description) = &tool.description {
        declaration["description"] = json!(description);
    }
    declaration
}

/// The wire knows no single strict tool, but modes in which all arguments keep to their schemas.
fn calling(prompt: &Prompt<'_>) -> Result<Value> {
    let tools = &prompt.settings.tools;
    let strict = tools.iter().any(|tool| tool.strict);
    if let Some(index) = tools
        .iter()
        .position(|tool| !tool.strict)
        .filter(|_| strict)
    {
        let detail = "must be the same for all tools for this provider";
        return Err(Error::invalid(format!("/tools/{index}/strict"), detail));
    }
    Ok(match &prompt.settings.tool_choice {
        ToolChoice::Auto if strict => json!({"mode": "VALIDATED"}),
        ToolChoice::Auto => json!({"mode": "AUTO"}),
        ToolChoice::None => json!({"mode": "NONE"}),
        ToolChoice::Required => json!({"mode": "ANY"}),
        ToolChoice::Named(name) => json!({"mode": "ANY", "allowedFunctionNames": [name]}),
    })
}
