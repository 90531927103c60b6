//! Where a response takes place: in a conversation, in the thread of the response that it follows, or in a new one.

use std::time::Duration;

use engine::{InThread, Said};
use shared::clock::Moment;
use shared::model::ConversationId;
use shared::store::{EVENTS_LAST, TenantStore};
use shared::{Error, Result};

use super::request::Parsed;
use super::{Fetched, fetch_from};
use crate::Chat;

/// For how long a response is stored.
const STORED_FOR: Duration = Duration::from_secs(30 * 24 * 3600);
/// How many messages are read at once of a thread that is only read along.
const READ_AT_ONCE: u32 = 200;

/// Where a response takes place.
pub(super) struct Place {
    pub(super) conversation: ConversationId,
    pub(super) thread: Option<InThread>,
    /// What is said before the request's own messages, where it does not stand there.
    pub(super) before: Vec<Said>,
    /// Until when it can be fetched, if it can.
    pub(super) fetched_until: Option<Moment>,
}

impl Place {
    /// That of a request.
    ///
    /// # Errors
    /// `NotFound` if the response that it follows is not there, `ConversationBusy` if that is not finished.
    pub(super) async fn of(chat: &Chat, store: &TenantStore, parsed: &Parsed) -> Result<Self> {
        let now = chat.app.clock.now();
        let stores = parsed.kept.store;
        let until = now.plus(if stores { STORED_FOR } else { EVENTS_LAST });
        let fetched_until = stores.then_some(until);
        if let Some(conversation) = parsed.conversation {
            return Ok(Self {
                conversation,
                thread: None,
                before: Vec::new(),
                fetched_until,
            });
        }
        let new = Self {
            conversation: ConversationId::new(),
            thread: Some(InThread {
                is_new: true,
                has_messages: false,
                system_prompt: parsed.system.clone(),
                until,
                keeps_question: stores,
            }),
            before: Vec::new(),
            fetched_until,
        };
        let Some(previous) = parsed.previous else {
            return Ok(new);
        };
        let previous = fetch_from(chat, store.clone(), previous).await?;
        let previous = previous.ok_or(Error::NotFound("previous response"))?;
        if !previous.run.status.is_terminal() {
            return Err(Error::ConversationBusy);
        }
        new.after(store, &previous, now).await
    }

    /// The same after another response.
    async fn after(mut self, store: &TenantStore, previous: &Fetched, now: Moment) -> Result<Self> {
        let run = &previous.run;
        let (from, last) = (run.conversation, run.question_sequence + 1);
        let told = if run.thread_until.is_some() {
            let thread = store.thread_get(from, now).await?;
            thread
                .ok_or(Error::NotFound("previous response"))?
                .system_prompt
        } else {
            let conversation = store.conversation_get(from).await?;
            conversation
                .ok_or(Error::NotFound("previous response"))?
                .system_prompt
        };
        let Some(thread) = &mut self.thread else {
            return Ok(self);
        };
        if !thread.keeps_question {
            thread.system_prompt = joined(told, thread.system_prompt.take());
            self.before = read(store, from, last).await?;
            return Ok(self);
        }
        let newest = store.message_newest(from, 2).await?.newest_first;
        let newest = newest.first().map_or(0, |newest| newest.sequence);
        if run.thread_until.is_some() && newest <= last {
            thread.is_new = false;
            thread.has_messages = true;
            self.conversation = from;
            return Ok(self);
        }
        // Something else follows it there already.
        store
            .thread_copy(from, self.conversation, last, thread.until)
            .await?;
        thread.has_messages = true;
        thread.system_prompt = joined(told, thread.system_prompt.take());
        Ok(self)
    }
}

/// The messages up to that place.
async fn read(store: &TenantStore, from: ConversationId, last: u64) -> Result<Vec<Said>> {
    let mut newest_first = Vec::new();
    let mut before = last.saturating_add(1);
    loop {
        let page = store.message_history(from, before, READ_AT_ONCE).await?;
        let oldest = page.newest_first.last().map(|oldest| oldest.sequence);
        newest_first.extend(page.newest_first.into_iter().map(|message| Said {
            role: message.role,
            parts: message.all_parts().into_owned(),
        }));
        match oldest {
            Some(oldest) if page.has_more => before = oldest,
            _ => break,
        }
    }
    newest_first.reverse();
    Ok(newest_first)
}

fn joined(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) => Some(format!("{one}\n\n{other}")),
        (one, other) => one.or(other),
    }
}
