//! Vectors of the scripted provider: three numbers that depend on the text and on what they are for.

use serde_json::{Value, json};

/// The length of the text, its first byte, and 1 if it is to find others.
fn vector(text: &Value, is_query: bool) -> Value {
    let text = text.as_str().unwrap_or_default();
    json!([text.len(), text.as_bytes().first(), u8::from(is_query)])
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Last first: their order is told by their numbers.
pub(super) fn openai(body: &Value) -> Value {
    let texts = list(&body["input"]).enumerate();
    let vectors =
        texts.map(|(index, text)| json!({"index": index, "embedding": vector(text, false)}));
    let mut vectors: Vec<_> = vectors.collect();
    vectors.reverse();
    json!({"object": "list", "data": vectors, "usage": {"prompt_tokens": 5, "total_tokens": 5}})
}

pub(super) fn gemini(body: &Value) -> Value {
    let vectors = list(&body["requests"]).map(|request| {
        let is_query = request["taskType"] == "RETRIEVAL_QUERY";
        let text = &request["content"]["parts"][0]["text"];
        json!({"values": vector(text, is_query)})
    });
    json!({"embeddings": vectors.collect::<Vec<_>>()})
}

/// Titan has one text, Cohere has several.
pub(super) fn bedrock(body: &Value) -> Value {
    if body["inputText"].is_string() {
        let vector = vector(&body["inputText"], false);
        return json!({"embedding": vector, "inputTextTokenCount": 5});
    }
    let is_query = body["input_type"] == "search_query";
    let vectors = list(&body["texts"]).map(|text| vector(text, is_query));
    json!({"embeddings": {"float": vectors.collect::<Vec<_>>()}})
}
