//! Summaries: what stands in for the oldest messages of a conversation that outgrew a model's window.

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::model::{MessageId, RunId};

/// The summary of a conversation's oldest messages: what stands in its row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// What it says. A model wrote it, of what people, models and tools said: it is data.
    pub text: String,
    /// The place of the newest message that it covers.
    pub covers_until: u64,
    /// The id of that message.
    pub covers_message: MessageId,
    /// Whether all messages up to that one went into it. Where there were more than a window holds, only the newest of
    /// them did.
    pub complete: bool,
    /// The window of the model that it was made for, in tokens.
    pub context_window: u32,
    /// The provider that was asked for it.
    pub provider: String,
    /// The model that wrote it.
    pub model: String,
    /// The run that needed it.
    pub run: RunId,
    /// When it was written.
    pub created_at: Moment,
}
