//! Verdicts of the scripted provider: what has one word in it is violent, and everything else is harmless.

use serde_json::{Map, Value, json};

use super::Script;

/// What is harmful.
const WORD: &str = "massacre";
/// The categories that OpenAI's models have.
const CATEGORIES: [&str; 13] = [
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
];

/// A verdict for each text, or one for all parts together, as OpenAI gives them.
pub(super) fn openai(body: &Value, script: &Script) -> Value {
    let results = match inputs(body).as_slice() {
        parts @ [Value::Object(_), ..] => json!([verdict(parts)]),
        texts => texts.chunks(1).map(verdict).collect(),
    };
    let results = script.results.clone().unwrap_or(results);
    json!({"id": "modr-scripted", "model": body["model"], "results": results})
}

/// The first text that is judged.
pub(super) fn said(body: &Value) -> String {
    let inputs = inputs(body);
    let mut texts = inputs.iter().filter_map(text);
    texts.next().unwrap_or_default().to_owned()
}

fn inputs(body: &Value) -> Vec<Value> {
    match &body["input"] {
        Value::Array(inputs) => inputs.clone(),
        one => vec![one.clone()],
    }
}

fn text(input: &Value) -> Option<&str> {
    input.as_str().or_else(|| input["text"].as_str())
}

fn verdict(inputs: &[Value]) -> Value {
    let mut texts = inputs.iter().filter_map(text);
    let flagged = texts.any(|text| text.contains(WORD));
    let has = |kind: &str| inputs.iter().any(|input| input["type"] == kind);
    let mut types = Vec::new();
    if !has("image_url") || has("text") {
        types.push("text");
    }
    if has("image_url") {
        types.push("image");
    }
    let of_each = |value: &dyn Fn(bool) -> Value| {
        let named = CATEGORIES.iter().map(|name| {
            let is_it = flagged && *name == "violence";
            ((*name).to_owned(), value(is_it))
        });
        Value::Object(named.collect::<Map<_, _>>())
    };
    json!({
        "flagged": flagged,
        "categories": of_each(&|is_it| json!(is_it)),
        "category_scores": of_each(&|is_it| json!(if is_it { 0.9375 } else { 0.0625 })),
        "category_applied_input_types": of_each(&|_| json!(types)),
    })
}
