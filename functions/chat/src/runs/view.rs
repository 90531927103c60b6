//! Runs as clients see them.

use std::collections::BTreeMap;

use serde::Serialize;
use shared::http::Timestamp;
use shared::model::{
    Attempt, ConversationId, MessageId, MicroDollars, ModelSettings, Retrieval, Run, RunContext,
    RunId, RunStatus, Usage,
};

/// What becomes of a question.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Run)]
pub(crate) struct RunView {
    /// Its id.
    id: RunId,
    /// Where it is. All but `queued` and `in_progress` are final.
    status: RunStatus,
    /// The conversation. Of a request of the OpenAI-compatible API that named none, one that can't be fetched.
    conversation_id: ConversationId,
    /// The question.
    user_message_id: MessageId,
    /// The id that the answer has, or will have. A run that ended without an answer has a `problem`.
    message_id: MessageId,
    /// The provider that is asked first.
    provider: String,
    /// The model that is asked first.
    model: String,
    /// The route that led to it; `null` if a model was chosen.
    route: Option<String>,
    /// How it is asked to answer: what the message, the conversation and the tenant's registry say together.
    settings: ModelSettings,
    /// What the model that was asked last was sent of the conversation; `null` until it is known, and where the process
    /// died.
    context: Option<RunContext>,
    /// What was found in knowledge bases, and so given to the model; `null` until the run has ended, and where none were
    /// searched.
    retrieval: Option<Retrieval>,
    /// Who was asked until now, in order: for the answer, and before it for a summary where the conversation outgrew the
    /// window.
    attempts: Vec<Attempt>,
    /// What was used, as the provider counted it; `null` until it is known, and where the provider did not say.
    usage: Option<Usage>,
    /// What all attempts cost, in micro-dollars; `null` until it is known, and where no model that was asked has a
    /// price.
    cost_micro_dollars: Option<MicroDollars>,
    /// Why there is no answer: a problem document.
    #[schema(value_type = Option<shared::http::Problem>)]
    problem: Option<serde_json::Value>,
    /// Whether somebody wants it to stop.
    cancel_requested: bool,
    /// What the client said of it; only requests of the OpenAI-compatible API say something.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    metadata: BTreeMap<String, String>,
    /// When it began.
    created_at: Timestamp,
    /// When it ended.
    ended_at: Option<Timestamp>,
}

impl From<Run> for RunView {
    fn from(run: Run) -> Self {
        let Run {
            id,
            conversation,
            question,
            question_sequence: _,
            answer,
            request: _,
            provider,
            model,
            route,
            settings,
            status,
            attempts,
            usage,
            cost,
            sent_tokens: _,
            context,
            retrieval,
            reservation: _,
            problem,
            owner: _,
            lease_until: _,
            cancel_requested,
            thread_until: _,
            metadata,
            end: _,
            created_at,
            ended_at,
        } = run;
        // It was written as JSON.
        let problem = problem.and_then(|problem| serde_json::from_str(&problem.document).ok());
        Self {
            id,
            status,
            conversation_id: conversation,
            user_message_id: question,
            message_id: answer,
            provider,
            model,
            route,
            settings,
            context,
            retrieval,
            attempts,
            usage,
            cost_micro_dollars: cost,
            problem,
            cancel_requested,
            metadata,
            created_at: Timestamp(created_at),
            ended_at: ended_at.map(Timestamp),
        }
    }
}
