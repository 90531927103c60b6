//! What is kept of a request for a response, beside its messages, for those who fetch it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::model::{ConversationId, ResponseId};

/// What a response shows of its request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    /// How many messages came before the question.
    pub(super) before: u64,
    pub(super) instructions: Option<String>,
    pub(super) previous_response_id: Option<ResponseId>,
    pub(super) conversation: Option<ConversationId>,
    pub(super) background: bool,
    pub(super) store: bool,
    pub(super) max_output_tokens: Option<u32>,
    pub(super) temperature: Option<f64>,
    pub(super) top_p: Option<f64>,
    pub(super) truncates: bool,
    #[serde(default)]
    pub(super) one_call: bool,
    pub(super) reasoning: Value,
    pub(super) text: Value,
    pub(super) tool_choice: Value,
    pub(super) tools: Vec<Value>,
    pub(super) user: Option<String>,
    pub(super) safety_identifier: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
    /// What documents are searched for, if they are.
    pub(super) queries: Vec<String>,
    /// Whether reasoning is shown as providers want it back.
    pub(super) encrypted: bool,
}
