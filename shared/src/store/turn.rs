//! Turns: how a question, its run and its answer are written together.
//!
//! A run is worked on by one process, whose number is its `owner`. What the process writes is conditioned on
//! that number; whoever ends the run of a process that died puts another number there, so that a process that
//! was only slow can't write after that. An end that is written twice, because the reply to the first was lost, is
//! written once: the second finds a run that has ended.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use super::TenantStore;
use super::conversation::IS_THERE;
use super::idempotency::Once;
use super::item::{Written, n, s, value};
use super::job::StoredJob;
use super::queued::QueuedRun;
use crate::clock::Moment;
use crate::error::{Error, Result};
use crate::model::{Budget, Message, Run, RunnerId, Thread};

/// What became of the attempt to begin a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// The question and the run are stored.
    Yes,
    /// Another turn took the sequence number first; nothing was written.
    TakenByAnother,
    /// The same request has begun a run already; nothing was written.
    Before,
    /// A budget has no room for what the run reserves; nothing was written.
    NoRoom,
}

/// What became of the attempt to end a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It is written.
    Yes,
    /// The run is not this process's any more; nothing was written.
    TakenOver,
    /// The conversation was deleted meanwhile; nothing was written.
    ConversationGone,
}

/// What a turn begins with.
#[derive(Debug, Clone, Copy)]
pub struct Beginning<'a> {
    /// What is asked.
    pub question: &'a Message,
    /// Its run.
    pub run: &'a Run,
    /// As what it is done only once.
    pub once: Option<&'a Once>,
    /// Those of which it reserves.
    pub budgets: &'a [Budget],
    /// What a worker needs, if one is to run it.
    pub queued: Option<&'a (QueuedRun, String)>,
    /// Messages that come with the question, and stand right before it.
    pub before: &'a [Message],
    /// The thread as it shall be, and whether it is new, if it is in one.
    pub thread: Option<(&'a Thread, bool)>,
    /// What is asked beside the messages, and until when that is kept, if it can be fetched.
    pub response: Option<(&'a str, Moment)>,
}

impl<'a> Beginning<'a> {
    /// A question in a conversation, and nothing else.
    pub const fn new(question: &'a Message, run: &'a Run) -> Self {
        Self {
            question,
            run,
            once: None,
            budgets: &[],
            queued: None,
            before: &[],
            thread: None,
            response: None,
        }
    }
}

impl TenantStore {
    /// Stores the question and its run, which claims the turn, and reserves what it may cost of those budgets: all or
    /// nothing. A run that waits for a worker is queued with it, with what the worker needs.
    pub async fn turn_begin(&self, beginning: Beginning<'_>) -> Result<Begun> {
        let Beginning {
            question,
            run,
            once,
            budgets,
            queued,
            before,
            thread,
            response,
        } = beginning;
        let amount = run.reservation.as_ref().map(|reserved| reserved.amount);
        if amount.is_some_and(|amount| !budgets.iter().all(|budget| budget.could_fit(&amount))) {
            return Ok(Begun::NoRoom);
        }
        let mut parts = vec![
            self.message_put(run.conversation, question, run.thread_until)?,
            self.run_put(run)?,
        ];
        if let Some(once) = once {
            parts.push(self.once_put(once, run.id, run.created_at)?);
        }
        if let Some((queued, work)) = queued {
            parts.extend(self.queue_parts(run, queued, work)?);
        }
        if let Some((thread, is_new)) = thread {
            parts.push(self.thread_part(thread, is_new)?);
        }
        if let Some((response, until)) = response {
            parts.push(self.response_part(run.id, response, until)?);
        }
        let before_messages = parts.len();
        for message in before {
            parts.push(self.message_put(run.conversation, message, run.thread_until)?);
        }
        let before_budgets = parts.len();
        let until = question.pending_until.unwrap_or(run.lease_until);
        if let Some(reservation) = &run.reservation {
            let times = (run.id, run.created_at, until);
            parts.extend(self.reserve_parts(times, reservation, budgets)?);
        }
        match self.store.transact(parts).await? {
            Written::Yes => Ok(Begun::Yes),
            Written::ConditionFailed { place: 0 } => Ok(Begun::TakenByAnother),
            Written::ConditionFailed { place } if place > before_budgets => Ok(Begun::NoRoom),
            Written::ConditionFailed { place }
                if (before_messages..before_budgets).contains(&place) =>
            {
                Ok(Begun::TakenByAnother)
            }
            Written::ConditionFailed { place: 2 } if once.is_some() => Ok(Begun::Before),
            Written::ConditionFailed { .. } => Err(Error::internal("the new run exists already")),
        }
    }

    /// Stores the answer and the end of the run, settles it, moves the conversation to the top of the list, and creates the
    /// job that it causes. `run` is as it shall be; `owner` is who ends it.
    pub async fn turn_end(
        &self,
        run: &Run,
        owner: RunnerId,
        answer: &Message,
        job: Option<&StoredJob>,
    ) -> Result<Ended> {
        let mut parts = vec![
            self.run_end(run, owner)?,
            self.touch(run, answer.created_at)?,
            self.message_put(run.conversation, answer, run.thread_until)?,
        ];
        parts.extend(self.settle_run_parts(run, answer.created_at)?);
        if let Some(job) = job {
            parts.extend(self.job_parts(job)?);
        }
        self.ended(parts).await
    }

    /// Stores the end of a run without an answer, settles it, and notes why at its question, so that the next turn
    /// need not wait.
    pub async fn turn_fail(
        &self,
        run: &Run,
        owner: RunnerId,
        failure: &str,
        now: Moment,
    ) -> Result<Ended> {
        let end = self.run_end(run, owner)?;
        self.ended(self.failure_parts(end, run, failure, now)?)
            .await
    }

    /// The parts that end a run without an answer; `end` is that of its own row.
    pub(super) fn failure_parts(
        &self,
        end: TransactWriteItem,
        run: &Run,
        failure: &str,
        now: Moment,
    ) -> Result<Vec<TransactWriteItem>> {
        let question = self.message_key(run.conversation, run.question_sequence);
        let mut parts = vec![
            end,
            self.touch(run, now)?,
            self.store.update(
                question,
                "SET failure = :failure REMOVE pending_until",
                "id = :id",
                [
                    (":failure", s(failure)),
                    (":id", s(run.question.to_string())),
                ],
            )?,
        ];
        parts.extend(self.settle_run_parts(run, now)?);
        Ok(parts)
    }

    pub(super) async fn ended(&self, parts: Vec<TransactWriteItem>) -> Result<Ended> {
        match self.store.transact(parts).await? {
            Written::Yes => Ok(Ended::Yes),
            Written::ConditionFailed { place: 0 } => Ok(Ended::TakenOver),
            Written::ConditionFailed { place: 1 } => Ok(Ended::ConversationGone),
            Written::ConditionFailed { .. } => Err(Error::internal(
                "the answer's place is taken, or the run was settled before",
            )),
        }
    }

    /// Settles a turn whose conversation was deleted while it ran, and takes back its question and its run. Two
    /// transactions: as long as the run is there, whoever finds it does this again.
    pub async fn turn_forget(&self, run: &Run, now: Moment) -> Result<()> {
        if let Some(reservation) = &run.reservation {
            let charge = run.charge();
            self.reservation_settle(run.id, run.created_at, reservation, &charge, now)
                .await?;
        }
        let parts = vec![
            self.store
                .delete_any(self.message_key(run.conversation, run.question_sequence))?,
            self.store.delete_any(self.run_key(run.id))?,
        ];
        self.store.transact(parts).await?.surely()
    }

    fn touch(&self, run: &Run, now: Moment) -> Result<TransactWriteItem> {
        if let Some(until) = run.thread_until {
            return self.thread_touch(run.conversation, until);
        }
        let now: AttributeValue = value(now)?;
        self.store.update(
            self.conversation_key(run.conversation),
            "SET active_at = :now ADD version :one",
            IS_THERE,
            [(":now", now), (":one", n(1))],
        )
    }
}
