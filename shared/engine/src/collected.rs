//! An answer as it came, what it used, and what comes of it.

use std::time::Duration;

use shared::error::ProviderFault;
use shared::model::{CachedFrom, FinishReason, Usage};
use shared::response_cache::CacheKey;
use shared::store::Pulse;
use shared::{Error, Result};

use crate::building::Building;
use crate::tools::Tools;

/// An answer as it came, before it is a message.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) text: String,
    /// The text too, with everything else that came.
    pub(crate) parts: Building,
    pub(crate) finish_reason: Option<FinishReason>,
    pub(crate) usage: Option<Usage>,
    pub(crate) first_token: Option<Duration>,
    /// How many tokens the model was sent, as we count them.
    pub(crate) sent_tokens: u64,
    /// Whether its text is not passed on yet, because its format is looked at first.
    pub(crate) withheld: bool,
    /// Whether we stopped reading, because it became longer than a message may be.
    pub(crate) cut: bool,
    /// Where it was made, if nobody was asked.
    pub(crate) cached: Option<CachedFrom>,
    /// Under which key it may be kept for others.
    pub(crate) cache_key: Option<CacheKey>,
}

/// How asking ended.
pub(crate) enum Outcome {
    Answered(Collected, FinishReason),
    Failed(Error),
    /// Somebody else has ended the run.
    Lost,
}

/// What an attempt used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    pub(crate) usage: Option<Usage>,
    /// Whether we counted it.
    pub(crate) estimated: bool,
}

/// Providers tell at the end what was used. Where an answer breaks off before that, or the provider says nothing, we
/// count what was sent and what came of it. A provider that failed before it said a word is taken to charge nothing;
/// one that somebody stopped had been asked.
pub(crate) fn counted(answered: &Result<Pulse>, collected: &Collected) -> Counted {
    let asked = answered.is_ok() || collected.parts.bytes() > 0;
    let estimated = collected.usage.is_none() && asked;
    let estimate = || Usage {
        input_tokens: collected.sent_tokens,
        output_tokens: collected.parts.tokens(),
        ..Usage::default()
    };
    Counted {
        usage: collected.usage.or_else(|| estimated.then(estimate)),
        estimated,
    }
}

/// What comes of what was collected.
pub(crate) fn outcome(answered: Result<Pulse>, collected: Collected, tools: &Tools) -> Outcome {
    let nonsense =
        |what: &'static str| Outcome::Failed(Error::provider(ProviderFault::Nonsense, what));
    let blank = collected.text.trim().is_empty();
    let calls = collected.parts.calls().next().is_some();
    match (answered, collected.finish_reason) {
        (Err(error), _) => Outcome::Failed(error),
        (Ok(Pulse::Lost), _) => Outcome::Lost,
        (Ok(Pulse::Stop), _) if blank => Outcome::Failed(Error::RunCancelled),
        (Ok(Pulse::Stop), _) => Outcome::Answered(collected, FinishReason::Cancelled),
        (Ok(Pulse::GoOn), None) => nonsense("the answer has no finish reason"),
        (Ok(Pulse::GoOn), Some(FinishReason::ToolCalls)) if calls => {
            match tools.fault(collected.parts.calls()) {
                Some(fault) => Outcome::Failed(Error::provider(ProviderFault::BadToolCall, fault)),
                None => Outcome::Answered(collected, FinishReason::ToolCalls),
            }
        }
        (Ok(Pulse::GoOn), Some(reason)) if blank && reason != FinishReason::ContentFilter => {
            nonsense("the answer is empty")
        }
        (Ok(Pulse::GoOn), Some(reason)) => Outcome::Answered(collected, reason),
    }
}
