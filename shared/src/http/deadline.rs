//! Until when an answer must be there.

use std::convert::Infallible;
use std::time::{Duration, Instant, SystemTime};

use axum::extract::FromRequestParts;
use http::request::Parts;
use lambda_http::Context;

/// How much of Lambda's time is kept back for storing the outcome and telling the client.
const RESERVE: Duration = Duration::from_secs(3);

/// How long this invocation has left. Outside Lambda there is no limit.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// That of an invocation.
    pub fn of(context: &Context) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "Lambda's deadline is on the system's clock"
        )]
        let now = SystemTime::now();
        // The local emulator names a moment in 1970. A deadline that is over says nothing.
        let left = context.deadline().duration_since(now).ok();
        left.map_or(Self::none(), Self::after)
    }

    /// That of an invocation which has so much time left.
    pub fn after(left: Duration) -> Self {
        Self(Some(Instant::now() + left.saturating_sub(RESERVE)))
    }

    /// No limit.
    pub const fn none() -> Self {
        Self(None)
    }

    /// The earlier of this deadline and `limit` from now.
    pub fn within(self, limit: Duration) -> Instant {
        let own = Instant::now() + limit;
        self.0.map_or(own, |deadline| deadline.min(own))
    }

    /// Whether what may take so long can still be begun.
    pub fn allows(self, work: Duration) -> bool {
        self.0
            .is_none_or(|deadline| Instant::now() + work <= deadline)
    }
}

impl<S: Sync> FromRequestParts<S> for Deadline {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let context = parts.extensions.get::<Context>();
        Ok(context.map_or(Self::none(), Self::of))
    }
}
