//! Answers of before that are given again, where the settings allow it and exactly the same is asked.

use std::time::{Duration, Instant};

use serde_json::json;
use shared::model::{
    AttemptPurpose, CacheSettings, CachedFrom, ContentPart, FinishReason, Message, Reasoning, Usage,
};
use shared::response_cache::{CacheKey, CachedAnswer};
use shared::store::Pulse;
use shared::{Error, Result};

use crate::collected::{Collected, Counted, Outcome, outcome};
use crate::plan::Candidate;
use crate::provider::{Part, Prompt, Settings, Speaker};
use crate::recorder::Recorder;
use crate::running::Running;

/// To be raised when the same request means something else than before.
const SCHEME: u32 = 2;

impl Running {
    /// The key of what the candidate would be asked, and how old an answer to it may be. `None` where nobody allows that
    /// one is given again.
    pub(crate) async fn cache_key(&self, candidate: &Candidate) -> Option<(CacheKey, Duration)> {
        let max_age = candidate.settings.cache.and_then(CacheSettings::max_age)?;
        let system_prompt = candidate.told(self.conversation.system_prompt.as_deref());
        let prompt = candidate.prompt(&self.asked, system_prompt.as_deref(), &self.trace);
        let cache = &self.engine.app.response_cache;
        let key = async { cache.key(self.store.tenant(), &request(&prompt)?).await };
        match key.await {
            Ok(key) => Some((key, max_age)),
            Err(error) => {
                tracing::warn!(error = ?error, run.id = %self.run.id, "run {} asks without the response cache: {error}", self.run.id);
                None
            }
        }
    }

    pub(crate) async fn answered_before(
        &self,
        key: Option<&(CacheKey, Duration)>,
    ) -> Option<CachedAnswer> {
        let (key, max_age) = key?;
        let cache = &self.engine.app.response_cache;
        cache.get(&self.store, key, *max_age).await
    }

    /// Gives an answer of before as if the candidate gave it now. It used nothing.
    pub(crate) async fn say_again(
        &mut self,
        candidate: &Candidate,
        before: CachedAnswer,
        recorder: &Recorder,
    ) -> (Outcome, Duration, bool) {
        let started = Instant::now();
        let CachedAnswer {
            parts,
            finish_reason,
            run,
            created_at,
        } = before;
        let mut collected = Collected {
            finish_reason: Some(finish_reason),
            usage: Some(Usage::default()),
            cached: Some(CachedFrom { run, created_at }),
            ..Collected::default()
        };
        let model = &candidate.model.spec().id;
        for part in said(parts) {
            self.take(part, model, started, recorder, &mut collected)
                .await;
        }
        let counted = Counted {
            usage: collected.usage,
            estimated: false,
        };
        let latency = started.elapsed();
        let said = collected.parts.bytes() > 0;
        let outcome = outcome(Ok(Pulse::GoOn), collected, &self.tools);
        self.note_attempt(&outcome, latency, counted, AttemptPurpose::Answer);
        (outcome, latency, said)
    }

    /// Keeps an answer for whoever asks the same, if it is whole.
    pub(crate) async fn remember(&self, key: Option<CacheKey>, message: &Message) {
        let (Some(key), Some(answer)) = (key, &message.answer) else {
            return;
        };
        if !matches!(
            answer.finish_reason,
            FinishReason::Stop | FinishReason::ToolCalls
        ) {
            return;
        }
        let answer = CachedAnswer {
            parts: message.all_parts().into_owned(),
            finish_reason: answer.finish_reason,
            run: self.run.id,
            created_at: message.created_at,
        };
        let cache = &self.engine.app.response_cache;
        cache.put(&self.store, &key, &answer).await;
    }
}

/// All that the provider would be asked, in one order of its members.
fn request(prompt: &Prompt<'_>) -> Result<Vec<u8>> {
    let Prompt {
        model,
        trace: _,
        system_prompt,
        messages,
        settings,
    } = prompt;
    let Settings {
        max_output_tokens,
        temperature,
        top_p,
        stop,
        tools,
        tool_choice,
        output,
        one_call,
        reasoning_effort,
    } = settings;
    let provider = model.provider();
    let messages = messages.iter().map(|message| {
        let speaker = match message.speaker {
            Speaker::User => "user",
            Speaker::Assistant => "assistant",
            Speaker::Tool => "tool",
        };
        json!([speaker, message.parts])
    });
    let request = json!({
        "scheme": SCHEME,
        "provider": [provider.name, provider.wire, provider.base_url],
        "model": model.spec().id,
        "system_prompt": system_prompt,
        "messages": messages.collect::<Vec<_>>(),
        "max_output_tokens": max_output_tokens,
        "temperature": temperature,
        "top_p": top_p,
        "stop": stop,
        "tools": tools,
        "tool_choice": tool_choice,
        "output": output,
        "one_call": one_call,
        "reasoning_effort": reasoning_effort,
    });
    serde_json::to_vec(&request).map_err(Error::internal)
}

/// The pieces of which an answer was put together.
fn said(parts: Vec<ContentPart>) -> Vec<Part> {
    let mut pieces = Vec::new();
    let mut calls = 0..;
    for part in parts {
        match part {
            ContentPart::Text { text } => pieces.push(Part::Text(text)),
            ContentPart::Reasoning(Reasoning {
                model: _,
                text,
                signature,
                encrypted_content,
            }) => {
                // Text that follows what is encrypted is put to it, so that this comes first.
                pieces.extend(encrypted_content.map(Part::EncryptedReasoning));
                pieces.extend((!text.is_empty()).then_some(Part::Reasoning(text)));
                pieces.extend(signature.map(Part::ReasoningSignature));
            }
            ContentPart::ToolCall(call) => {
                let index = calls.next().unwrap_or_default();
                let (id, name, delta) = (call.id, call.name, call.arguments);
                pieces.push(Part::ToolCall { index, id, name });
                pieces.push(Part::ToolArguments { index, delta });
                let signature = call.signature.map(|signature| signature.value);
                pieces.extend(
                    signature.map(|signature| Part::ToolCallSignature { index, signature }),
                );
            }
            // No model makes them.
            _ => {}
        }
    }
    pieces
}
