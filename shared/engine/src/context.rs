//! What the model is sent: the newest messages that fit its window, and where older ones don't, the summary of them.
//!
//! What is sent depends on the stored rows, the settings and the model alone:
//! - What fits as a whole is sent as a whole.
//! - Otherwise the summary is sent if it takes at most half of the room for messages, and after it the newest messages
//!   that fit. What it covers is not sent again by models with a window no larger than that of the model that it was made
//!   for, so that a prompt begins as the one before it did, which providers' caches pay for; a larger window takes as many
//!   of those messages as it has room for.

use shared::model::{
    ContentPart, ContextOverflow, Message, MessageId, ModelSpec, Question, Role, RunContext,
    Summary, text_of,
};

use shared::Result;

use crate::history;
use crate::provider::PromptMessage;
use crate::retrieval;
use crate::summary;
use crate::tokens;

/// One message as a provider gets it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Turned {
    pub(crate) role: Role,
    pub(crate) parts: Vec<ContentPart>,
}

/// A place in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) sequence: u64,
    pub(crate) message: MessageId,
}

/// A message that fits.
#[derive(Debug)]
struct Held {
    place: Place,
    tokens: u64,
    turned: Turned,
}

/// The window of a model while it is filled, newest message first.
#[derive(Debug)]
pub(crate) struct Window {
    context_window: u32,
    /// How many tokens there are for messages before the question.
    room: u64,
    /// How many tokens instructions, tools and question have.
    fixed: u64,
    question: Turned,
    /// How many of the fixed tokens are for passages of documents.
    for_passages: u64,
    /// Those passages, once they are known.
    passages: Option<PromptMessage>,
    overflow: ContextOverflow,
    /// What stands in for the oldest messages, if there is something, sent or not, and its tokens.
    summary: Option<(Summary, u64)>,
    pinned: bool,
    held: Vec<Held>,
    held_tokens: u64,
    full: bool,
    /// The newest message that did not fit.
    left_out: Option<Place>,
}

impl Window {
    /// A window of so many tokens with an answer of so many, instructions and tools of so many, and the question in it.
    /// `Err` has how many tokens the question has and how many it may have.
    pub(crate) fn new(
        context_window: u32,
        max_output_tokens: u32,
        instructions: u64,
        question: &Question,
    ) -> Result<Self, (u64, u64)> {
        let total = u64::from(context_window);
        let reserved = u64::from(max_output_tokens) + instructions;
        let available = total.saturating_sub(reserved);
        let needed = tokens::of_parts(&question.parts);
        if needed > available {
            return Err((needed, available));
        }
        Ok(Self {
            context_window,
            room: available - needed,
            fixed: instructions + needed,
            question: Turned {
                role: question.role,
                parts: question.parts.clone(),
            },
            for_passages: 0,
            passages: None,
            overflow: ContextOverflow::Truncate,
            summary: None,
            pinned: false,
            held: Vec::new(),
            held_tokens: 0,
            full: false,
            left_out: None,
        })
    }

    /// The same with room set aside for passages of documents.
    ///
    /// # Errors
    /// `Invalid` if there is too little.
    pub(crate) fn with_passages(self) -> Result<Self> {
        let for_passages = retrieval::room(self.room)?;
        Ok(Self {
            room: self.room - for_passages,
            fixed: self.fixed + for_passages,
            for_passages,
            ..self
        })
    }

    /// How many tokens are set aside for passages.
    pub(crate) const fn for_passages(&self) -> u64 {
        self.for_passages
    }

    /// Takes passages of so many tokens, no more than were set aside.
    pub(crate) fn retrieved(&mut self, passages: PromptMessage, tokens: u64) {
        self.fixed = self.fixed - self.for_passages + tokens;
        self.for_passages = tokens;
        self.passages = Some(passages);
    }

    /// What was asked last before the question, as far as it is sent.
    pub(crate) fn question_before(&self) -> Option<String> {
        let mut asked = self.held.iter().map(|held| &held.turned);
        let before = asked.find(|turned| turned.role == Role::User)?;
        Some(text_of(&before.parts))
    }

    /// The same where older messages are treated like that, and with the summary that there is.
    pub(crate) fn with_summary(self, overflow: ContextOverflow, summary: Option<&Summary>) -> Self {
        Self {
            overflow,
            summary: summary.map(|summary| (summary.clone(), summary::tokens(&summary.text))),
            ..self
        }
    }

    /// Adds older messages until one does not fit: from there on nothing is added, because a conversation
    /// with a hole in it misleads.
    pub(crate) fn fill(&mut self, model: &ModelSpec, newest_first: &[Message]) {
        for message in newest_first.iter().filter(|message| can_be_sent(message)) {
            if self.full {
                return;
            }
            if self.stands_in_for(message.sequence) {
                self.overflows();
                return;
            }
            let place = Place {
                sequence: message.sequence,
                message: message.id,
            };
            let tokens = tokens::of_message(message, model);
            if tokens > self.room - self.held_tokens {
                self.left_out = Some(place);
                self.overflows();
                return;
            }
            self.held_tokens += tokens;
            self.held.push(Held {
                place,
                tokens,
                turned: Turned {
                    role: message.role,
                    parts: message.all_parts().into_owned(),
                },
            });
        }
    }

    /// Not everything fits: the summary comes in, if there is one, and takes its room from the oldest messages.
    fn overflows(&mut self) {
        self.full = true;
        let Some((_, tokens)) = self.usable() else {
            return;
        };
        self.pinned = true;
        while self.held_tokens + tokens > self.room {
            let Some(oldest) = self.held.pop() else { break };
            self.held_tokens -= oldest.tokens;
            self.left_out = Some(oldest.place);
        }
    }

    /// The summary and its tokens, if it may be sent.
    fn usable(&self) -> Option<(&Summary, u64)> {
        let (summary, tokens) = self.summary.as_ref()?;
        let wanted = self.overflow == ContextOverflow::Summarize;
        (wanted && tokens * 2 <= self.room).then_some((summary, *tokens))
    }

    /// Whether the summary is sent in the place of that message.
    fn stands_in_for(&self, sequence: u64) -> bool {
        self.usable().is_some_and(|(summary, _)| {
            sequence <= summary.covers_until && self.context_window <= summary.context_window
        })
    }

    /// How many more messages to read, if they are like those of `page`. `None` if none would fit.
    pub(crate) fn wants(&self, model: &ModelSpec, page: &[Message]) -> Option<u32> {
        if self.full {
            return None;
        }
        let oldest = page.last()?;
        let costs = page
            .iter()
            .map(|message| tokens::of_message(message, model));
        let average = costs.sum::<u64>() / page.len() as u64;
        let wanted = (self.room - self.held_tokens) / average.max(1) * 5 / 4 + 4;
        let until = self.usable().map(|(summary, _)| summary);
        let until = until.filter(|summary| self.stands_in_for(summary.covers_until));
        // One more shows that the summary begins there.
        let most = until.map_or(1000, |summary| {
            oldest.sequence.saturating_sub(summary.covers_until).max(4)
        });
        Some(u32::try_from(wanted.min(most).min(1000)).unwrap_or(1000))
    }

    /// How many tokens the model is sent, as we count them.
    pub(crate) fn used(&self) -> u64 {
        self.fixed + self.held_tokens + self.pinned().map_or(0, |(_, tokens)| tokens)
    }

    fn pinned(&self) -> Option<(&Summary, u64)> {
        self.usable().filter(|_| self.pinned)
    }

    /// The messages for that model, in their order.
    pub(crate) fn messages(&self, model: &ModelSpec) -> Vec<PromptMessage> {
        let pinned = self.pinned().map(|(summary, _)| summary);
        let pinned = pinned.map(|summary| summary::sent(&summary.text, self.leaves_out()));
        let whole = self.holds_all();
        let mut messages = history::sent(pinned, self.turned().into_iter(), model, whole);
        if let Some(passages) = &self.passages {
            // Right before the question, so that what stands before them begins as the prompt before did.
            messages.insert(messages.len().saturating_sub(1), passages.clone());
        }
        messages
    }

    /// How many of the oldest that it holds are not sent, because nothing may begin with them.
    fn begin(&self) -> usize {
        history::begin(&self.turned(), self.pinned || self.holds_all())
    }

    /// What it holds, oldest first.
    fn turned(&self) -> Vec<&Turned> {
        let held = self.held.iter().rev().map(|held| &held.turned);
        held.chain([&self.question]).collect()
    }

    /// What of the conversation is sent, for people.
    pub(crate) fn context(&self) -> RunContext {
        let pinned = self.pinned().map(|(summary, _)| summary);
        let unsent = self.begin();
        RunContext {
            messages: self.held.len().saturating_sub(unsent) as u64,
            summary_until_message_id: pinned.map(|summary| summary.covers_message),
            left_out: self.leaves_out(),
        }
    }

    /// How many tokens it has, with the answer.
    pub(crate) const fn size(&self) -> u32 {
        self.context_window
    }

    /// Whether all messages are in it.
    pub(crate) const fn holds_all(&self) -> bool {
        self.left_out.is_none()
    }

    /// Whether some messages are neither sent nor summed up.
    fn leaves_out(&self) -> bool {
        let pinned = self.pinned().map(|(summary, _)| summary);
        let covered = pinned.map_or(0, |summary| summary.covers_until);
        self.left_out.is_some_and(|place| place.sequence > covered)
            || pinned.is_some_and(|summary| !summary.complete)
            || self.begin() > 0
    }

    /// The summary that there is, and until where a new one must go, if one is needed: where messages are left out that
    /// none covers. Then about half of the room is left for the newest messages, so that the next turns need none.
    pub(crate) fn needs_summary(&self) -> Option<(Option<&Summary>, Place)> {
        let left_out = self.left_out?;
        let longest = summary::longest(self.context_window)?;
        let covered = self.usable().map_or(0, |(summary, _)| summary.covers_until);
        let wanted = self.overflow == ContextOverflow::Summarize;
        if !wanted || longest * 2 > self.room || left_out.sequence <= covered {
            return None;
        }
        let mut kept = self.kept((self.room - longest) / 2);
        if kept == 0 && self.question.role == Role::Tool {
            // Its calls are there.
            kept = 1;
        }
        let until = self.held.get(kept).map_or(left_out, |held| held.place);
        let Some((before, _)) = &self.summary else {
            return Some((None, until));
        };
        let old = Place {
            sequence: before.covers_until,
            message: before.covers_message,
        };
        // It is never taken back what is summed up: at worst it is said in fewer words.
        let until = if until.sequence > old.sequence {
            until
        } else {
            old
        };
        Some((Some(before), until))
    }

    /// How many of the newest messages have at most so many tokens, if they shall begin with a person's, or, in a long row
    /// of calls, at least with a model's.
    fn kept(&self, most: u64) -> usize {
        let mut tokens = 0;
        let fitting = self.held.iter().take_while(|held| {
            tokens += held.tokens;
            tokens <= most
        });
        let roles: Vec<Role> = fitting.map(|held| held.turned.role).collect();
        let oldest = |role: Role| roles.iter().rposition(|one| *one == role);
        let oldest = oldest(Role::User).or_else(|| oldest(Role::Assistant));
        oldest.map_or(0, |index| index + 1)
    }

    /// Takes a summary that was just made, in the place of what it covers.
    pub(crate) fn summarized(&mut self, summary: &Summary) {
        self.summary = Some((summary.clone(), summary::tokens(&summary.text)));
        self.pinned = false;
        let before = self.held.len();
        let mut held = std::mem::take(&mut self.held);
        held.retain(|held| !self.stands_in_for(held.place.sequence));
        self.held_tokens = held.iter().map(|held| held.tokens).sum();
        self.held = held;
        if self.full || self.held.len() < before {
            self.overflows();
        }
    }
}

/// Not what the provider refused, which it would refuse again with everything after it, and not what is blank,
/// which some providers refuse.
pub(crate) fn can_be_sent(message: &Message) -> bool {
    let refused = matches!(
        message.failure.as_deref(),
        Some("provider-refused" | "provider-context-too-long")
    );
    !refused && history::says_something(&message.all_parts())
}

#[cfg(test)]
mod tests;
