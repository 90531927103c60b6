//! A turn: a question is stored, a model answers, the answer is stored.
//!
//! 1. The conversation and its newest messages are read, side by side.
//! 2. The question is stored, which claims the turn; older messages that fit the window are read beside it.
//! 3. The provider is asked, in a task of its own: whether the client stays or goes, the answer is finished.
//! 4. The answer and the conversation are written in one transaction; only then the turn is done.

use std::time::{Duration, Instant};

use shared::auth::Caller;
use shared::http::TraceContext;
use shared::model::{
    Conversation, ConversationId, Message, MessageContent, MessageId, RequestId, Role,
};
use shared::store::{Begun, History, TenantStore};
use shared::{App, Error, Result};
use tokio::sync::mpsc;

use crate::catalogue::{Catalogue, Model};
use crate::context::Window;
use crate::provider::{Providers, TenantKeys};
use crate::running::Running;

/// How many of the newest messages the first read takes. Enough for most windows of most conversations, and
/// small enough to cost few read units.
const FIRST_PAGE: u32 = 16;
/// How many events wait for a slow client before the provider has to.
const EVENTS_WAITING: usize = 64;
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
    /// The trace that the provider's part belongs to.
    pub trace: TraceContext,
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
    pub(crate) app: App,
    catalogue: Catalogue,
    pub(crate) providers: Providers,
    pub(crate) tenant_keys: TenantKeys,
}

impl Engine {
    /// With those models and providers.
    pub fn new(app: App, catalogue: Catalogue, providers: Providers) -> Self {
        // What tenants bring is sealed with it.
        app.vault.needed_at_start();
        Self {
            tenant_keys: TenantKeys::new(&app),
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
            trace: request.trace,
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
