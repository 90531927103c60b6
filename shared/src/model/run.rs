//! Runs: what becomes of a question, from the request to the end of the answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::model::{
    ConversationId, MessageId, MicroDollars, ModelSettings, RequestId, Reservation, Retrieval,
    RunId, RunnerId, Spend, Usage,
};

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// It waits for a worker.
    Queued,
    /// A process works on it.
    InProgress,
    /// The answer is complete.
    Completed,
    /// There is no answer; `problem` says why.
    Failed,
    /// Somebody stopped it. What was written until then is the answer.
    Cancelled,
    /// The process that worked on it died. What is known to be written until then is the answer.
    Incomplete,
}

impl RunStatus {
    /// Whether nothing more happens to it.
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Queued | Self::InProgress)
    }
}

/// What a provider was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptPurpose {
    /// The answer.
    #[default]
    Answer,
    /// A summary of the oldest messages, before the answer.
    Summary,
}

/// One attempt to get an answer out of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Attempt {
    /// The provider.
    pub provider: String,
    /// The model.
    pub model: String,
    /// What it was asked for.
    #[serde(default)]
    #[schema(required = false)]
    pub purpose: AttemptPurpose,
    /// Why it failed: the type of a problem without its prefix. Absent if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// From the call until its first text, in milliseconds. Absent if none came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_token_ms: Option<u64>,
    /// From the call until its end, in milliseconds.
    pub latency_ms: u64,
    /// What it used: as the provider counted it, or as we do where the provider did not say. Absent if nothing is known
    /// to be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Whether `usage` is our count.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub usage_estimated: bool,
    /// What it cost, in micro-dollars. Absent if nothing was used, or the model has no price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micro_dollars: Option<MicroDollars>,
    /// The price list that it was charged by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_version: Option<String>,
    /// The run whose answer was given again. The provider was not asked then: nothing was used, and it cost nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_from: Option<RunId>,
}

/// What the model was sent of the conversation, beside its system prompt and the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RunContext {
    /// How many of its newest messages.
    pub messages: u64,
    /// The newest message that the summary covers; `null` if no summary was sent.
    pub summary_until_message_id: Option<MessageId>,
    /// Whether there are older messages that neither were sent nor are in the summary.
    pub left_out: bool,
}

/// What happened in a run that its events are made of: what stands in its row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The conversation.
    pub conversation: ConversationId,
    /// The question's id.
    pub question: MessageId,
    /// The question's place in the conversation; the answer's is the next one.
    pub question_sequence: u64,
    /// The id that the answer has, or will have.
    pub answer: MessageId,
    /// The request that began it.
    pub request: RequestId,
    /// The provider that is asked first.
    pub provider: String,
    /// The model that is asked first.
    pub model: String,
    /// The route that led to it, if one was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// How it is asked to answer.
    #[serde(default)]
    pub settings: ModelSettings,
    /// Where it is.
    #[serde(rename = "run_status")]
    pub status: RunStatus,
    /// Who was asked, in order. Until the run has ended only summaries stand here.
    pub attempts: Vec<Attempt>,
    /// What the answer used. What attempts before it used stands there.
    pub usage: Option<Usage>,
    /// What all attempts cost. `None` until it is known, and where no model that was asked has a price.
    pub cost: Option<MicroDollars>,
    /// How many tokens the model is sent, as we count them: what is charged if nobody learns what the provider counted.
    #[serde(default)]
    pub sent_tokens: u64,
    /// What the model that was asked last was sent. `None` until one is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<RunContext>,
    /// What was found in knowledge bases for it. `None` until then, and where none are searched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrieval: Option<Retrieval>,
    /// What it has set aside of budgets. It stays when the run has ended, and counts no more then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation: Option<Reservation>,
    /// Why it failed: the type of a problem without its prefix, and the sentence for the client.
    pub problem: Option<RunProblem>,
    /// Who works on it: each process has another one.
    #[serde(rename = "run_owner")]
    pub owner: RunnerId,
    /// Until when it is certain that somebody works on it.
    pub lease_until: Moment,
    /// Whether somebody wants it to stop.
    pub cancel_requested: bool,
    /// Until when its thread is kept. `None` if it is in a conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_until: Option<Moment>,
    /// What the client says of it: up to 16 pairs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// The last event, once there is one.
    pub end: Option<RunEnd>,
    /// When it began.
    pub created_at: Moment,
    /// When it ended.
    pub ended_at: Option<Moment>,
}

impl Run {
    /// What its attempts used and cost, for its budgets. Where it is not known what one of them cost, it is at least
    /// what was reserved.
    pub fn charge(&self) -> Spend {
        let mut charge = Spend::default();
        let mut unknown = false;
        for attempt in &self.attempts {
            let Some(usage) = attempt.usage else { continue };
            let tokens = usage.input_tokens.saturating_add(usage.output_tokens);
            charge.tokens = charge.tokens.saturating_add(tokens);
            match attempt.cost_micro_dollars {
                Some(cost) => charge.micro_dollars = charge.micro_dollars.plus(cost),
                None => unknown = true,
            }
        }
        if let Some(reservation) = self.reservation.as_ref().filter(|_| unknown) {
            let reserved = reservation.amount.micro_dollars;
            charge.micro_dollars = charge.micro_dollars.max(reserved);
        }
        charge
    }
}

/// How the events of a run end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnd {
    /// The number of the last event that is stored as such. What a process that was taken for dead stores after
    /// it does not count.
    pub stored: u64,
    /// The number of the very last event, which is made of the run's and the answer's rows. Where a process died,
    /// it leaves room for events that a client got and nobody stored.
    pub last: u64,
}

/// Why a run failed, as its error event says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunProblem {
    /// The type of the problem, without its prefix.
    pub slug: String,
    /// The problem document as JSON.
    pub document: String,
}

/// One event of a run as it is sent and stored. The first has the number 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEvent {
    /// Its number.
    pub sequence: u64,
    /// Its name.
    pub name: String,
    /// Its data, which is JSON.
    pub data: String,
}
