//! Windows of rate limits: `LIMIT#<kind>#<subject>` / `<policy>#<start>`, with a TTL.
//!
//! Question: may so many more pass in this window? One conditional write asks and answers it. A window's
//! start is in its key, so a row of a window that is over is never read, whether it is still there or not.

use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::types::ReturnValue;
use serde::Deserialize;

use super::Store;
use super::item::{from_item, key, n};
use crate::error::Result;

/// How long a row outlives its window, for clocks that differ.
const KEPT_SECONDS: i64 = 60;

/// One subject's window of one policy.
#[derive(Debug, Clone, Copy)]
pub struct LimitWindow<'a> {
    /// What kind of subject it is.
    pub kind: &'a str,
    /// The subject.
    pub subject: &'a str,
    /// The policy's name.
    pub policy: &'a str,
    /// When it began, in Unix seconds.
    pub start: i64,
    /// When it ends, in Unix seconds.
    pub end: i64,
    /// How many permits it has.
    pub quota: u32,
}

#[derive(Deserialize)]
struct Counted {
    taken: u32,
}

impl Store {
    /// Takes permits, and says how many are taken now. `None` if there are not so many: then nothing is
    /// taken. A write that is sent again because its reply was lost takes them twice; never are more given
    /// than there are.
    pub async fn permits_take(&self, window: LimitWindow<'_>, permits: u32) -> Result<Option<u32>> {
        let LimitWindow {
            kind,
            subject,
            policy,
            start,
            end,
            quota,
        } = window;
        let Some(room) = quota.checked_sub(permits) else {
            return Ok(None);
        };
        let key = key(
            format!("LIMIT#{kind}#{subject}"),
            format!("{policy}#{start}"),
        );
        let request = self.db.update_item().table_name(&*self.table);
        let request = request
            .set_key(Some(key))
            .update_expression("SET expires_at = :end ADD taken :permits")
            .condition_expression("attribute_not_exists(taken) OR taken <= :room")
            .expression_attribute_values(":end", n(end.saturating_add(KEPT_SECONDS)))
            .expression_attribute_values(":permits", n(permits))
            .expression_attribute_values(":room", n(room))
            .return_values(ReturnValue::UpdatedNew);
        match request.send().await {
            Ok(output) => {
                let counted: Counted = from_item(output.attributes.unwrap_or_default())?;
                Ok(Some(counted.taken))
            }
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(None),
            Err(error) => Err(crate::aws::error(error)),
        }
    }
}
