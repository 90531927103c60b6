//! What requests for completions and for responses have in common.

use serde::{Deserialize, Serialize};

/// With which priority a provider works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiServiceTier)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ServiceTier {
    /// As the provider's account says.
    Auto,
    /// As the provider's account says. All others are refused.
    Default,
}
