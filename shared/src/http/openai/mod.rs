//! What paths below `/v1` have in common: they speak as OpenAI's API does, over the same operations.
//!
//! Handlers return the same errors as elsewhere. The layer here writes them in OpenAI's form, also those that come before
//! any handler: no route, no key, a body that is too large.

mod errors;
mod failure;
mod headers;
pub mod items;
mod layer;
mod list;
mod metadata;
mod refused;
mod unix_seconds;

pub use errors::{renamed, unsupported};
pub use failure::{OpenAiError, OpenAiFailure};
pub(super) use headers::write_headers;
pub(super) use layer::{answer_as_openai, rewrite};
pub use list::{OpenAiList, OpenAiPaging, PageFrom, SortOrder};
pub use metadata::{checked_identifier, checked_metadata};
pub use refused::{Asked, Parameters, Refused};
pub use unix_seconds::UnixSeconds;

/// Whether a path speaks as OpenAI's API does.
pub fn is_door(path: &str) -> bool {
    path == "/v1" || path.starts_with("/v1/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_below_v1_speak_as_openai_does() {
        for path in ["/v1", "/v1/", "/v1/models", "/v1/models/a/b"] {
            assert!(is_door(path), "{path}");
        }
        for path in ["/", "/v10/models", "/api/v1/models", "/v1models", ""] {
            assert!(!is_door(path), "{path}");
        }
    }
}
