//! Asks those who can be asked, one after the other, until one answers.
//!
//! This is the only layer that tries again. The same model is asked again only where that may help, before it has
//! said anything; the next one is asked where this one failed, and after a part of the answer was sent only if the route
//! allows that. Whoever reads the events sees a `switch` then.

use std::time::{Duration, Instant};

use shared::error::ProviderFault;
use shared::model::{
    Attempt, AttemptPurpose, FinishReason, MAX_CONTENT_BYTES, MAX_PARTS_BYTES, MicroDollars,
    RequestId, RunEvent,
};
use shared::store::Pulse;
use shared::{Error, Result};

use crate::asking::Asking;
use crate::building;
use crate::collected::{Collected, Counted, Outcome, counted, outcome};
use crate::events;
use crate::formatting;
use crate::plan::Candidate;
use crate::provider::{Part, PromptMessage};
use crate::recorder::Recorder;
use crate::running::{Running, milliseconds};
use crate::settle::problem;
use crate::tokens;
use crate::turn::TurnEvent;

/// The longest text of one event. As JSON it is at most six times as long, which fits an item.
const MAX_DELTA_BYTES: usize = 32_000;
/// How long it waits before it asks the same model again, at most; longer where the provider says so.
const PAUSE: Duration = Duration::from_millis(250);
/// How long a provider may tell us to wait. Beyond that somebody else is asked, or nobody.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Less time than that is not worth another attempt.
const LEAST_TIME: Duration = Duration::from_secs(1);

impl Running {
    /// Asks until one answers, or nobody is left. How long the last attempt took stands beside it.
    pub(crate) async fn attempts(&mut self, recorder: &mut Recorder) -> (Outcome, Duration) {
        let mut candidates = std::mem::take(&mut self.plan.candidates)
            .into_iter()
            .peekable();
        let several = candidates.len() > 1;
        let mut last = (
            Outcome::Failed(Error::internal("there was nobody to ask")),
            Duration::ZERO,
        );
        while let Some(candidate) = candidates.next() {
            self.model = candidate.model.clone();
            self.run.context = Some(candidate.window.context());
            let (outcome, latency, said) = self.ask(&candidate, recorder).await;
            if several {
                self.note_health(&outcome).await;
            }
            let Outcome::Failed(error) = &outcome else {
                return (outcome, latency);
            };
            let goes_on = matches!(error, Error::Provider { .. })
                && (!said || self.plan.switch_mid_answer)
                && self.time_left() > LEAST_TIME;
            match candidates.peek() {
                Some(next) if goes_on => {
                    let slug = problem(error, &self.run).slug;
                    let event = events::switch(self.next(), &next.model, &slug);
                    self.tell(event, recorder).await;
                }
                _ => return (outcome, latency),
            }
            last = (outcome, latency);
        }
        last
    }

    /// Asks one model, and again where that may help. Whether it has said something stands beside the outcome.
    async fn ask(
        &mut self,
        candidate: &Candidate,
        recorder: &mut Recorder,
    ) -> (Outcome, Duration, bool) {
        let key = self.cache_key(candidate).await;
        if let Some(before) = self.answered_before(key.as_ref()).await {
            return self.say_again(candidate, before, recorder).await;
        }
        let mut left = candidate.attempts;
        let mut before: Vec<PromptMessage> = Vec::new();
        loop {
            left = left.saturating_sub(1);
            let started = Instant::now();
            let mut collected = Collected {
                cache_key: key.as_ref().map(|(key, _)| key.clone()),
                withheld: candidate.format.is_some(),
                ..Collected::default()
            };
            let answered = self.answer(candidate, &before, started, recorder, &mut collected);
            let answered = answered.await;
            let latency = started.elapsed();
            let said = collected.parts.bytes() > 0 && !collected.withheld;
            let counted = counted(&answered, &collected);
            let outcome = outcome(answered, collected, &self.tools);
            let (outcome, mended) = self.in_format(candidate, outcome, recorder).await;
            self.note_attempt(&outcome, latency, counted, AttemptPurpose::Answer);
            if let Some(mended) = mended.filter(|_| before.is_empty())
                && self.time_left() > LEAST_TIME
            {
                before = mended.into();
                continue;
            }
            let again = match &outcome {
                Outcome::Failed(error) if left > 0 && !said => pause_before_again(error),
                _ => None,
            };
            let Some(pause) = again.filter(|pause| *pause + LEAST_TIME < self.time_left()) else {
                return (outcome, latency, said);
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                pulse = recorder.stopped() => {
                    let stopped = match pulse {
                        Pulse::Lost => Outcome::Lost,
                        Pulse::Stop | Pulse::GoOn => Outcome::Failed(Error::RunCancelled),
                    };
                    return (stopped, latency, false);
                }
            }
        }
    }

    /// Passes on what was withheld, if it is in its format. Otherwise how the model is asked again stands beside the failure.
    async fn in_format(
        &mut self,
        candidate: &Candidate,
        outcome: Outcome,
        recorder: &Recorder,
    ) -> (Outcome, Option<[PromptMessage; 2]>) {
        let Some(format) = &candidate.format else {
            return (outcome, None);
        };
        let (mut collected, reason) = match outcome {
            Outcome::Answered(collected, reason) => (collected, reason),
            other => return (other, None),
        };
        // What was stopped, or goes on with calls, is not the whole answer.
        let whole = reason == FinishReason::Stop;
        let said = std::mem::take(&mut collected.text);
        let text = match format.json(&said) {
            Ok(json) => json,
            Err(_) if !whole => &said,
            Err(fault) => {
                let error = Error::provider(ProviderFault::BadFormat, fault.clone());
                let again = formatting::asked_again(said, &fault);
                return (Outcome::Failed(error), Some(again));
            }
        };
        if whole {
            collected.parts.set_text(text);
        }
        self.pass_on(text, recorder, events::delta).await;
        text.clone_into(&mut collected.text);
        (Outcome::Answered(collected, reason), None)
    }

    fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Asks a model and collects what it says, until it has finished or the run shall stop.
    async fn answer(
        &mut self,
        candidate: &Candidate,
        before: &[PromptMessage],
        started: Instant,
        recorder: &mut Recorder,
        collected: &mut Collected,
    ) -> Result<Pulse> {
        let more = before.iter().map(|said| tokens::of_parts(&said.parts));
        collected.sent_tokens = candidate.window.used() + more.sum::<u64>();
        let asking = Asking {
            engine: self.engine.clone(),
            store: self.store.clone(),
            deadline: self.deadline,
        };
        let trace = self.trace.clone();
        let system_prompt = candidate.told(self.conversation.system_prompt.as_deref());
        let mut prompt = candidate.prompt(&self.asked, system_prompt.as_deref(), &trace);
        prompt.messages.extend_from_slice(before);
        let patience = candidate.first_token_timeout;
        let too_late = patience.map(|patience| (started + patience).into());
        let mut completion = tokio::select! {
            completion = asking.ask(&prompt) => completion?,
            pulse = recorder.stopped() => return Ok(pulse),
            () = reached(too_late) => return Err(late()),
        };
        let mut silent = true;
        loop {
            let part = tokio::select! {
                part = completion.next() => part?,
                pulse = recorder.stopped() => return Ok(pulse),
                () = reached(too_late), if silent => return Err(late()),
            };
            silent &= building::size(&part) == 0;
            let model = &candidate.model.spec().id;
            if self.take(part, model, started, recorder, collected).await {
                return Ok(Pulse::GoOn);
            }
        }
    }

    /// Takes a piece of the answer. Whether it was the last.
    pub(crate) async fn take(
        &mut self,
        part: Part,
        model: &str,
        started: Instant,
        recorder: &Recorder,
        collected: &mut Collected,
    ) -> bool {
        let bytes = building::size(&part);
        if bytes > 0 {
            let text = collected.text.len() + if is_text(&part) { bytes } else { 0 };
            if text > MAX_CONTENT_BYTES || collected.parts.bytes() + bytes > MAX_PARTS_BYTES {
                collected.finish_reason = Some(FinishReason::Length);
                collected.cut = true;
                return true;
            }
            collected.parts.add(model, &part);
        }
        match part {
            Part::Text(delta) => {
                collected
                    .first_token
                    .get_or_insert_with(|| started.elapsed());
                collected.text.push_str(&delta);
                if !collected.withheld {
                    self.pass_on(&delta, recorder, events::delta).await;
                }
            }
            Part::Reasoning(delta) => self.pass_on(&delta, recorder, events::reasoning).await,
            Part::ToolCall { index, id, name } => {
                let event = events::tool_call(self.next(), index, &id, &name);
                self.tell(event, recorder).await;
            }
            Part::ToolArguments { index, delta } => {
                let event = |sequence, piece| events::tool_arguments(sequence, index, piece);
                self.pass_on(&delta, recorder, event).await;
            }
            Part::Finish(reason) => collected.finish_reason = Some(reason),
            Part::Usage(counted) => collected.usage = Some(counted),
            Part::End => return true,
            // The provider wants them back; nobody else can read them.
            Part::ReasoningSignature(_)
            | Part::EncryptedReasoning(_)
            | Part::ToolCallSignature { .. } => {}
        }
        false
    }

    /// Gives a piece of text to the client and to the recorder, as events of that kind.
    async fn pass_on(
        &mut self,
        text: &str,
        recorder: &Recorder,
        event: impl Fn(u64, String) -> RunEvent,
    ) {
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.floor_char_boundary(MAX_DELTA_BYTES));
            rest = after;
            let event = event(self.next(), piece.to_owned());
            self.tell(event, recorder).await;
        }
    }

    async fn tell(&mut self, event: RunEvent, recorder: &Recorder) {
        recorder.record(event.clone());
        self.send(TurnEvent::Event(event)).await;
    }

    async fn note_health(&self, outcome: &Outcome) {
        let circuits = &self.engine.circuits;
        match outcome {
            Outcome::Answered(_, FinishReason::Cancelled) | Outcome::Lost => {}
            // Nobody was asked.
            Outcome::Answered(collected, _) if collected.cached.is_some() => {}
            Outcome::Answered(..) => circuits.answered(&self.store, &self.model).await,
            Outcome::Failed(Error::Provider { fault, .. }) if concerns_others(*fault) => {
                circuits.failed(&self.store, &self.model).await;
            }
            Outcome::Failed(_) => {}
        }
    }

    pub(crate) fn note_attempt(
        &mut self,
        outcome: &Outcome,
        latency: Duration,
        counted: Counted,
        purpose: AttemptPurpose,
    ) {
        let (problem, first_token) = match outcome {
            Outcome::Answered(collected, _) => (None, collected.first_token),
            Outcome::Failed(error) => (Some(problem(error, &self.run).slug), None),
            Outcome::Lost => (None, None),
        };
        let Counted { usage, estimated } = counted;
        let cached = match outcome {
            Outcome::Answered(collected, _) => collected.cached,
            Outcome::Failed(_) | Outcome::Lost => None,
        };
        let price = self.model.spec().price.as_ref();
        let price = price.filter(|_| usage.is_some() && cached.is_none());
        let cost = price.zip(usage).map(|(price, usage)| price.of(&usage));
        // Nothing, also where nobody knows what the model costs.
        let cost = cost.or_else(|| cached.map(|_| MicroDollars::default()));
        self.run.cost = match (self.run.cost, cost) {
            (Some(before), Some(cost)) => Some(before.plus(cost)),
            (before, cost) => before.or(cost),
        };
        self.run.attempts.push(Attempt {
            provider: self.model.provider().name.clone(),
            model: self.model.spec().id.clone(),
            purpose,
            problem,
            first_token_ms: first_token.map(milliseconds),
            latency_ms: milliseconds(latency),
            usage,
            usage_estimated: estimated,
            cost_micro_dollars: cost,
            price_version: price.map(|price| price.version.clone()),
            cached_from: cached.map(|cached| cached.run),
        });
    }
}

/// Whether the next turn would meet the same failure: not what is wrong with this request alone.
fn concerns_others(fault: ProviderFault) -> bool {
    !matches!(
        fault,
        ProviderFault::ContextTooLong | ProviderFault::Refused
    )
}

/// How long to wait before the same model is asked again. `None` where that would not help. A provider that has too
/// much to do and does not say for how long has none for us for longer than we could wait.
fn pause_before_again(error: &Error) -> Option<Duration> {
    let Error::Provider { fault, .. } = error else {
        return None;
    };
    if !fault.may_pass() {
        return None;
    }
    match fault {
        ProviderFault::Overloaded { retry_after } => {
            retry_after.filter(|pause| *pause <= LONGEST_PAUSE)
        }
        // What has taken all its time once would take it again.
        ProviderFault::TimedOut => None,
        _ => {
            // A new id is as good as any random number.
            let share = u32::try_from(RequestId::new().bits() % 1_000).unwrap_or_default();
            Some(PAUSE / 5 + PAUSE * share / 1_250)
        }
    }
}

const fn is_text(part: &Part) -> bool {
    matches!(part, Part::Text(_))
}

async fn reached(moment: Option<tokio::time::Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

fn late() -> Error {
    Error::provider(
        ProviderFault::TimedOut,
        "the first token did not come in time",
    )
}
