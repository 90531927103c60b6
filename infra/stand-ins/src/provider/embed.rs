//! Vectors of the scripted provider: three numbers that depend on the text and on what they are for; of models that are
//! called `words-<dimensions>`, so many that say which words a text has, so that texts with the same words are near.

use serde_json::{Value, json};

/// The length of the text, its first byte, and 1 if it is to find others.
fn vector(text: &Value, is_query: bool) -> Value {
    let text = text.as_str().unwrap_or_default();
    json!([text.len(), text.as_bytes().first(), u8::from(is_query)])
}

/// How many numbers a model gives that looks at words.
fn of_words(model: &Value) -> Option<usize> {
    model.as_str()?.strip_prefix("words-")?.parse().ok()
}

/// Each word counts at a place that its letters say (FNV-1a), and a little everywhere, so that no text has no direction.
fn words(text: &Value, dimensions: usize) -> Value {
    let text = text.as_str().unwrap_or_default().to_lowercase();
    let mut vector = vec![0.01_f64; dimensions];
    for word in text.split(|sign: char| !sign.is_alphanumeric()) {
        if word.is_empty() {
            continue;
        }
        let hash = word.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        vector[usize::try_from(hash % dimensions as u64).unwrap_or(0)] += 1.0;
    }
    let length = vector
        .iter()
        .map(|number| number * number)
        .sum::<f64>()
        .sqrt();
    json!(
        vector
            .iter()
            .map(|number| number / length)
            .collect::<Vec<_>>()
    )
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Last first: their order is told by their numbers.
pub(super) fn openai(body: &Value) -> Value {
    let texts = list(&body["input"]).enumerate();
    let dimensions = of_words(&body["model"]);
    let vectors = texts.map(|(index, text)| {
        let vector = match dimensions {
            Some(dimensions) => words(text, dimensions),
            None => vector(text, false),
        };
        json!({"index": index, "embedding": vector})
    });
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
