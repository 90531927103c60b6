//! What a request for a response must keep to beyond the shapes of its parts.

use engine::Said;
use shared::http::openai::{checked_identifier, unsupported};
use shared::model::MAX_PARTS_BYTES;
use shared::{Error, Result};

use super::super::tools::Tool;
use super::{ENCRYPTED, NewResponse};

impl NewResponse {
    /// What its parts do not say by themselves.
    pub(super) fn check(&self) -> Result<()> {
        let stores = self.store.unwrap_or(true);
        let with_conversation = self.conversation.is_some();
        let rules = [
            (
                !(with_conversation && self.previous_response_id.is_some()),
                "/previous_response_id",
                "can't be given together with `conversation`",
            ),
            (
                stores || !with_conversation,
                "/store",
                "what is in a conversation is stored; leave `store` or `conversation` out",
            ),
            (
                stores || self.background != Some(true),
                "/store",
                "must be true in the background: it is fetched later",
            ),
            (
                self.stream == Some(true) || self.stream_options.is_none(),
                "/stream_options",
                "is only for streams; leave it out, or set `stream` to true",
            ),
        ];
        if let Some((_, field, detail)) = rules.into_iter().find(|(kept, _, _)| !kept) {
            return Err(Error::invalid(field, detail));
        }
        let padded = self
            .stream_options
            .and_then(|options| options.include_obfuscation);
        if padded == Some(true) {
            let field = "/stream_options/include_obfuscation";
            return Err(unsupported(field, "leave it out"));
        }
        let thinking = self.reasoning.as_ref();
        if thinking.is_some_and(|it| it.summary.is_some() || it.generate_summary.is_some()) {
            let hint = "what the provider shows of it comes without asking; leave it out";
            return Err(unsupported("/reasoning/summary", hint));
        }
        checked_identifier("/user", self.user.as_deref())?;
        checked_identifier("/safety_identifier", self.safety_identifier.as_deref())?;
        let mut include = self.include.iter().flatten().enumerate();
        match include.find(|(_, what)| *what != ENCRYPTED) {
            Some((index, _)) => {
                let field = format!("/include/{index}");
                Err(unsupported(&field, "only reasoning.encrypted_content is"))
            }
            None => Ok(()),
        }
    }
}

/// That what is stored fits the rows that it is stored in.
pub(super) fn check_sizes(
    before: &[Said],
    system: Option<&str>,
    tools: &Option<Vec<Tool>>,
    instructions: Option<&str>,
) -> Result<()> {
    let long = |field: &str| {
        let detail = format!(
            "has more than {MAX_PARTS_BYTES} bytes of JSON, which is the most that is stored; set `store` to false, or send less"
        );
        Err(Error::invalid(field, detail))
    };
    for said in before {
        let bytes = serde_json::to_vec(&said.parts).map_err(Error::internal)?;
        if bytes.len() > MAX_PARTS_BYTES {
            return long("/input");
        }
    }
    if system.is_some_and(|text| text.len() > MAX_PARTS_BYTES) {
        return long("/input");
    }
    let tools = serde_json::to_vec(tools).map_err(Error::internal)?.len();
    if tools + instructions.map_or(0, str::len) > MAX_PARTS_BYTES {
        return long("/instructions");
    }
    Ok(())
}
