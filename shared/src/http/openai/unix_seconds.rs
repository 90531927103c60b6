//! Moments as OpenAI's clients see them.

use serde::{Serialize, Serializer};

use crate::clock::Moment;

/// A moment as whole seconds since 1970 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, utoipa::ToSchema)]
#[schema(value_type = i64, example = 1_767_225_600)]
pub struct UnixSeconds(pub Moment);

impl Serialize for UnixSeconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0.unix_seconds())
    }
}
