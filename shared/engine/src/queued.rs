//! Turns in the background: a run waits in the table until a worker begins it, in any process.
//!
//! What is asked, and what the conversation and the tenant said about it when it was asked, is stored with the run. So the
//! worker asks what would have been asked at once, and what was reserved stays enough. What is newer then: the keys, prices
//! and addresses of providers.
//!
//! A run is begun once: whoever begins it moves it from `queued` to `in_progress`, in the write that takes it out of the
//! queue. From then on it is a run like any other: it is not begun again, and if its process dies it is `incomplete`.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use shared::auth::Caller;
use shared::clock::Moment;
use shared::http::TraceContext;
use shared::model::{
    BudgetScope, Conversation, Job, Message, ModelSettings, Question, Run, RunEnd, RunId,
    RunStatus, RunnerId,
};
use shared::queue::QueueMessage;
use shared::store::{Ended, QueuedRun, Started, TenantStore};
use shared::{Error, Result};

use crate::asked::Asked;
use crate::place;
use crate::plan::Plan;
use crate::planning::fill_with_older;
use crate::provider::{OutputFormat, ToolChoice, ToolSpec};
use crate::recorder::LEASE;
use crate::running::Running;
use crate::settle::problem;
use crate::title::is_untitled;
use crate::tools::Tools;
use crate::turn::{Engine, FIRST_PAGE, TurnRequest};

/// How long a run waits for a worker at most. Until then its conversation takes no other message.
pub(crate) const QUEUED_AT_MOST: Duration = Duration::from_secs(3600);
/// After how long it is looked for, if no worker has begun it: until then the news of it may still come.
const LOOKED_FOR_AFTER: Duration = Duration::from_secs(60);
/// How many bytes of JSON the tools and the format of the answer may have. They are stored in one item of at most 400 KB,
/// with a system prompt.
const MAX_WORK_BYTES: usize = 250_000;

/// What a worker needs beside the rows of the question and its run.
#[derive(Serialize, Deserialize)]
struct Work {
    /// The model or route.
    model: String,
    /// What the message says.
    settings: ModelSettings,
    /// What the conversation and the tenant said beside it.
    defaults: ModelSettings,
    system_prompt: Option<String>,
    tools: Vec<ToolSpec>,
    tool_choice: ToolChoice,
    output: OutputFormat,
    #[serde(default)]
    one_call: bool,
    #[serde(default)]
    must_fit: bool,
    #[serde(default)]
    begins_once: bool,
    trace: TraceContext,
}

/// The rows of a run that is queued, beside its own.
pub(crate) fn queued(
    caller: &Caller,
    run: &Run,
    request: &TurnRequest,
    conversation: &Conversation,
    plan: &Plan,
) -> Result<(QueuedRun, String)> {
    let asked = &request.asked;
    let work = Work {
        model: plan.name.clone(),
        settings: asked.settings.clone(),
        defaults: plan.defaults.clone(),
        system_prompt: conversation.system_prompt.clone(),
        tools: asked.tools.clone(),
        tool_choice: asked.tool_choice.clone(),
        output: asked.output.clone(),
        one_call: asked.one_call,
        must_fit: asked.must_fit,
        begins_once: asked.begins_once,
        trace: request.trace.clone(),
    };
    let text = serde_json::to_string(&work).map_err(Error::internal)?;
    if text.len() > MAX_WORK_BYTES {
        let detail = format!(
            "what is asked in the background may have {MAX_WORK_BYTES} bytes of JSON beside its content: give fewer tools, or send it with `background: false`"
        );
        return Err(Error::invalid("/tools", detail));
    }
    let row = QueuedRun {
        id: run.id,
        mandate: caller.mandate(),
        reservation: run.reservation.clone(),
        put_off: 0,
        due_at: run.created_at.plus(LOOKED_FOR_AFTER),
        created_at: run.created_at,
    };
    Ok((row, text))
}

impl Engine {
    /// Tells a worker that a run waits. It is no condition of anything: one of which nobody was told is found in the
    /// table a little later.
    pub async fn nudge(&self, id: RunId) {
        let message = QueueMessage::RunWaits { version: 1, id };
        if let Err(error) = self.app.run_queue.send(&message).await {
            tracing::warn!(run.id = %id, error = ?error, "no worker was told of run {id}: {error}");
        }
    }

    /// Tells a worker that a job waits. It is no condition of anything either.
    pub async fn tell_of_job(&self, job: &Job) {
        let message = QueueMessage::JobWaits {
            version: 1,
            id: job.id,
            priority: job.priority,
        };
        if let Err(error) = self.app.job_queue.send(&message).await {
            tracing::warn!(job.id = %job.id, error = ?error, "no worker was told of job {}: {error}", job.id);
        }
    }

    /// Begins a run that waits, and works on it to its end. Nothing happens if it does not wait any more.
    ///
    /// # Errors
    /// `Unavailable` and `Internal` before it has begun: it waits on.
    pub async fn work(
        &self,
        store: &TenantStore,
        run: Run,
        caller: &Caller,
        deadline: Instant,
    ) -> Result<()> {
        let Some(run) = self.settled(store, run).await? else {
            return Ok(());
        };
        if run.status != RunStatus::Queued {
            return Ok(());
        }
        let running = match self.resumed(store, &run, caller, deadline).await {
            Ok(running) => running,
            Err(error @ (Error::Unavailable(_) | Error::Internal(_))) => return Err(error),
            Err(error) => return self.drop_queued(store, run, &error).await,
        };
        match store.run_start(&running.run, &run).await? {
            Started::Yes => {
                let trace = running.trace.clone();
                trace.scope(running.run()).await;
            }
            Started::NotQueued => {
                tracing::info!(run.id = %run.id, "run {} was begun or ended elsewhere", run.id);
            }
        }
        Ok(())
    }

    /// A queued run as this process would work on it.
    async fn resumed(
        &self,
        store: &TenantStore,
        run: &Run,
        caller: &Caller,
        deadline: Instant,
    ) -> Result<Running> {
        let (id, place) = (run.conversation, run.question_sequence);
        let counted = run.reservation.iter().flat_map(|one| &one.budgets);
        let scopes: Vec<BudgetScope> = counted.clone().map(|counted| counted.scope).collect();
        let (conversation, mut page, work, mut budgets) = tokio::try_join!(
            place::of_run(store, id, run.thread_until.is_some(), self.app.clock.now()),
            store.message_newest(id, FIRST_PAGE),
            store.work_get(run.id),
            store.budgets_get(&scopes),
        )?;
        budgets.retain(|budget| counted.clone().any(|one| *one == budget.counted_by()));
        // Nobody says anything after it until it is answered.
        let newest = page.newest_first.first();
        if newest.is_none_or(|newest| newest.sequence != place) {
            return Err(Error::NotFound("message"));
        }
        let question = page.newest_first.remove(0);
        // It is deleted with its run, or with the run's beginning.
        let work = work.ok_or(Error::NotFound("run"))?;
        let work: Work = serde_json::from_str(&work).map_err(Error::internal)?;
        let (asked, conversation, trace) = work.asked(&question, conversation);
        let newest = page.newest_first.first().cloned();
        let untitled = is_untitled(&conversation, newest.as_ref());
        let tools = Tools::new(&asked.tools, asked.one_call)?;
        let tool_rounds = asked.rounds_before(newest.as_ref())?;
        let planned = self.plan(store, &conversation, &asked, (page, &[]));
        let (mut plan, older) = planned.await?;
        fill_with_older(store, id, &mut plan, older).await?;
        let first = plan.first()?;
        Ok(Running {
            engine: self.clone(),
            store: store.clone(),
            conversation,
            run: Run {
                provider: first.model.provider().name.clone(),
                model: first.model.spec().id.clone(),
                settings: first.settings.clone(),
                status: RunStatus::InProgress,
                sent_tokens: first.window.used(),
                owner: RunnerId::new(),
                lease_until: self.app.clock.now().plus(LEASE),
                ..run.clone()
            },
            budgets: budgets.into(),
            caller: caller.clone(),
            found: None,
            sequence: 0,
            asked,
            tools,
            tool_rounds,
            model: first.model.clone(),
            plan,
            deadline,
            trace: trace.taken_up(&self.app.spans),
            titled_for: untitled.then(|| caller.mandate()),
            events: None,
        })
    }

    /// Ends a run that no worker has begun. Nothing happens if one has meanwhile.
    pub async fn drop_queued(&self, store: &TenantStore, run: Run, error: &Error) -> Result<()> {
        let now = self.app.clock.now();
        let cancelled = matches!(error, Error::RunCancelled);
        let problem = problem(error, &run);
        let slug = problem.slug.clone();
        let dropped = Run {
            status: if cancelled {
                RunStatus::Cancelled
            } else {
                RunStatus::Failed
            },
            cancel_requested: cancelled,
            problem: Some(problem),
            end: Some(RunEnd { stored: 0, last: 1 }),
            ended_at: Some(now),
            ..run
        };
        match store.turn_drop(&dropped, &slug, now).await? {
            Ended::Yes if cancelled => {
                tracing::info!(run.id = %dropped.id, "run {} was cancelled before it began", dropped.id);
            }
            Ended::Yes => {
                tracing::error!(run.id = %dropped.id, problem = slug, error = ?error, "run {} was not begun: {slug}", dropped.id);
            }
            Ended::TakenOver => {}
            Ended::ConversationGone => store.turn_forget(&dropped, now).await?,
        }
        Ok(())
    }

    /// A queued run as it is, after it was ended if it has waited for too long.
    pub(crate) async fn settled_in_queue(
        &self,
        store: &TenantStore,
        run: Run,
        now: Moment,
    ) -> Result<Option<Run>> {
        if now.since(run.created_at) < QUEUED_AT_MOST {
            return Ok(Some(run));
        }
        let id = run.id;
        self.drop_queued(store, run, &Error::RunNotBegun).await?;
        store.run_get(id).await
    }

    /// Sees to it that a run stops. One that waits is ended at once; the process that works on one learns it within about
    /// a second.
    pub async fn cancel(&self, store: &TenantStore, run: Run) -> Result<()> {
        let id = run.id;
        if run.status == RunStatus::Queued {
            self.drop_queued(store, run, &Error::RunCancelled).await?;
        }
        // Also where a worker has begun it meanwhile.
        if store.run_cancel(id).await? {
            tracing::info!(run.id = %id, "run {id} shall stop");
        }
        Ok(())
    }
}

impl Work {
    /// What is asked with that question, and the conversation as it was then.
    fn asked(
        self,
        question: &Message,
        conversation: Conversation,
    ) -> (Asked, Conversation, TraceContext) {
        let asked = Asked {
            question: Question {
                role: question.role,
                parts: question.all_parts().into_owned(),
            },
            model: Some(self.model),
            settings: self.settings,
            tools: self.tools,
            tool_choice: self.tool_choice,
            output: self.output,
            one_call: self.one_call,
            must_fit: self.must_fit,
            begins_once: self.begins_once,
        };
        let conversation = Conversation {
            settings: self.defaults,
            system_prompt: self.system_prompt,
            ..conversation
        };
        (asked, conversation, self.trace)
    }
}
