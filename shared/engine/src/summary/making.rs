//! Makes a summary at the beginning of a run that needs one.

use std::time::{Duration, Instant};

use shared::error::ProviderFault;
use shared::model::{AttemptPurpose, FinishReason, ReasoningEffort, Summary};
use shared::store::Pulse;
use shared::{Error, Result};

use super::material::Material;
use super::{cut, input_tokens, longest, output_tokens, takes_effort};
use crate::asking::Asking;
use crate::building;
use crate::catalogue::Model;
use crate::collected::{Collected, Outcome, counted, outcome};
use crate::context::{Place, can_be_sent};
use crate::provider::{Part, Prompt, PromptMessage, Settings};
use crate::recorder::Recorder;
use crate::running::Running;
use crate::tools::Tools;

/// How long it may take, because somebody waits for the answer.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Of the time that a turn has left it takes at most one part of so many.
const PART_OF_TIME: u32 = 2;
/// How many bytes of it are read at most for a token that it may have.
const BYTES_PER_TOKEN: u64 = 8;

/// What is to be made.
struct Wanted {
    model: Model,
    before: Option<Summary>,
    until: Place,
    longest: u64,
}

impl Running {
    /// Makes the summary that whoever is asked first needs, so that all are sent it in the place of what it covers.
    /// Without one the turn goes on as well as it can. What it says is why the run shall not go on.
    pub(crate) async fn summarize(&mut self, recorder: &mut Recorder) -> Option<Outcome> {
        let wanted = self.wanted()?;
        let (failures, id) = (self.engine.unsummarized.clone(), self.run.conversation);
        if failures.is_left_alone(id) {
            return None;
        }
        let made = match self.make(&wanted, recorder).await {
            Ok(Ok(made)) => self.keep(made).await,
            Ok(Err(stopped)) => return Some(stopped),
            Err(error) => Err(error),
        };
        match made {
            Ok(summary) => {
                for candidate in &mut self.plan.candidates {
                    candidate.window.summarized(&summary);
                }
            }
            Err(error) => {
                failures.note(id);
                self.log_unsummarized(&error);
            }
        }
        let first = self.plan.candidates.first()?;
        self.run.sent_tokens = first.window.used();
        recorder.sends(self.run.sent_tokens, &self.run.attempts);
        None
    }

    fn wanted(&self) -> Option<Wanted> {
        let first = self.plan.candidates.first()?;
        let (before, until) = first.window.needs_summary()?;
        Some(Wanted {
            model: first.model.clone(),
            before: before.cloned(),
            until,
            longest: longest(first.model.spec().context_window)?,
        })
    }

    /// Asks for it. Inside is why the run shall not go on.
    async fn make(
        &mut self,
        wanted: &Wanted,
        recorder: &mut Recorder,
    ) -> Result<Result<Summary, Outcome>> {
        let (material, complete) = self.material(wanted).await?;
        let mut collected = Collected {
            sent_tokens: material.tokens(),
            ..Collected::default()
        };
        recorder.sends(material.tokens(), &[]);
        let started = Instant::now();
        let answered = self.written(wanted, material, recorder, &mut collected);
        let answered = answered.await;
        let counted = counted(&answered, &collected);
        let outcome = outcome(answered, collected, &Tools::default());
        self.note_attempt(
            &outcome,
            started.elapsed(),
            counted,
            AttemptPurpose::Summary,
        );
        let text = match outcome {
            Outcome::Lost => return Ok(Err(Outcome::Lost)),
            Outcome::Failed(Error::RunCancelled)
            | Outcome::Answered(_, FinishReason::Cancelled) => {
                return Ok(Err(Outcome::Failed(Error::RunCancelled)));
            }
            Outcome::Failed(error) => return Err(error),
            Outcome::Answered(collected, _) => collected.text,
        };
        let text = cut(&text, wanted.longest).to_owned();
        if text.is_empty() {
            let cause = "the summary is empty";
            return Err(Error::provider(ProviderFault::Nonsense, cause));
        }
        Ok(Ok(Summary {
            text,
            covers_until: wanted.until.sequence,
            covers_message: wanted.until.message,
            complete,
            context_window: wanted.model.spec().context_window,
            provider: wanted.model.provider().name.clone(),
            model: wanted.model.spec().id.clone(),
            run: self.run.id,
            created_at: self.engine.app.clock.now(),
        }))
    }

    /// What is to be summed up, newest first, as far as the model can read it at once. Whether that is all stands beside
    /// it.
    async fn material(&self, wanted: &Wanted) -> Result<(Material, bool)> {
        let room = input_tokens(wanted.model.spec(), wanted.longest);
        let before = wanted.before.as_ref();
        let mut material = Material::new(room, wanted.longest, before);
        let covered = before.map_or(0, |before| before.covers_until);
        let mut next = wanted.until.sequence + 1;
        while next > covered + 1 && !material.is_full() {
            let most = u32::try_from(next - covered - 1).unwrap_or(u32::MAX);
            let limit = material.wants().min(most);
            let page = self
                .store
                .message_history(self.run.conversation, next, limit)
                .await?;
            let uncovered = page.newest_first.iter();
            let uncovered = uncovered.take_while(|message| message.sequence > covered);
            for message in uncovered.filter(|message| can_be_sent(message)) {
                material.add(message);
            }
            let oldest = page.newest_first.last().map(|oldest| oldest.sequence);
            next = oldest.filter(|_| page.has_more).unwrap_or_default();
        }
        let complete = !material.is_full() && before.is_none_or(|before| before.complete);
        Ok((material, complete))
    }

    /// Asks the model, and collects what it writes.
    async fn written(
        &self,
        wanted: &Wanted,
        material: Material,
        recorder: &mut Recorder,
        collected: &mut Collected,
    ) -> Result<Pulse> {
        let now = Instant::now();
        let left = self.deadline.saturating_duration_since(now);
        let asking = Asking {
            engine: self.engine.clone(),
            store: self.store.clone(),
            deadline: now + TIMEOUT.min(left / PART_OF_TIME),
        };
        let (instructions, message) = material.prompt();
        let prompt = self.prompt(wanted, &instructions, message);
        let mut completion = tokio::select! {
            completion = asking.ask(&prompt) => completion?,
            pulse = recorder.stopped() => return Ok(pulse),
        };
        let most = usize::try_from(wanted.longest * BYTES_PER_TOKEN).unwrap_or(usize::MAX);
        loop {
            let part = tokio::select! {
                part = completion.next() => part?,
                pulse = recorder.stopped() => return Ok(pulse),
            };
            if building::size(&part) > 0 {
                collected.parts.add(&wanted.model.spec().id, &part);
            }
            match part {
                Part::Text(text) => collected.text.push_str(&text),
                Part::Finish(reason) => collected.finish_reason = Some(reason),
                Part::Usage(usage) => collected.usage = Some(usage),
                Part::End => return Ok(Pulse::GoOn),
                _ => {}
            }
            if collected.text.len() > most {
                collected.finish_reason = Some(FinishReason::Length);
                return Ok(Pulse::GoOn);
            }
        }
    }

    fn prompt<'a>(
        &'a self,
        wanted: &'a Wanted,
        instructions: &'a str,
        message: PromptMessage,
    ) -> Prompt<'a> {
        let model = wanted.model.spec();
        Prompt {
            model: &wanted.model,
            trace: &self.trace,
            system_prompt: Some(instructions),
            messages: vec![message],
            settings: Settings {
                max_output_tokens: Some(output_tokens(model, wanted.longest)),
                reasoning_effort: takes_effort(model).then_some(ReasoningEffort::Low),
                ..Settings::default()
            },
        }
    }

    /// Stores it: models are told nothing that people can't see.
    async fn keep(&self, summary: Summary) -> Result<Summary> {
        let conversation = self.run.conversation;
        if self.store.summary_put(conversation, &summary).await? {
            return Ok(summary);
        }
        Err(Error::Conflict(
            "the conversation has a newer summary, or was deleted",
        ))
    }

    fn log_unsummarized(&self, error: &Error) {
        tracing::warn!(
            request_id = %self.run.request,
            trace_id = self.trace.trace_id(),
            conversation.id = %self.conversation.id,
            run.id = %self.run.id,
            provider = self.model.provider().name,
            model = self.model.spec().id,
            error = ?error,
            "run {} goes on without a summary of the messages that do not fit",
            self.run.id
        );
    }
}
