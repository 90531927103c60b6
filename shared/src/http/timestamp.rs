//! Moments as clients see them.

use serde::{Serialize, Serializer};

use crate::clock::Moment;

/// A moment in UTC: RFC 3339 with microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, utoipa::ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-01-31T09:30:00.000000Z")]
pub struct Timestamp(pub Moment);

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.rfc3339())
    }
}
