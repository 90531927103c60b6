//! Where a request comes from, for the audit trail.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::header::USER_AGENT;
use http::request::Parts;

use super::limit::source_address;
use crate::model::{Origin, RequestId};

/// The longest user agent that is kept, in characters.
const MAX_USER_AGENT: usize = 200;

impl<S: Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(origin(parts))
    }
}

/// The origin of a request. The address is the one that API Gateway saw, never one that the client names.
pub(super) fn origin(parts: &Parts) -> Origin {
    let user_agent = parts.headers.get(USER_AGENT);
    let user_agent = user_agent.map(|value| String::from_utf8_lossy(value.as_bytes()));
    Origin {
        request_id: request_id(parts),
        source_ip: source_address(&parts.extensions).map(|address| address.to_string()),
        user_agent: user_agent.map(|text| {
            let clean = text.chars().filter(|c| !c.is_control());
            clean.take(MAX_USER_AGENT).collect()
        }),
    }
}

fn request_id(parts: &Parts) -> RequestId {
    // The outermost layer gives every request one; without it, this is a request of its own.
    let given = parts.extensions.get::<RequestId>();
    given.copied().unwrap_or_else(RequestId::new)
}
