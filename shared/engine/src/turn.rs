//! A turn: a question is stored, a model answers, the answer is stored.
//!
//! 1. The conversation and its newest messages are read, side by side, and the budgets that bind the caller.
//! 2. The question and its run are stored, which claims the turn; older messages that fit the window are read beside
//!    it. Where there are budgets they are read before it, because what the turn may cost is reserved with it.
//! 3. The provider is asked, in a task of its own: whether the client stays or goes, the answer is finished. What
//!    happens is written down beside it.
//! 4. The answer, the run and the conversation are written in one transaction; only then the turn is done.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use shared::auth::Caller;
use shared::http::TraceContext;
use shared::model::{
    Budget, Conversation, ConversationId, Message, RequestId, Run, RunEvent, Said,
};
use shared::store::{Beginning, History, Once, TenantStore};
use shared::{App, Error, Result};
use tokio::sync::mpsc;

use crate::asked::Asked;
use crate::budget::{Budgets, reservation};
use crate::catalogue::Catalogues;
use crate::circuits::Circuits;
use crate::embedding::AskedVectors;
use crate::place::{self, Fetched, InThread, Place};
use crate::plan::Plan;
use crate::provider::{Providers, TenantKeys};
use crate::queued::queued;
use crate::running::Running;
use crate::summary::Failures;
use crate::title::is_untitled;
use crate::tools::Tools;

/// How many of the newest messages the first read takes. Enough for most windows of most conversations, and
/// small enough to cost few read units.
pub(crate) const FIRST_PAGE: u32 = 16;
/// How many events wait for a slow client before the provider has to.
pub(crate) const EVENTS_WAITING: usize = 64;

/// What a caller asks.
#[derive(Debug)]
pub struct TurnRequest {
    /// In which conversation or thread.
    pub conversation: ConversationId,
    /// Set if it is a thread.
    pub thread: Option<InThread>,
    /// What the model is told in this turn alone, after what it is told anyway.
    pub instructions: Option<String>,
    /// What comes before the question, oldest first.
    pub before: Vec<Said>,
    /// What is asked.
    pub asked: Asked,
    /// What is kept of it for those who fetch it later.
    pub fetched: Option<Fetched>,
    /// What the client says of the run: up to 16 pairs.
    pub metadata: BTreeMap<String, String>,
    /// As what the request is done only once, if the client sent an `Idempotency-Key`.
    pub once: Option<Once>,
    /// Whether a worker shall run it, and not this process.
    pub background: bool,
    /// Until when the provider must have answered, if it is run here.
    pub deadline: Instant,
    /// The request, for the log.
    pub request_id: RequestId,
    /// The trace that the provider's part belongs to.
    pub trace: TraceContext,
}

/// What happens in a run.
#[derive(Debug)]
pub enum TurnEvent {
    /// It goes on: the start, or more of the answer.
    Event(RunEvent),
    /// The answer is stored. The last event.
    Done(RunEvent, Box<Message>),
    /// There is no answer; its question is kept. The last event. The error is known where it happened.
    Failed(RunEvent, Option<Error>),
    /// The run goes on, but not what is heard of it here. There are more events elsewhere.
    Cut(Error),
}

/// A turn that has begun.
#[derive(Debug)]
pub struct Turn {
    /// The run.
    pub run: Run,
    /// Whether the same request has begun it before.
    pub again: bool,
    /// What happens, if it happens here.
    live: Option<mpsc::Receiver<TurnEvent>>,
}

impl Turn {
    const fn new(run: Run, live: Option<mpsc::Receiver<TurnEvent>>) -> Self {
        Self {
            run,
            again: false,
            live,
        }
    }

    const fn again(run: Run) -> Self {
        Self {
            run,
            again: true,
            live: None,
        }
    }
}

/// What a turn is decided by.
struct Read {
    place: Option<Place>,
    page: History,
    /// The run that the same request has begun.
    before: Option<Run>,
    budgets: Arc<Vec<Budget>>,
}

/// A turn whose first rows are written.
struct Claimed {
    store: TenantStore,
    conversation: Conversation,
    newest: Option<Message>,
    run: Run,
    budgets: Arc<Vec<Budget>>,
    request: TurnRequest,
    tools: Tools,
    tool_rounds: u32,
    plan: Plan,
}

/// Runs turns.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) app: App,
    pub(crate) catalogues: Catalogues,
    pub(crate) circuits: Circuits,
    pub(crate) providers: Providers,
    pub(crate) tenant_keys: TenantKeys,
    /// Conversations without a summary that they should have.
    pub(crate) unsummarized: Failures,
    pub(crate) budgets: Budgets,
    /// Vectors of what was searched for last.
    pub(crate) asked_vectors: AskedVectors,
}

impl Engine {
    /// With those providers.
    pub fn new(app: App, providers: Providers) -> Self {
        // What tenants bring is sealed with it.
        app.vault.needed_at_start();
        Self {
            tenant_keys: TenantKeys::new(&app),
            catalogues: Catalogues::new(&app),
            circuits: Circuits::new(app.clock.clone()),
            unsummarized: Failures::new(app.clock.clone()),
            budgets: Budgets::new(&app),
            asked_vectors: AskedVectors::default(),
            app,
            providers,
        }
    }

    /// Begins a turn, or finds the one that the same request has begun. Until it returns, nothing was spent; from
    /// then on the turn goes on by itself.
    pub async fn begin(&self, caller: &Caller, request: TurnRequest) -> Result<Turn> {
        let store = self.app.store.of(caller);
        let id = request.conversation;
        let read = self.read(&store, caller, &request).await?;
        let budgets = read.budgets;
        if let Some(run) = read.before {
            return Ok(Turn::again(run));
        }
        let place = read.place.ok_or(Error::NotFound("conversation"))?;
        let (conversation, thread) = place.instructed(request.instructions.as_deref());
        let mut page = match self.free(&store, id, read.page).await {
            Ok(page) => page,
            Err(error) => return self.or_again(&store, request, error).await,
        };
        let before = place::brought(&request.before, &mut page, self.app.clock.now());
        let newest = page.newest_first.first().cloned();
        let asked = &request.asked;
        let tools = Tools::new(&asked.tools, asked.one_call)?;
        let tool_rounds = asked.rounds_before(newest.as_ref())?;
        let planned = self.plan(&store, &conversation, asked, (page, &budgets));
        let (mut plan, older) = planned.await?;
        self.may_search(&store, caller, &plan.first()?.settings, &budgets)
            .await?;
        let (mut run, question) = self.written_first(&request, newest.as_ref(), &plan)?;
        run.reservation = reservation(caller, &budgets, &plan)?;
        let queued = request
            .background
            .then(|| queued(caller, &run, &request, &conversation, &plan))
            .transpose()?;
        let beginning = Beginning {
            budgets: &budgets,
            queued: queued.as_ref(),
            before: &before,
            thread: thread.as_ref().map(|(thread, is_new)| (thread, *is_new)),
            ..Beginning::new(&question, &run)
        };
        let refused = self.write_and_fill(&store, &request, beginning, (&mut plan, older));
        if let Some(refused) = refused.await? {
            return self.or_again(&store, request, refused).await;
        }
        if queued.is_some() {
            self.nudge(run.id).await;
            return Ok(Turn::new(run, None));
        }
        self.start(
            caller,
            Claimed {
                store,
                conversation,
                newest,
                run,
                budgets,
                request,
                tools,
                tool_rounds,
                plan,
            },
        )
    }

    /// Goes on with a turn that was claimed, in a task of its own.
    fn start(&self, caller: &Caller, claimed: Claimed) -> Result<Turn> {
        let Claimed {
            store,
            conversation,
            newest,
            mut run,
            budgets,
            request,
            tools,
            tool_rounds,
            plan,
        } = claimed;
        let first = plan.first()?;
        run.sent_tokens = first.window.used();
        let titled_for = is_untitled(&conversation, newest.as_ref()).then(|| caller.mandate());
        let (sender, events) = mpsc::channel(EVENTS_WAITING);
        let turn = Turn::new(run.clone(), Some(events));
        let running = Running {
            engine: self.clone(),
            store,
            conversation,
            run,
            budgets,
            caller: caller.clone(),
            found: None,
            sequence: 0,
            asked: request.asked,
            tools,
            tool_rounds,
            model: first.model.clone(),
            plan,
            deadline: request.deadline,
            trace: request.trace,
            titled_for,
            events: Some(sender),
        };
        let trace = running.trace.clone();
        tokio::spawn(trace.scope(running.run()));
        Ok(turn)
    }

    /// What a turn is decided by, read side by side; what is remembered for half a minute too.
    async fn read(
        &self,
        store: &TenantStore,
        caller: &Caller,
        request: &TurnRequest,
    ) -> Result<Read> {
        let (place, page, before, budgets, _) = tokio::try_join!(
            Place::read(store, request, self.app.clock.now()),
            place::newest(store, request),
            self.begun_before(store, request.once.as_ref()),
            self.budgets.of(store, caller),
            self.catalogues.of(store),
        )?;
        Ok(Read {
            place,
            page,
            before,
            budgets,
        })
    }

    /// What happens in a turn, from the first event on.
    pub fn events(
        &self,
        store: TenantStore,
        turn: Turn,
        deadline: Instant,
    ) -> mpsc::Receiver<TurnEvent> {
        let Turn { run, live, .. } = turn;
        live.unwrap_or_else(|| self.follow(store, run, 0, deadline))
    }

    /// The run that the same request has begun.
    async fn begun_before(&self, store: &TenantStore, once: Option<&Once>) -> Result<Option<Run>> {
        let Some(once) = once else { return Ok(None) };
        let Some(before) = store.once_get(once, self.app.clock.now()).await? else {
            return Ok(None);
        };
        if before.asks != once.asks {
            return Err(Error::IdempotencyKeyReused);
        }
        // Only another operation has none.
        let run = before.run.ok_or(Error::IdempotencyKeyReused)?;
        let run = store.run_get(run).await?;
        run.map(Some).ok_or(Error::NotFound("run"))
    }

    /// The run that the same request has begun meanwhile, or else that error.
    async fn or_again(
        &self,
        store: &TenantStore,
        request: TurnRequest,
        error: Error,
    ) -> Result<Turn> {
        match self.begun_before(store, request.once.as_ref()).await? {
            Some(run) => Ok(Turn::again(run)),
            None => Err(error),
        }
    }

    /// The newest messages, once no turn is under way. A run whose process died is ended here.
    async fn free(
        &self,
        store: &TenantStore,
        conversation: ConversationId,
        page: History,
    ) -> Result<History> {
        let now = self.app.clock.now();
        let newest = page.newest_first.first();
        let pending = newest.filter(|newest| newest.pending_until.is_some_and(|until| now < until));
        let Some(question) = pending else {
            return Ok(page);
        };
        let run = match question.run {
            Some(run) => store.run_get(run).await?,
            None => None,
        };
        let run = match run {
            Some(run) => self.settled(store, run).await?,
            None => None,
        };
        if run.is_none_or(|run| !run.status.is_terminal()) {
            return Err(Error::ConversationBusy);
        }
        store.message_newest(conversation, FIRST_PAGE).await
    }
}
