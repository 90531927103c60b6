//! `encrypted_content` of reasoning: what a provider wants back of what its model thought, for clients that keep it
//! themselves. It means nothing to them; what the provider has signed or encrypted is in it as it came.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Error, Result};
use crate::model::Reasoning;

/// What a client keeps.
pub(super) fn written(thought: &Reasoning) -> String {
    // Strings can't fail to serialize.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(thought).unwrap_or_default())
}

/// What a client kept.
///
/// # Errors
/// `Invalid` if it is not as it was answered.
pub(super) fn read(place: &str, kept: &str) -> Result<Reasoning> {
    let bytes = URL_SAFE_NO_PAD.decode(kept).ok();
    let thought = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    thought.ok_or_else(|| {
        let detail = "must be as a response of this API has it";
        Error::invalid(format!("{place}/encrypted_content"), detail)
    })
}
