//! What a request that may be answered with a stream brings beside what it asks.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use shared::Error;
use shared::http::{Deadline, TraceContext, Wants};

/// In which form the client takes the answer, until when it must be there, and what it belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) wants: Wants,
    pub(crate) deadline: Deadline,
    pub(crate) trace: TraceContext,
}

impl<S: Sync> FromRequestParts<S> for Call {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let wants = Wants::from_request_parts(parts, state).await?;
        let Ok(deadline) = Deadline::from_request_parts(parts, state).await;
        let Ok(trace) = TraceContext::from_request_parts(parts, state).await;
        Ok(Self {
            wants,
            deadline,
            trace,
        })
    }
}
