//! A turn: a question is stored, a model answers, the answer is stored.
//!
//! 1. The conversation and its newest messages are read, side by side.
//! 2. The question is stored, which claims the turn; older messages that fit the window are read beside it.
//! 3. The provider is asked, in a task of its own: whether the client stays or goes, the answer is finished.
//! 4. The answer and the conversation are written in one transaction; only then the turn is done.

use std::time::{Duration, Instant};

use shared::auth::Caller;
use shared::error::ProviderFault;
use shared::http::Problem;
use shared::model::{
    Answer, Conversation, ConversationId, FinishReason, MAX_CONTENT_BYTES, Message, MessageContent,
    MessageId, RequestId, Role, Usage,
};
use shared::store::{Begun, History, TenantStore};
use shared::{App, Error, Result};
use tokio::sync::mpsc;

use crate::catalogue::{Catalogue, Model};
use crate::context::Window;
use crate::provider::{Part, Prompt, Providers};

/// How many of the newest messages the first read takes. Enough for most windows of most conversations, and
/// small enough to cost few read units.
const FIRST_PAGE: u32 = 16;
/// How many events wait for a slow client before the provider has to.
const EVENTS_WAITING: usize = 64;
/// How long a client may read nothing before it counts as gone.
const CLIENT_PATIENCE: Duration = Duration::from_secs(20);
/// How often the outcome is written again when the table does not take it.
const STORE_ATTEMPTS: u32 = 4;

/// What a caller asks.
#[derive(Debug)]
pub struct TurnRequest {
    /// In which conversation.
    pub conversation: ConversationId,
    /// What the person says.
    pub content: MessageContent,
    /// Until when the provider must have answered.
    pub deadline: Instant,
    /// The request, for the log.
    pub request_id: RequestId,
}

/// What happens in a turn after it has begun.
#[derive(Debug)]
pub enum TurnEvent {
    /// More of the answer's text.
    Delta(String),
    /// The answer is complete and stored. The last event.
    Done(Message),
    /// The turn failed; its question is kept. The last event.
    Failed(Error),
}

/// A turn that has begun.
#[derive(Debug)]
pub struct Turn {
    /// The stored question.
    pub question: Message,
    /// The id that the answer will have.
    pub answer_id: MessageId,
    /// Who answers.
    pub model: Model,
    /// What happens.
    pub events: mpsc::Receiver<TurnEvent>,
}

/// Runs turns.
#[derive(Debug, Clone)]
pub struct Engine {
    app: App,
    catalogue: Catalogue,
    providers: Providers,
}

/// What the task that runs a turn needs.
struct Running {
    engine: Engine,
    store: TenantStore,
    conversation: Conversation,
    question: Message,
    answer_id: MessageId,
    model: Model,
    window: Window,
    deadline: Instant,
    request_id: RequestId,
    events: Option<mpsc::Sender<TurnEvent>>,
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

impl Engine {
    /// With those models and providers.
    pub const fn new(app: App, catalogue: Catalogue, providers: Providers) -> Self {
        Self {
            app,
            catalogue,
            providers,
        }
    }

    /// Begins a turn. Until it returns, nothing was spent; from then on the turn goes on by itself.
    pub async fn begin(&self, caller: &Caller, request: TurnRequest) -> Result<Turn> {
        let store = self.app.store.of(caller);
        let id = request.conversation;
        let (conversation, page) = tokio::try_join!(
            store.conversation_get(id),
            store.message_history(id, u64::MAX, FIRST_PAGE)
        )?;
        let conversation = conversation.ok_or(Error::NotFound("conversation"))?;
        let model = self.model_of(&conversation)?;
        let mut window = window(&model, &conversation, &request.content)?;
        let now = self.app.clock.now();
        let question = question(&page, request.content, now, request.deadline)?;

        window.fill(&page.newest_first);
        let (begun, ()) = tokio::try_join!(
            store.turn_begin(id, &question),
            fill_with_older(&store, id, &mut window, page)
        )?;
        if begun == Begun::TakenByAnother {
            return Err(Error::ConversationBusy);
        }

        let (sender, events) = mpsc::channel(EVENTS_WAITING);
        let answer_id = MessageId::new();
        let running = Running {
            engine: self.clone(),
            store,
            conversation,
            question: question.clone(),
            answer_id,
            model: model.clone(),
            window,
            deadline: request.deadline,
            request_id: request.request_id,
            events: Some(sender),
        };
        tokio::spawn(running.run());
        Ok(Turn {
            question,
            answer_id,
            model,
            events,
        })
    }

    fn model_of(&self, conversation: &Conversation) -> Result<Model> {
        let model = match &conversation.model {
            Some(id) => self.catalogue.find(id).ok_or_else(|| {
                let detail = "the conversation's model is not offered any more; set `model` to one of GET /api/v1/models";
                Error::invalid("/model", detail)
            })?,
            None => self
                .catalogue
                .default_model()
                .ok_or_else(|| Error::internal("no model is configured"))?,
        };
        Ok(model.clone())
    }
}

fn window(model: &Model, conversation: &Conversation, content: &MessageContent) -> Result<Window> {
    let system_prompt = conversation.system_prompt.as_deref();
    Window::new(model.spec(), system_prompt, content.as_str()).map_err(|(needed, available)| {
        let detail = format!(
            "is too long for the model {}: it has about {needed} tokens, and at most {available} fit",
            model.spec().id
        );
        Error::invalid("/content", detail)
    })
}

/// The message that begins the turn after those. A question takes the next number and leaves one for its
/// answer.
fn question(
    page: &History,
    content: MessageContent,
    now: shared::clock::Moment,
    deadline: Instant,
) -> Result<Message> {
    let newest = page.newest_first.first();
    if newest.is_some_and(|newest| newest.pending_until.is_some_and(|until| now < until)) {
        return Err(Error::ConversationBusy);
    }
    let next = newest.map_or(1, |newest| match newest.role {
        Role::Assistant => newest.sequence + 1,
        Role::User => newest.sequence + 2,
    });
    // The outcome is stored after the deadline; a process that died stores none.
    let longest = deadline.saturating_duration_since(Instant::now()) + Duration::from_secs(10);
    Ok(Message {
        id: MessageId::new(),
        sequence: next,
        parent: newest.map(|newest| newest.id),
        role: Role::User,
        content: content.into_string(),
        answer: None,
        failure: None,
        pending_until: Some(now.plus(longest)),
        created_at: now,
    })
}

async fn fill_with_older(
    store: &TenantStore,
    conversation: ConversationId,
    window: &mut Window,
    mut page: History,
) -> Result<()> {
    while let (true, Some(oldest), Some(wanted)) = (
        page.has_more,
        page.newest_first.last(),
        window.wants(&page.newest_first),
    ) {
        page = store
            .message_history(conversation, oldest.sequence, wanted)
            .await?;
        window.fill(&page.newest_first);
    }
    Ok(())
}

impl Running {
    async fn run(mut self) {
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
        let prompt = Prompt {
            model: &self.model,
            system_prompt: self.conversation.system_prompt.as_deref(),
            messages: window.into_messages(),
        };
        let mut completion = self
            .engine
            .providers
            .complete(&prompt, self.deadline)
            .await?;
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
            }
        }
        let latency = started.elapsed();
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
