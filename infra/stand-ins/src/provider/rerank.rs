//! An order of the scripted provider: a document is the better, the more of its words the query has. So it prefers short
//! ones, which no other stage of a search does.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::Script;

/// The best `top_n`, best first, as OpenAI's wire has it at Cohere, Jina, vLLM and llama.cpp.
pub(super) fn openai(body: &Value, script: &Script) -> Value {
    let query = words(&body["query"]);
    let query: HashSet<&String> = query.iter().collect();
    let documents = body["documents"].as_array().into_iter().flatten();
    let scores = documents.map(|document| {
        let words = words(document);
        let known = words.iter().filter(|word| query.contains(word)).count();
        known as f64 / words.len().max(1) as f64
    });
    let mut scores: Vec<(usize, f64)> = scores.enumerate().collect();
    scores.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let most = body["top_n"].as_u64().map(usize::try_from);
    scores.truncate(most.and_then(Result::ok).unwrap_or(usize::MAX));
    let results = scores.iter();
    let results = results.map(|(index, score)| json!({"index": index, "relevance_score": score}));
    let results = results.collect::<Value>();
    let mut answer = json!({"id": "order", "results": script.results.clone().unwrap_or(results)});
    if script.usage {
        answer["usage"] = json!({"total_tokens": 7});
    }
    answer
}

fn words(text: &Value) -> Vec<String> {
    let text = text.as_str().unwrap_or_default().to_lowercase();
    let words = text.split(|sign: char| !sign.is_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}
