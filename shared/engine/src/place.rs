//! Where a turn takes place: in a conversation, or in a thread, and what comes with the question.

use shared::clock::Moment;
use shared::model::{Conversation, ConversationId, Message, MessageId, Role, Said, Thread};
use shared::store::{History, TenantStore};
use shared::{Error, Result};

use crate::turn::{FIRST_PAGE, TurnRequest};

/// That a turn is in a thread and not in a conversation.
#[derive(Debug, Clone)]
pub struct InThread {
    /// Whether it begins the thread.
    pub is_new: bool,
    /// Whether there are messages in it nevertheless, because they were copied.
    pub has_messages: bool,
    /// What the model is told in this turn and all later ones, after what it is told already.
    pub system_prompt: Option<String>,
    /// Until when the thread is kept from now on.
    pub until: Moment,
    /// Whether what is asked is stored. Otherwise only the answer is, and what comes before the question is not either.
    pub keeps_question: bool,
}

/// What is kept of a turn for those who fetch it later, beside its messages.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// What was asked beside the messages, in the words of whoever asks: nobody else reads it.
    pub text: String,
    /// Until when.
    pub until: Moment,
}

/// Where a turn takes place.
pub(crate) struct Place {
    /// As the turn sees it.
    pub(crate) conversation: Conversation,
    /// As it shall be, if it is a thread, and whether it is new.
    pub(crate) thread: Option<(Thread, bool)>,
}

impl Place {
    /// `None` if there is no such place.
    pub(crate) async fn read(
        store: &TenantStore,
        request: &TurnRequest,
        now: Moment,
    ) -> Result<Option<Self>> {
        let id = request.conversation;
        let Some(wanted) = &request.thread else {
            let found = store.conversation_get(id).await?;
            return Ok(found.map(|conversation| Self {
                conversation,
                thread: None,
            }));
        };
        let thread = if wanted.is_new {
            Some(Thread {
                id,
                system_prompt: None,
                created_at: now,
                expires_at: wanted.until,
            })
        } else {
            store.thread_get(id, now).await?
        };
        Ok(thread.map(|thread| {
            let thread = Thread {
                system_prompt: joined(thread.system_prompt, wanted.system_prompt.as_deref()),
                expires_at: wanted.until.max(thread.expires_at),
                ..thread
            };
            Self {
                conversation: thread.as_conversation(),
                thread: Some((thread, wanted.is_new)),
            }
        }))
    }

    /// Both, with what the model is told in this turn alone in the conversation.
    pub(crate) fn instructed(
        self,
        instructions: Option<&str>,
    ) -> (Conversation, Option<(Thread, bool)>) {
        let mut conversation = self.conversation;
        let told = conversation.system_prompt.take();
        conversation.system_prompt = joined(told, instructions);
        (conversation, self.thread)
    }
}

/// The newest messages. A new thread has none.
pub(crate) async fn newest(store: &TenantStore, request: &TurnRequest) -> Result<History> {
    let thread = request.thread.as_ref();
    if thread.is_some_and(|thread| thread.is_new && !thread.has_messages) {
        return Ok(History {
            newest_first: Vec::new(),
            has_more: false,
            summary: None,
        });
    }
    store.message_newest(request.conversation, FIRST_PAGE).await
}

/// The conversation or thread of a run that was begun before.
pub(crate) async fn of_run(
    store: &TenantStore,
    id: ConversationId,
    is_thread: bool,
    now: Moment,
) -> Result<Conversation> {
    let found = if is_thread {
        let thread = store.thread_get(id, now).await?;
        thread.map(|thread| thread.as_conversation())
    } else {
        store.conversation_get(id).await?
    };
    found.ok_or(Error::NotFound("conversation"))
}

/// What comes with the question, as messages that follow the newest one, to which they are put.
pub(crate) fn brought(said: &[Said], page: &mut History, now: Moment) -> Vec<Message> {
    let messages = following(said, page.newest_first.first(), now);
    page.newest_first
        .splice(..0, messages.iter().rev().cloned());
    messages
}

/// What comes with the question, as messages that follow the newest one.
pub fn following(said: &[Said], newest: Option<&Message>, now: Moment) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::new();
    for said in said {
        let before = messages.last().or(newest);
        let (content, parts) = Message::content_of(said.parts.clone());
        messages.push(Message {
            id: MessageId::new(),
            sequence: match messages.last() {
                Some(last) => last.sequence + 1,
                None => next_place(newest),
            },
            parent: before.map(|before| before.id),
            run: None,
            role: said.role,
            content,
            parts,
            removed: Vec::new(),
            // Whoever brings answers with calls decides how often that goes on.
            tool_rounds: 0,
            answer: None,
            failure: None,
            pending_until: None,
            created_at: now,
        });
    }
    messages
}

/// The place after a message. A question that waits for its answer, or has none, leaves a place for it.
pub(crate) fn next_place(newest: Option<&Message>) -> u64 {
    newest.map_or(1, |newest| match newest.role {
        Role::Assistant => newest.sequence + 1,
        Role::User | Role::Tool => newest.sequence + 2,
    })
}

fn joined(one: Option<String>, other: Option<&str>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) => Some(format!("{one}\n\n{other}")),
        (one, other) => one.or_else(|| other.map(ToOwned::to_owned)),
    }
}
