//! The rules that hold on every wire, and what is beyond a model.

use serde_json::json;
use shared::model::ReasoningEffort;

use super::*;

fn tool(name: &str) -> ToolSpec {
    ToolSpec {
        name: name.to_owned(),
        description: None,
        parameters: json!({"type": "object"}),
        strict: false,
    }
}

fn with(change: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = Settings::default();
    change(&mut settings);
    settings
}

fn with_tools(tools: Vec<ToolSpec>) -> Settings {
    with(|settings| settings.tools = tools)
}

/// The field for which every wire refuses these settings, whatever the model can do.
fn field_everywhere(settings: &Settings) -> String {
    let wires = ["openai", "anthropic", "gemini", "bedrock"];
    let abilities = ["tools", "images", "structured_output", "reasoning"];
    let mut fields = wires.map(|wire| {
        let model = model(wire, "m", &abilities);
        refused_field(body_of(&model, hello(), settings.clone()))
    });
    fields.sort();
    assert_eq!(fields[0], fields[3], "{settings:?}");
    fields[0].clone()
}

#[test]
fn numbers_and_stops_have_their_bounds() {
    for (settings, field) in [
        (with(|s| s.temperature = Some(2.1)), "/temperature"),
        (with(|s| s.temperature = Some(f64::NAN)), "/temperature"),
        (with(|s| s.top_p = Some(-0.1)), "/top_p"),
        (
            with(|s| s.max_output_tokens = Some(0)),
            "/max_output_tokens",
        ),
        (
            with(|s| s.max_output_tokens = Some(10_001)),
            "/max_output_tokens",
        ),
        (with(|s| s.stop = vec!["x".to_owned(); 9]), "/stop"),
        (
            with(|s| s.stop = vec!["x".to_owned(), String::new()]),
            "/stop/1",
        ),
    ] {
        assert_eq!(field_everywhere(&settings), field);
    }
}

#[test]
fn tools_have_names_of_their_own_and_schemas_of_objects() {
    let text = json!({"type": "string"});
    let no_object = ToolSpec {
        parameters: text,
        ..tool("a")
    };
    let blank = ToolSpec {
        description: Some(" ".to_owned()),
        ..tool("a")
    };
    let named = ToolChoice::Named("f".to_owned());
    for (settings, field) in [
        (with_tools(vec![tool("a b")]), "/tools/0/name"),
        (with_tools(vec![tool("a"), tool("a")]), "/tools/1/name"),
        (
            with_tools(vec![tool("a"), no_object]),
            "/tools/1/parameters",
        ),
        (with_tools(vec![blank]), "/tools/0/description"),
        (with_tools(vec![tool("a"); 129]), "/tools"),
        (
            with(|s| s.tool_choice = ToolChoice::Required),
            "/tool_choice",
        ),
        (with(|s| s.tool_choice = named), "/tool_choice"),
    ] {
        assert_eq!(field_everywhere(&settings), field);
    }
}

#[test]
fn a_schema_has_a_name_and_is_one() {
    let format = |name: &str, schema: Value| {
        with(|settings| {
            settings.output = OutputFormat::JsonSchema {
                name: name.to_owned(),
                schema,
                strict: false,
            };
        })
    };
    for (settings, field) in [
        (format("a b", json!({})), "/response_format/name"),
        (format("a", json!("x")), "/response_format/schema"),
    ] {
        assert_eq!(field_everywhere(&settings), field);
    }
}

#[test]
fn what_a_model_can_not_do_is_refused() {
    let plain = model("openai", "m", &[]);
    let image = json!([{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]);
    let tools = with_tools(vec![tool("f")]);
    let object = with(|settings| settings.output = OutputFormat::JsonObject {});
    let effort = with(|settings| settings.reasoning_effort = Some(ReasoningEffort::Low));
    let images = vec![said(Speaker::User, image)];
    for (messages, settings, field) in [
        (hello(), tools, "/tools"),
        (hello(), object, "/response_format"),
        (hello(), effort, "/reasoning_effort"),
        (images, Settings::default(), "/messages/0/content/0"),
        (Vec::new(), Settings::default(), "/messages"),
    ] {
        assert_eq!(refused_field(body_of(&plain, messages, settings)), field);
    }
}

#[test]
fn what_is_refused_can_be_known_before() {
    let model = model("gemini", "m", &["reasoning"]);
    let trace = TraceContext::begin(RequestId::new());
    let mut prompt = Prompt {
        model: &model,
        trace: &trace,
        system_prompt: None,
        messages: hello(),
        settings: Settings::default(),
    };
    prompt.check().expect("it can be asked");
    prompt.settings.reasoning_effort = Some(ReasoningEffort::None);
    assert_eq!(
        refused_field(prompt.check().map(|()| Value::Null)),
        "/reasoning_effort"
    );
}
