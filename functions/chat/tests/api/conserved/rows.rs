//! The rows of a run as the engine writes them.

use std::time::Duration;

use shared::clock::Moment;
use shared::model::{
    Actor, Answer, Attempt, AttemptPurpose, Budget, FinishReason, Message, MessageId, MicroDollars,
    ModelSettings, RequestId, Reservation, Role, Run, RunEnd, RunId, RunStatus, RunnerId, Spend,
    Usage,
};

use crate::helpers::id;

pub(super) fn amount(run: &Run) -> Spend {
    run.reservation.as_ref().expect("reserved").amount
}

pub(super) fn new_run(path: &str, amount: u64, budgets: &[Budget], now: Moment) -> (Message, Run) {
    let run = Run {
        id: RunId::new(),
        conversation: id(path),
        question: MessageId::new(),
        question_sequence: 1,
        answer: MessageId::new(),
        request: RequestId::new(),
        provider: "scripted".to_owned(),
        model: "large".to_owned(),
        route: None,
        settings: ModelSettings::default(),
        status: RunStatus::InProgress,
        attempts: Vec::new(),
        usage: None,
        cost: None,
        sent_tokens: amount / 2,
        context: None,
        retrieval: None,
        reservation: Some(Reservation {
            amount: Spend {
                micro_dollars: MicroDollars(amount),
                tokens: amount,
            },
            budgets: budgets.iter().map(Budget::counted_by).collect(),
            actor: Actor::User(budgets[0].changed_by),
        }),
        problem: None,
        owner: RunnerId::new(),
        lease_until: now.plus(Duration::from_secs(10)),
        cancel_requested: false,
        thread_until: None,
        metadata: Default::default(),
        end: None,
        created_at: now,
        ended_at: None,
    };
    let question = Message {
        id: run.question,
        sequence: 1,
        parent: None,
        run: Some(run.id),
        role: Role::User,
        content: "What?".to_owned(),
        parts: Vec::new(),
        removed: Vec::new(),
        tool_rounds: 0,
        answer: None,
        failure: None,
        pending_until: Some(now.plus(Duration::from_secs(70))),
        created_at: now,
    };
    (question, run)
}

/// The run as its process ends it.
pub(super) fn ended(run: &Run, part: u64, now: Moment) -> Run {
    let charge = amount(run).tokens * part / 100;
    Run {
        status: RunStatus::Completed,
        attempts: vec![Attempt {
            provider: run.provider.clone(),
            model: run.model.clone(),
            purpose: AttemptPurpose::Answer,
            problem: None,
            first_token_ms: None,
            latency_ms: 1,
            cached_from: None,
            usage: Some(Usage {
                input_tokens: charge,
                ..Usage::default()
            }),
            usage_estimated: false,
            cost_micro_dollars: Some(MicroDollars(charge)),
            price_version: None,
        }],
        cost: Some(MicroDollars(charge)),
        end: Some(RunEnd { stored: 0, last: 1 }),
        ended_at: Some(now),
        ..run.clone()
    }
}

pub(super) fn answer(run: &Run, now: Moment) -> Message {
    Message {
        id: run.answer,
        sequence: 2,
        parent: Some(run.question),
        run: Some(run.id),
        role: Role::Assistant,
        content: "That.".to_owned(),
        parts: Vec::new(),
        removed: Vec::new(),
        tool_rounds: 0,
        answer: Some(Answer {
            provider: run.provider.clone(),
            model: run.model.clone(),
            finish_reason: FinishReason::Stop,
            usage: None,
            first_token_ms: None,
            latency_ms: None,
            cached: None,
            citations: Vec::new(),
            support: None,
        }),
        failure: None,
        pending_until: None,
        created_at: now,
    }
}
