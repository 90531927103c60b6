//! The rows that a turn begins with.

use std::time::{Duration, Instant};

use shared::Result;
use shared::clock::Moment;
use shared::model::{Message, MessageId, Role, Run, RunId, RunStatus, RunnerId};

use crate::place::next_place;
use crate::plan::Plan;
use crate::queued::QUEUED_AT_MOST;
use crate::recorder::LEASE;
use crate::turn::{Engine, TurnRequest};

impl Engine {
    /// The rows that a turn begins with. A question takes the number after the newest message's and leaves one for
    /// its answer.
    pub(crate) fn written_first(
        &self,
        request: &TurnRequest,
        newest: Option<&Message>,
        plan: &Plan,
    ) -> Result<(Run, Message)> {
        let now = self.app.clock.now();
        let first = plan.first()?;
        // What comes with the question stands right before it.
        let next = match newest {
            Some(last) if !request.before.is_empty() => last.sequence + 1,
            newest => next_place(newest),
        };
        // The outcome is stored after the deadline; a process that died stores none.
        let (status, left) = if request.background {
            let most = QUEUED_AT_MOST + self.app.config.background_timeout;
            (RunStatus::Queued, most)
        } else {
            let left = request.deadline.saturating_duration_since(Instant::now());
            (RunStatus::InProgress, left)
        };
        let longest = left + Duration::from_secs(10);
        // In this order, so that the ids of messages sort as they follow each other.
        let (question, id) = (MessageId::new(), RunId::new());
        let run = Run {
            id,
            conversation: request.conversation,
            question,
            question_sequence: next,
            answer: MessageId::of_run(id),
            request: request.request_id,
            provider: first.model.provider().name.clone(),
            model: first.model.spec().id.clone(),
            route: plan.route.clone(),
            settings: first.settings.clone(),
            status,
            attempts: Vec::new(),
            usage: None,
            cost: None,
            sent_tokens: first.window.used(),
            context: None,
            retrieval: None,
            reservation: None,
            problem: None,
            owner: RunnerId::new(),
            lease_until: now.plus(LEASE),
            cancel_requested: false,
            thread_until: request.thread.as_ref().map(|thread| thread.until),
            metadata: request.metadata.clone(),
            end: None,
            created_at: now,
            ended_at: None,
        };
        let question = self::question(&run, request, newest, now.plus(longest));
        Ok((run, question))
    }
}

/// The row of what is asked, which waits for its answer until `pending_until` at most.
fn question(
    run: &Run,
    request: &TurnRequest,
    newest: Option<&Message>,
    pending_until: Moment,
) -> Message {
    let asked = &request.asked.question;
    let keeps = (request.thread.as_ref()).is_none_or(|thread| thread.keeps_question);
    let kept = if keeps {
        asked.parts.clone()
    } else {
        Vec::new()
    };
    let (content, parts) = Message::content_of(kept);
    Message {
        id: run.question,
        sequence: run.question_sequence,
        parent: newest.map(|newest| newest.id),
        run: Some(run.id),
        role: asked.role,
        content,
        parts,
        removed: Vec::new(),
        tool_rounds: match (asked.role, newest) {
            (Role::Tool, Some(newest)) => newest.tool_rounds,
            _ => 0,
        },
        answer: None,
        failure: None,
        pending_until: Some(pending_until),
        created_at: run.created_at,
    }
}
