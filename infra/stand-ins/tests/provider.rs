//! The scripted provider, as whoever asks it sees it.

#![expect(clippy::panic, reason = "a test that can't go on has failed")]

use serde_json::{Value, json};
use stand_ins::provider::ScriptedProvider;

/// The text of an answer on OpenAI's wire.
fn text_of(stream: &str) -> String {
    let events = stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "));
    let chunks = events.filter(|data| *data != "[DONE]");
    let texts = chunks.map(|data| {
        let chunk: Value = serde_json::from_str(data).unwrap_or_else(|_| panic!("{data}"));
        let text = chunk["choices"][0]["delta"]["content"].as_str();
        text.unwrap_or_default().to_owned()
    });
    texts.collect()
}

#[tokio::test]
async fn it_recites_what_it_was_sent() {
    let provider = ScriptedProvider::start().await.expect("a provider");
    let script = json!({"recite": true, "say": ["not this"]}).to_string();
    let sent = json!({
        "model": "scripted",
        "stop": ["END"],
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": script}],
    });
    let url = format!("{}/v1/chat/completions", provider.url);
    let answer = reqwest::Client::new().post(url).json(&sent).send().await;
    let stream = answer.expect("an answer").text().await.expect("a stream");
    let said: Value = serde_json::from_str(&text_of(&stream)).expect("JSON");
    assert_eq!(said, sent);
}
