//! `POST {base_url}/v1/messages` as Anthropic speaks it.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use shared::error::ProviderFault;
use shared::model::{FinishReason, ProviderSpec, Role, Usage};
use shared::{Error, Result};

use super::{Parser, Part, Prompt, expose, nonsense, url};
use crate::sse::Event;

/// The version of the protocol.
const VERSION: &str = "2023-06-01";

/// The request for an answer as a stream.
pub(super) fn request(
    http: &reqwest::Client,
    prompt: &Prompt<'_>,
    key: Option<&SecretString>,
) -> reqwest::RequestBuilder {
    let messages: Vec<_> = prompt
        .messages
        .iter()
        .map(|message| {
            let role = match message.role {
                Role::User => "user",
                Role::Assistant => "assistant",
            };
            json!({"role": role, "content": message.content})
        })
        .collect();
    let mut body = json!({
        "model": prompt.model.spec().id,
        "messages": messages,
        "max_tokens": prompt.model.spec().max_output_tokens,
        "stream": true,
    });
    if let Some(text) = prompt.system_prompt {
        body["system"] = json!(text);
    }
    authorized(http.post(url(prompt.model.provider(), "/v1/messages")), key).json(&body)
}

/// The request for the list of models.
pub(super) fn list_models(
    http: &reqwest::Client,
    provider: &ProviderSpec,
    key: Option<&SecretString>,
) -> reqwest::RequestBuilder {
    authorized(http.get(url(provider, "/v1/models")), key)
}

fn authorized(
    request: reqwest::RequestBuilder,
    key: Option<&SecretString>,
) -> reqwest::RequestBuilder {
    let request = request.header("anthropic-version", VERSION);
    match key {
        Some(key) => request.header("x-api-key", expose(key)),
        None => request,
    }
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Chunk {
    MessageStart {
        message: Started,
    },
    ContentBlockDelta {
        delta: BlockDelta,
    },
    MessageDelta {
        delta: MessageChange,
        #[serde(default)]
        usage: Counts,
    },
    MessageStop,
    Error {
        error: ErrorKind,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Started {
    #[serde(default)]
    usage: Counts,
}

#[derive(Deserialize, Default, Clone, Copy)]
struct Counts {
    #[serde(default)]
    input_tokens: Option<u64>,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
    #[serde(default)]
    output_tokens: Option<u64>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum BlockDelta {
    TextDelta {
        text: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct MessageChange {
    #[serde(default)]
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
struct ErrorKind {
    #[serde(rename = "type")]
    kind: String,
}

/// Reads events from `message_start` to `message_stop`.
#[derive(Default)]
pub(super) struct Anthropic {
    input_tokens: Option<u64>,
    stopped: bool,
}

impl Parser for Anthropic {
    fn parse(&mut self, event: &Event) -> Result<Vec<Part>> {
        let chunk: Chunk =
            serde_json::from_str(&event.data).map_err(|_| nonsense("an event is not a message"))?;
        Ok(match chunk {
            Chunk::MessageStart { message } => {
                self.count_input(message.usage);
                Vec::new()
            }
            Chunk::ContentBlockDelta {
                delta: BlockDelta::TextDelta { text },
            } => vec![Part::Text(text)],
            Chunk::MessageDelta { delta, usage } => {
                self.count_input(usage);
                let finish = delta
                    .stop_reason
                    .as_deref()
                    .map(finish_reason)
                    .map(Part::Finish);
                finish.into_iter().chain(self.usage(usage)).collect()
            }
            Chunk::MessageStop => {
                self.stopped = true;
                vec![Part::End]
            }
            Chunk::Error { error } => return Err(fault(&error.kind)),
            Chunk::ContentBlockDelta {
                delta: BlockDelta::Other,
            }
            | Chunk::Other => Vec::new(),
        })
    }

    fn is_complete(&self) -> bool {
        self.stopped
    }
}

impl Anthropic {
    /// What was read from or written to the cache is input too.
    fn count_input(&mut self, counts: Counts) {
        if let Some(fresh) = counts.input_tokens {
            let cached = counts.cache_creation_input_tokens.unwrap_or(0)
                + counts.cache_read_input_tokens.unwrap_or(0);
            self.input_tokens = Some(fresh.saturating_add(cached));
        }
    }

    fn usage(&self, counts: Counts) -> Option<Part> {
        Some(Part::Usage(Usage {
            input_tokens: self.input_tokens?,
            output_tokens: counts.output_tokens?,
        }))
    }
}

fn fault(kind: &str) -> Error {
    let fault = match kind {
        "overloaded_error" | "rate_limit_error" => ProviderFault::Overloaded { retry_after: None },
        "authentication_error" | "permission_error" => ProviderFault::Unauthorized,
        "invalid_request_error" => ProviderFault::Refused,
        "timeout_error" => ProviderFault::TimedOut,
        _ => ProviderFault::Unavailable,
    };
    Error::provider(fault, "an error came in the stream")
}

fn finish_reason(reason: &str) -> FinishReason {
    match reason {
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "refusal" => FinishReason::ContentFilter,
        _ => FinishReason::Stop,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(parser: &mut Anthropic, data: &str) -> Result<Vec<Part>> {
        parser.parse(&Event {
            name: String::new(),
            data: data.to_owned(),
        })
    }

    #[test]
    fn a_stream_is_read_to_its_stop() {
        let mut parser = Anthropic::default();
        let start = r#"{"type":"message_start","message":{"usage":{"input_tokens":10,"cache_read_input_tokens":5,"output_tokens":1}}}"#;
        let thinking = r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"#;
        for quiet in [
            start,
            r#"{"type":"ping"}"#,
            thinking,
            r#"{"type":"content_block_stop","index":0}"#,
        ] {
            assert_eq!(parse(&mut parser, quiet).expect("an event"), [], "{quiet}");
        }
        let text =
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Hi"}}"#;
        assert_eq!(
            parse(&mut parser, text).expect("an event"),
            [Part::Text("Hi".to_owned())]
        );
        let delta = r#"{"type":"message_delta","delta":{"stop_reason":"max_tokens"},"usage":{"output_tokens":3}}"#;
        let usage = Usage {
            input_tokens: 15,
            output_tokens: 3,
        };
        assert_eq!(
            parse(&mut parser, delta).expect("an event"),
            [Part::Finish(FinishReason::Length), Part::Usage(usage)]
        );
        assert!(!parser.is_complete());
        assert_eq!(
            parse(&mut parser, r#"{"type":"message_stop"}"#).expect("an event"),
            [Part::End]
        );
        assert!(parser.is_complete());
    }

    #[test]
    fn an_error_in_the_stream_is_a_failure_of_its_kind() {
        let data = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
        let error = parse(&mut Anthropic::default(), data).expect_err("an error");
        assert!(matches!(
            error,
            Error::Provider {
                fault: ProviderFault::Overloaded { .. },
                ..
            }
        ));
    }

    proptest! {
        #[test]
        fn no_event_makes_it_panic(data in ".{0,200}") {
            if let Ok(parts) = parse(&mut Anthropic::default(), &data) {
                prop_assert!(parts.len() < 10);
            }
        }
    }
}
