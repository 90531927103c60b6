//! What the scripted provider is told to do.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What the provider does with a request. Times are in milliseconds. The pieces of an answer are what it thinks, what it
/// says, and the fragments of its calls, in this order.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Script {
    /// What it thinks before it answers.
    pub think: Vec<String>,
    /// With what it signs its thoughts. On the wire of Google it signs its first call.
    pub signature: Option<String>,
    /// What it says.
    pub say: Vec<String>,
    /// Says instead what it was sent: the request's body, as JSON.
    pub recite: bool,
    /// The tools that it calls.
    pub calls: Vec<ScriptedCall>,
    /// The pause before the response's head.
    pub head_delay_ms: u64,
    /// The pause before each piece.
    pub delay_ms: u64,
    /// Closes the connection after that many pieces.
    pub cut_after: Option<usize>,
    /// Says nothing more after that many pieces, and keeps the connection open.
    pub stall_after: Option<usize>,
    /// Sends an error event after that many pieces.
    pub error_after: Option<usize>,
    /// Sends something that is not the protocol after that many pieces.
    pub garbage_after: Option<usize>,
    /// Answers with this status and an error document.
    pub status: Option<u16>,
    /// The code of the error, in that document or in the event.
    pub code: Option<String>,
    /// `Retry-After` with that status: seconds, or a date.
    pub retry_after: Option<RetryAfter>,
    /// Answers 200 with a page of HTML.
    pub html: bool,
    /// What it says of documents that it puts into an order, or of what it judges, instead of what it finds.
    pub results: Option<serde_json::Value>,
    /// Why it stops, in the words of OpenAI.
    pub finish: String,
    /// Whether it says what was used.
    pub usage: bool,
    /// What was used.
    pub counts: Counts,
    /// Cuts the bytes into pieces of that size.
    pub split: Option<usize>,
    /// What it does instead the first times that a model is asked this, in their order.
    pub attempts: Vec<Script>,
    /// What it does instead where that model is asked. The wires of Google and Amazon have none in the body.
    pub models: BTreeMap<String, Script>,
}

/// A call of a tool.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedCall {
    /// Its id, `call_<number>` if not set. The wire of Google gets none.
    #[serde(default)]
    pub id: Option<String>,
    /// The tool.
    pub name: String,
    /// The fragments of the arguments. The wire of Google gets them in one.
    #[serde(default)]
    pub arguments: Vec<String>,
}

/// What was used, in tokens.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Counts {
    /// All that was sent.
    pub input: u64,
    /// Of it, what was in the cache.
    pub cached: u64,
    /// Of it, what was written to the cache; only some wires have it.
    pub cache_write: u64,
    /// All that was said; the number of pieces said if not set.
    pub output: Option<u64>,
    /// Of it, what was thought; only some wires have it.
    pub reasoning: u64,
}

/// When to come back.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum RetryAfter {
    /// After that many seconds.
    Seconds(u64),
    /// As it stands here.
    Text(String),
}

impl Default for Script {
    fn default() -> Self {
        Self {
            think: Vec::new(),
            signature: None,
            say: Vec::new(),
            recite: false,
            calls: Vec::new(),
            head_delay_ms: 0,
            delay_ms: 0,
            cut_after: None,
            stall_after: None,
            error_after: None,
            garbage_after: None,
            status: None,
            code: None,
            retry_after: None,
            html: false,
            results: None,
            finish: "stop".to_owned(),
            usage: true,
            counts: Counts::default(),
            split: None,
            attempts: Vec::new(),
            models: BTreeMap::new(),
        }
    }
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            input: 11,
            cached: 0,
            cache_write: 0,
            output: None,
            reasoning: 0,
        }
    }
}

impl Script {
    /// The script that a text is, or one that echoes it.
    pub(super) fn of(said: &str) -> Self {
        serde_json::from_str(said).unwrap_or_else(|_| Self {
            say: vec!["You said: ".to_owned(), said.to_owned()],
            ..Self::default()
        })
    }

    /// What it does where that model is asked, which was asked the same so often before.
    pub(super) fn when(mut self, model: &str, before: usize) -> Self {
        if let Some(script) = self.models.remove(model) {
            return script.when(model, before);
        }
        if before < self.attempts.len() {
            return self.attempts.swap_remove(before);
        }
        self
    }

    pub(super) fn output_tokens(&self) -> u64 {
        let pieces = u64::try_from(self.say.len()).unwrap_or(u64::MAX);
        self.counts.output.unwrap_or(pieces)
    }

    /// Why it stops. Whoever calls tools waits for them.
    pub(super) fn finish(&self) -> &str {
        match self.finish.as_str() {
            "stop" if !self.calls.is_empty() => "tool_calls",
            other => other,
        }
    }

    pub(super) fn code(&self) -> &str {
        self.code.as_deref().unwrap_or("scripted_error")
    }
}

impl ScriptedCall {
    pub(super) fn id(&self, number: usize) -> String {
        self.id.clone().unwrap_or_else(|| format!("call_{number}"))
    }
}
