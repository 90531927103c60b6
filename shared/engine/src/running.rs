//! The part of a turn that goes on whether the client stays or not: the provider's answer, and its storing.

mod telling;

use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::auth::{Caller, Mandate};
use shared::clock::Moment;
use shared::http::TraceContext;
use shared::model::{
    Answer, Budget, Conversation, FinishReason, Job, JobPriority, JobTask, Message, Role, Run,
    RunEnd, RunStatus,
};
use shared::store::{Ended, StoredJob, TenantStore};
use shared::{Error, Result};
use tokio::sync::mpsc;

use crate::asked::Asked;
use crate::catalogue::Model;
use crate::collected::{Collected, Outcome};
use crate::events;
use crate::plan::Plan;
use crate::recorder::Recorder;
use crate::retrieval::Found;
use crate::settle::problem;
use crate::tools::Tools;
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
    pub(crate) run: Run,
    /// Those that count it.
    pub(crate) budgets: Arc<Vec<Budget>>,
    /// Who asks.
    pub(crate) caller: Caller,
    /// What was found in knowledge bases.
    pub(crate) found: Option<Found>,
    /// The number of the newest event.
    pub(crate) sequence: u64,
    /// What is asked.
    pub(crate) asked: Asked,
    pub(crate) tools: Tools,
    /// How often in a row models have called tools before.
    pub(crate) tool_rounds: u32,
    /// Who can be asked.
    pub(crate) plan: Plan,
    /// Who is asked, or was asked last.
    pub(crate) model: Model,
    pub(crate) deadline: Instant,
    pub(crate) trace: TraceContext,
    /// On whose behalf the conversation gets a title after the answer, if it is to get one.
    pub(crate) titled_for: Option<Mandate>,
    pub(crate) events: Option<mpsc::Sender<TurnEvent>>,
}

/// What a run ends with.
enum Last<'a> {
    Answer(&'a Message, Option<&'a StoredJob>),
    /// The slug of the problem, and when it came up.
    Failure(&'a str, Moment),
}

impl Running {
    /// Runs the turn to its end.
    pub(crate) async fn run(mut self) {
        let clock = self.engine.app.clock.clone();
        let mut recorder = Recorder::start(self.store.clone(), self.run.clone(), clock);
        self.send(TurnEvent::Event(events::start(&self.run))).await;
        let (outcome, latency) = match self.prepare(&mut recorder).await {
            Some(stopped) => (stopped, Duration::ZERO),
            None => self.attempts(&mut recorder).await,
        };
        // What is left to store of the events is stored beside the answer, and nobody waits for it.
        let stored = tokio::spawn(recorder.finish());
        let last = match outcome {
            Outcome::Answered(collected, reason) => self.end(collected, reason, latency).await,
            Outcome::Failed(error) => self.fail(error).await,
            Outcome::Lost => self.as_ended_elsewhere().await,
        };
        // Before the client hears of the end: after that this process may stand still.
        let (store, run) = (&self.store, &self.run);
        self.engine.note_thresholds(store, run, &self.budgets).await;
        self.send(last).await;
        if let Err(error) = stored.await {
            tracing::error!(error = ?error, "the task that stores events broke off");
        }
    }

    /// Searches and sums up what whoever is asked is sent. What it says is why the run shall not go on.
    async fn prepare(&mut self, recorder: &mut Recorder) -> Option<Outcome> {
        match self.retrieve(recorder).await {
            None => self.summarize(recorder).await,
            stopped => stopped,
        }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// Tells the client, as long as there is one.
    pub(crate) async fn send(&mut self, event: TurnEvent) {
        let Some(events) = &self.events else { return };
        if events.send_timeout(event, CLIENT_PATIENCE).await.is_err() {
            tracing::info!(
                request_id = %self.run.request,
                run.id = %self.run.id,
                "the client of run {} is gone; the answer is finished without it",
                self.run.id
            );
            self.events = None;
        }
    }

    /// Puts the end into the run: which event is the last, and when.
    fn close(&mut self, status: RunStatus) {
        self.run.status = status;
        self.run.cancel_requested = status == RunStatus::Cancelled;
        let stored = self.sequence;
        let last = self.next();
        self.run.end = Some(RunEnd { stored, last });
        self.run.ended_at = Some(self.engine.app.clock.now());
    }

    async fn end(
        &mut self,
        mut collected: Collected,
        reason: FinishReason,
        latency: Duration,
    ) -> TurnEvent {
        self.run.usage = collected.usage;
        self.close(match reason {
            FinishReason::Cancelled => RunStatus::Cancelled,
            _ => RunStatus::Completed,
        });
        let cache_key = collected.cache_key.take();
        let answer = self.message(collected, reason, latency);
        let job = self.title_job(&answer, reason);
        match self.write(&Last::Answer(&answer, job.as_ref())).await {
            Ok(Ended::Yes) => {
                self.log_done(&answer);
                self.measure();
                if let Some(StoredJob { job, .. }) = &job {
                    self.engine.tell_of_job(job).await;
                }
                // Before the client hears of the end: after that this process may stand still.
                self.remember(cache_key, &answer).await;
                let event = events::done(self.sequence, self.run.conversation, &answer);
                TurnEvent::Done(event, Box::new(answer))
            }
            Ok(Ended::ConversationGone) => self.forget().await,
            Ok(Ended::TakenOver) => self.as_ended_elsewhere().await,
            Err(error) => {
                self.sequence -= 1;
                self.fail(error).await
            }
        }
    }

    fn message(&self, collected: Collected, reason: FinishReason, latency: Duration) -> Message {
        let parts = collected.parts.finish(reason != FinishReason::ToolCalls);
        let (content, parts) = Message::content_of(parts);
        let cited = self.found.as_ref().map(|found| found.cite(&content));
        let (citations, support) = cited.unzip();
        Message {
            id: self.run.answer,
            sequence: self.run.question_sequence + 1,
            parent: Some(self.run.question),
            run: Some(self.run.id),
            role: Role::Assistant,
            content,
            parts,
            removed: Vec::new(),
            tool_rounds: self.tool_rounds + u32::from(reason == FinishReason::ToolCalls),
            answer: Some(Answer {
                provider: self.model.provider().name.clone(),
                model: self.model.spec().id.clone(),
                finish_reason: reason,
                usage: collected.usage,
                first_token_ms: collected.first_token.map(milliseconds),
                latency_ms: Some(milliseconds(latency)),
                cached: collected.cached,
                citations: citations.unwrap_or_default(),
                support,
            }),
            failure: None,
            pending_until: None,
            created_at: self.engine.app.clock.now(),
        }
    }

    /// The job that gives the conversation a title, if the answer is one to take it from.
    fn title_job(&self, answer: &Message, reason: FinishReason) -> Option<StoredJob> {
        let mandate = self.titled_for?;
        let wanted = self.run.settings.auto_title.unwrap_or(true);
        let says_something = matches!(reason, FinishReason::Stop | FinishReason::Length);
        if !wanted || !says_something || answer.content.trim().is_empty() {
            return None;
        }
        let task = JobTask::ConversationTitle {
            conversation_id: self.run.conversation,
            replace: false,
        };
        let job = Job::new(task, JobPriority::Low, self.run.request, answer.created_at);
        Some(StoredJob { job, mandate })
    }

    async fn fail(&mut self, error: Error) -> TurnEvent {
        let cancelled = matches!(error, Error::RunCancelled);
        self.close(if cancelled {
            RunStatus::Cancelled
        } else {
            RunStatus::Failed
        });
        let now = self.engine.app.clock.now();
        let problem = problem(&error, &self.run);
        if cancelled {
            tracing::info!(request_id = %self.run.request, run.id = %self.run.id, "run {} was cancelled", self.run.id);
        } else {
            self.log_failed(&error, &problem.slug);
        }
        self.run.problem = Some(problem.clone());
        let event = events::error(self.sequence, &problem);
        match self.write(&Last::Failure(&problem.slug, now)).await {
            Ok(Ended::Yes) => {
                self.measure();
                TurnEvent::Failed(event, Some(error))
            }
            Ok(Ended::ConversationGone) => self.forget().await,
            Ok(Ended::TakenOver) => self.as_ended_elsewhere().await,
            Err(unstored) => {
                // The next turn then waits until this one's lease is over.
                tracing::error!(request_id = %self.run.request, error = ?unstored, "the failure could not be stored");
                TurnEvent::Failed(event, Some(error))
            }
        }
    }

    /// Writes the end of the run, and again what the table does not take for the moment.
    async fn write(&self, last: &Last<'_>) -> Result<Ended> {
        let (run, owner) = (&self.run, self.run.owner);
        let mut attempt = 1;
        loop {
            let written = match last {
                Last::Answer(answer, job) => self.store.turn_end(run, owner, answer, *job).await,
                Last::Failure(slug, now) => self.store.turn_fail(run, owner, slug, *now).await,
            };
            if attempt == STORE_ATTEMPTS || !matches!(written, Err(Error::Unavailable(_))) {
                return written;
            }
            tokio::time::sleep(Duration::from_millis(100 << attempt)).await;
            attempt += 1;
        }
    }

    /// Somebody took this process for dead and ended its run: that is what counts. Or this process has ended it, and
    /// did not learn so.
    async fn as_ended_elsewhere(&mut self) -> TurnEvent {
        let ended = async {
            let Some(run) = self.store.run_get(self.run.id).await? else {
                self.settle_alone().await?;
                return Err(Error::NotFound("run"));
            };
            if run.owner == self.run.owner {
                tracing::warn!(run.id = %run.id, "the end of run {} was written and nobody was told", run.id);
            } else {
                tracing::error!(run.id = %run.id, "run {} was ended elsewhere while it was worked on", run.id);
            }
            self.engine.last_event(&self.store, &run).await
        };
        match ended.await {
            Ok(last) => last,
            Err(error) => TurnEvent::Cut(error),
        }
    }

    /// Settles what the run cost, where its row was deleted with the conversation.
    async fn settle_alone(&self) -> Result<()> {
        let (run, now) = (&self.run, self.engine.app.clock.now());
        if let Some(reservation) = &run.reservation {
            let charge = run.charge();
            self.store
                .reservation_settle(run.id, run.created_at, reservation, &charge, now)
                .await?;
        }
        Ok(())
    }

    /// The conversation was deleted while the turn ran: nothing of the turn may stay.
    async fn forget(&mut self) -> TurnEvent {
        let now = self.engine.app.clock.now();
        if let Err(error) = self.store.turn_forget(&self.run, now).await {
            tracing::error!(
                request_id = %self.run.request,
                run.id = %self.run.id,
                error = ?error,
                "run {} of a deleted conversation could not be deleted",
                self.run.id
            );
        }
        let error = Error::NotFound("conversation");
        let event = events::error(self.sequence, &problem(&error, &self.run));
        TurnEvent::Failed(event, Some(error))
    }
}

pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
