//! The part of a turn that goes on whether the client stays or not: the provider's answer, and its storing.

use std::time::{Duration, Instant};

use shared::error::ProviderFault;
use shared::http::{Problem, TraceContext};
use shared::model::{
    Answer, Conversation, FinishReason, MAX_CONTENT_BYTES, Message, MessageId, RequestId, Role,
    Usage,
};
use shared::store::TenantStore;
use shared::{Error, Result};
use tokio::sync::mpsc;

use crate::catalogue::Model;
use crate::context::Window;
use crate::provider::{Completion, OwnKeys, Part, Prompt};
use crate::turn::{Engine, TurnEvent};

/// How long a client may read nothing before it counts as gone.
const CLIENT_PATIENCE: Duration = Duration::from_secs(20);
/// How often the outcome is written again when the table does not take it.
const STORE_ATTEMPTS: u32 = 4;

/// What the task that runs a turn needs.
pub(crate) struct Running {
    pub(crate) engine: Engine,
    pub(crate) store: TenantStore,
    pub(crate) conversation: Conversation,
    pub(crate) question: Message,
    pub(crate) answer_id: MessageId,
    pub(crate) model: Model,
    pub(crate) window: Window,
    pub(crate) deadline: Instant,
    pub(crate) request_id: RequestId,
    pub(crate) trace: TraceContext,
    pub(crate) events: Option<mpsc::Sender<TurnEvent>>,
}

/// An answer as it came, before it is a message.
#[derive(Debug)]
struct Collected {
    text: String,
    finish_reason: FinishReason,
    usage: Option<Usage>,
    first_token: Duration,
    latency: Duration,
}

impl Running {
    /// Runs the turn to its end.
    pub(crate) async fn run(mut self) {
        let started = Instant::now();
        let outcome = self.answer(started).await;
        let event = match outcome {
            Ok(collected) => self.end(collected).await,
            Err(error) => self.fail(error).await,
        };
        self.send(event).await;
    }

    /// Asks the provider and collects what it says.
    async fn answer(&mut self, started: Instant) -> Result<Collected> {
        let window = std::mem::take(&mut self.window);
        let prompt = Prompt::of_texts(
            &self.model,
            &self.trace,
            self.conversation.system_prompt.as_deref(),
            window.into_messages(),
        );
        let mut completion = self.ask(&prompt).await?;
        let (mut text, mut finish_reason, mut usage) = (String::new(), None, None);
        let mut first_token = None;
        loop {
            match completion.next().await? {
                Part::Text(delta) => {
                    first_token.get_or_insert_with(|| started.elapsed());
                    if text.len() + delta.len() > MAX_CONTENT_BYTES {
                        finish_reason = Some(FinishReason::Length);
                        break;
                    }
                    text.push_str(&delta);
                    self.send(TurnEvent::Delta(delta)).await;
                }
                Part::Finish(reason) => finish_reason = Some(reason),
                Part::Usage(counted) => usage = Some(counted),
                Part::End => break,
                // A turn of text has no tools, and shows no reasoning.
                Part::Reasoning(_)
                | Part::ReasoningSignature(_)
                | Part::EncryptedReasoning(_)
                | Part::ToolCall { .. }
                | Part::ToolArguments { .. }
                | Part::ToolCallSignature { .. } => {}
            }
        }
        let latency = started.elapsed();
        if text.trim().is_empty() && finish_reason != Some(FinishReason::ContentFilter) {
            return Err(Error::provider(
                ProviderFault::Nonsense,
                "the answer is empty",
            ));
        }
        let Some(finish_reason) = finish_reason else {
            return Err(Error::provider(
                ProviderFault::Nonsense,
                "the answer has no finish reason",
            ));
        };
        Ok(Collected {
            text,
            finish_reason,
            usage,
            first_token: first_token.unwrap_or(latency),
            latency,
        })
    }

    /// Asks the provider, with the tenant's own keys if it brought some.
    async fn ask(&self, prompt: &Prompt<'_>) -> Result<Completion> {
        let keys = &self.engine.tenant_keys;
        let provider = &prompt.model.provider().name;
        let own = keys.get(&self.store, provider).await?;
        let asked = self.ask_with(own.as_deref(), prompt).await;
        if !is_refused(&asked) {
            return asked;
        }
        // They may have been replaced since they were read.
        let now = keys.read_anew(&self.store, provider).await?;
        if own == now {
            return asked;
        }
        self.ask_with(now.as_deref(), prompt).await
    }

    async fn ask_with(&self, own: Option<&OwnKeys>, prompt: &Prompt<'_>) -> Result<Completion> {
        let providers = &self.engine.providers;
        match own {
            Some(own) => {
                let keys = own.at(self.engine.app.clock.now());
                providers.complete_with(&keys, prompt, self.deadline).await
            }
            None => providers.complete(prompt, self.deadline).await,
        }
    }

    /// Tells the client, as long as there is one.
    async fn send(&mut self, event: TurnEvent) {
        let Some(events) = &self.events else { return };
        if events.send_timeout(event, CLIENT_PATIENCE).await.is_err() {
            tracing::info!(
                request_id = %self.request_id,
                message.id = %self.answer_id,
                "the client of message {} is gone; the answer is finished without it",
                self.answer_id
            );
            self.events = None;
        }
    }

    async fn end(&mut self, collected: Collected) -> TurnEvent {
        let answer = self.message(collected);
        let mut stored = self.store.turn_end(self.conversation.id, &answer).await;
        for attempt in 1..STORE_ATTEMPTS {
            if !matches!(stored, Err(Error::Unavailable(_))) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100 << attempt)).await;
            stored = self.store.turn_end(self.conversation.id, &answer).await;
        }
        match stored {
            Ok(true) => {
                self.log_done(&answer);
                TurnEvent::Done(answer)
            }
            Ok(false) => self.forget().await,
            Err(error) => self.fail(error).await,
        }
    }

    fn message(&self, collected: Collected) -> Message {
        let Collected {
            text,
            finish_reason,
            usage,
            first_token,
            latency,
        } = collected;
        let milliseconds =
            |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Message {
            id: self.answer_id,
            sequence: self.question.sequence + 1,
            parent: Some(self.question.id),
            role: Role::Assistant,
            content: text,
            answer: Some(Answer {
                provider: self.model.provider().name.clone(),
                model: self.model.spec().id.clone(),
                finish_reason,
                usage,
                first_token_ms: milliseconds(first_token),
                latency_ms: milliseconds(latency),
            }),
            failure: None,
            pending_until: None,
            created_at: self.engine.app.clock.now(),
        }
    }

    async fn fail(&mut self, error: Error) -> TurnEvent {
        let now = self.engine.app.clock.now();
        let slug = Problem::slug(&error);
        tracing::error!(
            request_id = %self.request_id,
            trace_id = self.trace.trace_id(),
            conversation.id = %self.conversation.id,
            message.id = %self.question.id,
            provider = self.model.provider().name,
            model = self.model.spec().id,
            problem = slug,
            error = ?error,
            "the turn of message {} failed: {slug}",
            self.question.id
        );
        match self
            .store
            .turn_fail(self.conversation.id, &self.question, slug, now)
            .await
        {
            Ok(true) => TurnEvent::Failed(error),
            Ok(false) => self.forget().await,
            Err(unstored) => {
                // The next turn then waits until this one's time is over.
                tracing::error!(request_id = %self.request_id, error = ?unstored, "the failure could not be stored");
                TurnEvent::Failed(error)
            }
        }
    }

    /// The conversation was deleted while the turn ran: nothing of the turn may stay.
    async fn forget(&mut self) -> TurnEvent {
        if let Err(error) = self
            .store
            .turn_forget(self.conversation.id, &self.question)
            .await
        {
            tracing::error!(
                request_id = %self.request_id,
                message.id = %self.question.id,
                error = ?error,
                "message {} of a deleted conversation could not be deleted",
                self.question.id
            );
        }
        TurnEvent::Failed(Error::NotFound("conversation"))
    }

    fn log_done(&self, message: &Message) {
        let Some(answer) = &message.answer else {
            return;
        };
        tracing::info!(
            request_id = %self.request_id,
            trace_id = self.trace.trace_id(),
            conversation.id = %self.conversation.id,
            message.id = %message.id,
            provider = answer.provider,
            model = answer.model,
            input_tokens = answer.usage.map(|usage| usage.input_tokens),
            output_tokens = answer.usage.map(|usage| usage.output_tokens),
            first_token_ms = answer.first_token_ms,
            latency_ms = answer.latency_ms,
            "answered with message {}",
            message.id
        );
    }
}

fn is_refused(asked: &Result<Completion>) -> bool {
    let refused = |fault: &ProviderFault| *fault == ProviderFault::CredentialRefused;
    matches!(asked, Err(Error::Provider { fault, .. }) if refused(fault))
}
