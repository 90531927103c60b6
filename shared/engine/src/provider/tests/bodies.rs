//! How settings and tools are written for each wire, and what is refused there.

use serde_json::json;
use shared::model::ReasoningEffort;

use super::*;

fn tool(name: &str, strict: bool) -> ToolSpec {
    ToolSpec {
        name: name.to_owned(),
        description: Some("Looks.".to_owned()),
        parameters: json!({"type": "object"}),
        strict,
    }
}

fn settings() -> Settings {
    Settings {
        max_output_tokens: Some(500),
        temperature: Some(0.5),
        top_p: Some(0.75),
        stop: vec!["END".to_owned()],
        tools: vec![tool("f", true)],
        tool_choice: ToolChoice::Named("f".to_owned()),
        ..Settings::default()
    }
}

fn schema() -> Settings {
    Settings {
        output: OutputFormat::JsonSchema {
            name: "answer".to_owned(),
            schema: json!({"type": "object"}),
            strict: true,
        },
        ..Settings::default()
    }
}

fn effort(effort: ReasoningEffort) -> Settings {
    Settings {
        reasoning_effort: Some(effort),
        ..Settings::default()
    }
}

fn all(wire: &str) -> Model {
    model(
        wire,
        "m",
        &["tools", "images", "structured_output", "reasoning"],
    )
}

fn body(model: &Model, settings: Settings) -> Value {
    body_of(model, hello(), settings).expect("a body")
}

#[test]
fn settings_and_tools_are_written_for_openai() {
    let function = json!({"name": "f", "description": "Looks.", "parameters": {"type": "object"}, "strict": true});
    let expected = json!({
        "model": "m",
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": true,
        "stream_options": {"include_usage": true},
        "max_tokens": 500,
        "temperature": 0.5,
        "top_p": 0.75,
        "stop": ["END"],
        "tools": [{"type": "function", "function": function}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
    });
    assert_eq!(body(&all("openai"), settings()), expected);
}

#[test]
fn settings_and_tools_are_written_for_anthropic() {
    let expected = json!({
        "model": "m",
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": true,
        "max_tokens": 500,
        "temperature": 0.5,
        "top_p": 0.75,
        "stop_sequences": ["END"],
        "tools": [{"name": "f", "description": "Looks.", "input_schema": {"type": "object"}, "strict": true}],
        "tool_choice": {"type": "tool", "name": "f"},
    });
    assert_eq!(body(&all("anthropic"), settings()), expected);
}

#[test]
fn settings_and_tools_are_written_for_gemini() {
    let declaration =
        json!({"name": "f", "description": "Looks.", "parametersJsonSchema": {"type": "object"}});
    let expected = json!({
        "contents": [{"role": "user", "parts": [{"text": "Hello"}]}],
        "generationConfig": {"maxOutputTokens": 500, "temperature": 0.5, "topP": 0.75, "stopSequences": ["END"]},
        "tools": [{"functionDeclarations": [declaration]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
    });
    assert_eq!(body(&all("gemini"), settings()), expected);
}

#[test]
fn settings_and_tools_are_written_for_bedrock() {
    let spec = json!({"name": "f", "description": "Looks.", "inputSchema": {"json": {"type": "object"}}, "strict": true});
    let expected = json!({
        "messages": [{"role": "user", "content": [{"text": "Hello"}]}],
        "inferenceConfig": {"maxTokens": 500, "temperature": 0.5, "topP": 0.75, "stopSequences": ["END"]},
        "toolConfig": {"tools": [{"toolSpec": spec}], "toolChoice": {"tool": {"name": "f"}}},
    });
    assert_eq!(body(&all("bedrock"), settings()), expected);
}

#[test]
fn whether_a_tool_must_be_called_is_told() {
    let choice = |wire: &str, tool_choice: ToolChoice| {
        let settings = Settings {
            tools: vec![tool("f", false)],
            tool_choice,
            ..Settings::default()
        };
        let body = body(&all(wire), settings);
        match wire {
            "gemini" => body["toolConfig"]["functionCallingConfig"]["mode"].clone(),
            "bedrock" => body["toolConfig"]["toolChoice"].clone(),
            _ => body["tool_choice"].clone(),
        }
    };
    for (wire, auto, none, required) in [
        ("openai", json!("auto"), json!("none"), json!("required")),
        (
            "anthropic",
            json!({"type": "auto"}),
            json!({"type": "none"}),
            json!({"type": "any"}),
        ),
        ("gemini", json!("AUTO"), json!("NONE"), json!("ANY")),
        (
            "bedrock",
            json!({"auto": {}}),
            Value::Null,
            json!({"any": {}}),
        ),
    ] {
        assert_eq!(choice(wire, ToolChoice::Auto), auto);
        assert_eq!(choice(wire, ToolChoice::None), none);
        assert_eq!(choice(wire, ToolChoice::Required), required);
    }
}

#[test]
fn the_format_of_an_answer_is_told() {
    let openai = body(&all("openai"), schema())["response_format"].clone();
    let definition = json!({"name": "answer", "schema": {"type": "object"}, "strict": true});
    assert_eq!(
        openai,
        json!({"type": "json_schema", "json_schema": definition})
    );
    let anthropic = body(&all("anthropic"), schema())["output_config"].clone();
    assert_eq!(
        anthropic,
        json!({"format": {"type": "json_schema", "schema": {"type": "object"}}})
    );
    let gemini = body(&all("gemini"), schema())["generationConfig"].clone();
    assert_eq!(gemini["responseMimeType"], "application/json");
    assert_eq!(gemini["responseJsonSchema"], json!({"type": "object"}));
    let bedrock = body(&all("bedrock"), schema())["outputConfig"].clone();
    let definition = json!({"name": "answer", "schema": "{\"type\":\"object\"}"});
    let format = json!({"type": "json_schema", "structure": {"jsonSchema": definition}});
    assert_eq!(bedrock, json!({"textFormat": format}));

    let object = || Settings {
        output: OutputFormat::JsonObject {},
        ..Settings::default()
    };
    assert_eq!(
        body(&all("openai"), object())["response_format"],
        json!({"type": "json_object"})
    );
    assert_eq!(
        body(&all("gemini"), object())["generationConfig"]["responseMimeType"],
        "application/json"
    );
    for wire in ["anthropic", "bedrock"] {
        let refused = body_of(&all(wire), hello(), object());
        assert_eq!(refused_field(refused), "/response_format/type", "{wire}");
    }
}

#[test]
fn how_much_a_model_thinks_is_told_as_it_takes_it() {
    use ReasoningEffort::{High, Low, None};
    let budget = |wire: &str, id: &str, level: ReasoningEffort| {
        body(&model(wire, id, &["reasoning_budget"]), effort(level))
    };
    assert_eq!(body(&all("openai"), effort(Low))["reasoning_effort"], "low");
    let adaptive = body(&all("anthropic"), effort(High));
    assert_eq!(adaptive["thinking"], json!({"type": "adaptive"}));
    assert_eq!(adaptive["output_config"], json!({"effort": "high"}));
    let counted = budget("anthropic", "m", High);
    assert_eq!(
        counted["thinking"],
        json!({"type": "enabled", "budget_tokens": 8000})
    );
    assert_eq!(
        budget("anthropic", "m", None)["thinking"],
        json!({"type": "disabled"})
    );
    let level = body(&all("gemini"), effort(High))["generationConfig"]["thinkingConfig"].clone();
    assert_eq!(
        level,
        json!({"thinkingLevel": "high", "includeThoughts": true})
    );
    let thinking =
        |level| budget("gemini", "m", level)["generationConfig"]["thinkingConfig"].clone();
    assert_eq!(
        thinking(Low),
        json!({"thinkingBudget": 2000, "includeThoughts": true})
    );
    assert_eq!(
        thinking(None),
        json!({"thinkingBudget": 0, "includeThoughts": false})
    );
    let claude = budget("bedrock", "anthropic.claude", Low);
    let expected = json!({"thinking": {"type": "enabled", "budget_tokens": 2000}});
    assert_eq!(claude["additionalModelRequestFields"], expected);
    let gpt = body(
        &model("bedrock", "openai.gpt-oss", &["reasoning"]),
        effort(Low),
    );
    assert_eq!(
        gpt["additionalModelRequestFields"],
        json!({"reasoning_effort": "low"})
    );
    // Who never reasons need not be told not to.
    for wire in ["openai", "anthropic", "gemini", "bedrock"] {
        let plain = model(wire, "m", &[]);
        assert_eq!(
            body(&plain, effort(None)),
            body(&plain, Settings::default()),
            "{wire}"
        );
    }
}

#[test]
fn what_a_wire_has_no_words_for_is_refused_by_its_field() {
    let with = |change: fn(&mut Settings)| {
        let mut settings = Settings::default();
        change(&mut settings);
        settings
    };
    let hot = || with(|settings| settings.temperature = Some(1.5));
    let no_thought = || with(|settings| settings.reasoning_effort = Some(ReasoningEffort::None));
    let six_stops = || with(|settings| settings.stop = vec!["x".to_owned(); 6]);
    let mixed = || with(|settings| settings.tools = vec![tool("a", true), tool("b", false)]);
    let forced = || Settings {
        tools: vec![tool("f", false)],
        tool_choice: ToolChoice::Required,
        ..effort(ReasoningEffort::Low)
    };
    let cool = || Settings {
        temperature: Some(0.5),
        ..effort(ReasoningEffort::Low)
    };
    let short = || Settings {
        max_output_tokens: Some(1024),
        ..effort(ReasoningEffort::Low)
    };
    let budget = |wire| model(wire, "anthropic.claude", &["tools", "reasoning_budget"]);
    for (model, settings, field) in [
        (all("anthropic"), hot(), "/temperature"),
        (all("bedrock"), hot(), "/temperature"),
        (all("gemini"), no_thought(), "/reasoning_effort"),
        (
            all("bedrock"),
            effort(ReasoningEffort::Low),
            "/reasoning_effort",
        ),
        (all("gemini"), six_stops(), "/stop"),
        (all("gemini"), mixed(), "/tools/1/strict"),
        (budget("anthropic"), forced(), "/tool_choice"),
        (budget("bedrock"), forced(), "/tool_choice"),
        (budget("anthropic"), cool(), "/temperature"),
        (budget("bedrock"), cool(), "/temperature"),
        (budget("anthropic"), short(), "/reasoning_effort"),
        (budget("gemini"), short(), "/reasoning_effort"),
    ] {
        let wire = model.provider().wire;
        assert_eq!(
            refused_field(body_of(&model, hello(), settings)),
            field,
            "{wire:?}"
        );
    }
}

#[test]
fn the_limit_of_an_answer_has_the_name_that_the_server_knows() {
    let name = |base_url: &str, field: Option<&str>| {
        let model = provider(json!({
            "name": "p", "wire": "openai", "base_url": base_url, "max_tokens_field": field,
            "models": [{"id": "m", "context_window": 100, "max_output_tokens": 10}],
        }));
        let body = body(&model, Settings::default());
        let names = ["max_tokens", "max_completion_tokens"];
        names.map(|name| body[name].as_u64())
    };
    let (old, new) = ([Some(10), None], [None, Some(10)]);
    assert_eq!(name("https://api.openai.com/v1", None), new);
    assert_eq!(name("https://api.openai.com/v1", Some("max_tokens")), old);
    assert_eq!(name("https://ollama.example/v1", None), old);
    assert_eq!(
        name("https://azure.example/v1", Some("max_completion_tokens")),
        new
    );
}
