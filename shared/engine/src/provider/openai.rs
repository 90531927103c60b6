//! `POST {base_url}/chat/completions` as OpenAI, Ollama, vLLM and llama.cpp speak it.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use shared::error::ProviderFault;
use shared::model::{FinishReason, ProviderSpec, Role, Usage};
use shared::{Error, Result};

use super::{Parser, Part, Prompt, expose, nonsense, url};
use crate::sse::Event;

/// The request for an answer as a stream.
pub(super) fn request(
    http: &reqwest::Client,
    prompt: &Prompt<'_>,
    key: Option<&SecretString>,
) -> reqwest::RequestBuilder {
    let provider = prompt.model.provider();
    let system = prompt
        .system_prompt
        .map(|text| json!({"role": "system", "content": text}));
    let messages = prompt.messages.iter().map(|message| {
        let role = match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        json!({"role": role, "content": message.content})
    });
    let messages: Vec<_> = system.into_iter().chain(messages).collect();
    let mut body = json!({
        "model": prompt.model.spec().id,
        "messages": messages,
        "stream": true,
        "stream_options": {"include_usage": true},
    });
    body[max_tokens_field(provider)] = json!(prompt.model.spec().max_output_tokens);
    authorized(http.post(url(provider, "/chat/completions")), key).json(&body)
}

/// The request for the list of models.
pub(super) fn list_models(
    http: &reqwest::Client,
    provider: &ProviderSpec,
    key: Option<&SecretString>,
) -> reqwest::RequestBuilder {
    authorized(http.get(url(provider, "/models")), key)
}

fn authorized(
    request: reqwest::RequestBuilder,
    key: Option<&SecretString>,
) -> reqwest::RequestBuilder {
    match key {
        Some(key) => request.bearer_auth(expose(key)),
        None => request,
    }
}

/// OpenAI's newer models refuse the name that all other servers know.
fn max_tokens_field(provider: &ProviderSpec) -> &'static str {
    if provider.base_url.starts_with("https://api.openai.com/") {
        "max_completion_tokens"
    } else {
        "max_tokens"
    }
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<ChunkUsage>,
    #[serde(default)]
    error: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u32,
    #[serde(default)]
    delta: Delta,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize, Default)]
struct Delta {
    #[serde(default)]
    content: Option<String>,
}

#[derive(Deserialize)]
struct ChunkUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
}

/// Reads `chat.completion.chunk` events up to `[DONE]`.
#[derive(Default)]
pub(super) struct OpenAi {
    finished: bool,
}

impl Parser for OpenAi {
    fn parse(&mut self, event: &Event) -> Result<Vec<Part>> {
        if event.data.trim() == "[DONE]" {
            return if self.finished {
                Ok(vec![Part::End])
            } else {
                Err(nonsense("the stream is done but no choice has finished"))
            };
        }
        let chunk: Chunk =
            serde_json::from_str(&event.data).map_err(|_| nonsense("an event is not a chunk"))?;
        if chunk.error.is_some() {
            return Err(Error::provider(
                ProviderFault::Unavailable,
                "an error came in the stream",
            ));
        }
        let mut parts = Vec::new();
        for choice in chunk.choices.into_iter().filter(|choice| choice.index == 0) {
            parts.extend(
                choice
                    .delta
                    .content
                    .filter(|text| !text.is_empty())
                    .map(Part::Text),
            );
            if let Some(reason) = choice.finish_reason {
                self.finished = true;
                parts.push(Part::Finish(finish_reason(&reason)));
            }
        }
        parts.extend(chunk.usage.map(|usage| {
            Part::Usage(Usage {
                input_tokens: usage.prompt_tokens,
                output_tokens: usage.completion_tokens,
            })
        }));
        Ok(parts)
    }

    fn is_complete(&self) -> bool {
        self.finished
    }
}

fn finish_reason(reason: &str) -> FinishReason {
    match reason {
        "length" => FinishReason::Length,
        "content_filter" => FinishReason::ContentFilter,
        _ => FinishReason::Stop,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(parser: &mut OpenAi, data: &str) -> Result<Vec<Part>> {
        parser.parse(&Event {
            name: String::new(),
            data: data.to_owned(),
        })
    }

    #[test]
    fn text_finish_and_usage_are_read() {
        let mut parser = OpenAi::default();
        let role = r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#;
        assert_eq!(parse(&mut parser, role).expect("a chunk"), []);
        let text = r#"{"choices":[{"index":0,"delta":{"content":"Hi"}},{"index":1,"delta":{"content":"no"}}]}"#;
        assert_eq!(
            parse(&mut parser, text).expect("a chunk"),
            [Part::Text("Hi".to_owned())]
        );
        assert!(!parser.is_complete());
        let finish = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}"#;
        assert_eq!(
            parse(&mut parser, finish).expect("a chunk"),
            [Part::Finish(FinishReason::Length)]
        );
        let usage =
            r#"{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":1,"total_tokens":8}}"#;
        let expected = Usage {
            input_tokens: 7,
            output_tokens: 1,
        };
        assert_eq!(
            parse(&mut parser, usage).expect("a chunk"),
            [Part::Usage(expected)]
        );
        assert_eq!(parse(&mut parser, "[DONE]").expect("the end"), [Part::End]);
    }

    #[test]
    fn an_error_in_the_stream_is_a_failure() {
        for data in [
            r#"{"error":{"message":"boom"}}"#,
            "<html>",
            "{}x",
            r#"{"choices":"x"}"#,
            "[DONE]",
        ] {
            assert!(parse(&mut OpenAi::default(), data).is_err(), "{data}");
        }
    }

    proptest! {
        #[test]
        fn no_event_makes_it_panic(data in ".{0,200}") {
            if let Ok(parts) = parse(&mut OpenAi::default(), &data) {
                prop_assert!(parts.len() < 10);
            }
        }
    }
}
