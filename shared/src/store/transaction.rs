//! Transactions: all parts or none, and what is done about those that did not go through.
//!
//! The first write of a request that is to be done once carries its claim (`claim.rs`), whichever write that is.

use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::TransactWriteItem;

use super::Store;
use super::item::{Written, written};
use crate::error::{Error, Result};

/// How many parts DynamoDB takes in one transaction.
pub(super) const MOST_PARTS: usize = 100;

/// Reasons of a cancelled transaction that a moment's patience may mend.
const PASSING: [&str; 3] = [
    "TransactionConflict",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
];
/// How often a transaction is tried that meets another one on the same item.
const CONFLICT_ATTEMPTS: u32 = 4;

impl Store {
    /// A write of one item under a condition: by itself, or in a transaction with the claim of a request that is to
    /// be done once.
    pub(super) async fn write(&self, part: TransactWriteItem) -> Result<Written> {
        if self.claim.is_some() {
            return self.transact(vec![part]).await;
        }
        if let Some(put) = part.put {
            let request = self.db.put_item().table_name(put.table_name);
            let request = request
                .set_item(Some(put.item))
                .set_condition_expression(put.condition_expression)
                .set_expression_attribute_names(put.expression_attribute_names)
                .set_expression_attribute_values(put.expression_attribute_values);
            return written(request.send().await);
        }
        let update = part.update;
        let update =
            update.ok_or_else(|| Error::internal("a write that is neither put nor update"))?;
        let request = self.db.update_item().table_name(update.table_name);
        let request = request
            .set_key(Some(update.key))
            .update_expression(update.update_expression)
            .set_condition_expression(update.condition_expression)
            .set_expression_attribute_names(update.expression_attribute_names)
            .set_expression_attribute_values(update.expression_attribute_values);
        written(request.send().await)
    }

    /// All parts or none. The SDK does not repeat a transaction that met another one, so this does, with
    /// the same token, so that a repeated one is not written twice.
    pub(super) async fn transact(&self, parts: Vec<TransactWriteItem>) -> Result<Written> {
        let marked = self.marked(parts)?;
        let token = uuid::Uuid::now_v7().to_string();
        let mut attempt = 1;
        loop {
            let parts = marked.parts.clone();
            let error = match self.transact_once(parts, &token).await? {
                Once::Ended(written) => return marked.ended(written),
                Once::Met(error) => error,
            };
            if attempt == CONFLICT_ATTEMPTS {
                return Err(error);
            }
            pause(&token, attempt).await;
            attempt += 1;
        }
    }

    /// One attempt of a transaction. A token belongs to these very parts: with others it is a fault of ours, which
    /// has an alarm of its own, because what was meant to be written is not.
    pub(super) async fn transact_once(
        &self,
        parts: Vec<TransactWriteItem>,
        token: &str,
    ) -> Result<Once> {
        let count = parts.len();
        if count > MOST_PARTS {
            return Err(Error::internal(format!(
                "{count} parts are more than the {MOST_PARTS} of a transaction; split it"
            )));
        }
        let request = self.db.transact_write_items();
        let request = request
            .set_transact_items(Some(parts))
            .client_request_token(token);
        let error = match request.send().await {
            Ok(_) => return Ok(Once::Ended(Written::Yes)),
            Err(error) => error,
        };
        if let Some(place) = reason(&error, "ConditionalCheckFailed") {
            return Ok(Once::Ended(Written::ConditionFailed { place }));
        }
        if PASSING.iter().any(|code| reason(&error, code).is_some()) {
            return Ok(Once::Met(Error::unavailable(error)));
        }
        if matches!(&error, SdkError::ServiceError(service)
            if service.err().is_idempotent_parameter_mismatch_exception())
        {
            tracing::error!(
                alarm = "transaction-token",
                "a transaction came with the token of another one, and was not written"
            );
        }
        Err(crate::aws::error(error))
    }
}

/// How an attempt of a transaction went.
#[derive(Debug)]
pub(super) enum Once {
    /// It was made, or a condition failed.
    Ended(Written),
    /// It met another one, or too many; nothing was written, and the same may work a moment later.
    Met(Error),
}

/// Waits longer with each attempt. Different requests wait different times.
pub(super) async fn pause(token: &str, attempt: u32) {
    tokio::time::sleep(delay(token, attempt)).await;
}

/// For how long: the token is as good as random.
fn delay(token: &str, attempt: u32) -> Duration {
    let jitter = u64::from(token.as_bytes().last().copied().unwrap_or(0) % 16);
    Duration::from_millis((10 + jitter) << attempt.min(4))
}

/// The place of the first part that was cancelled for that reason.
fn reason<R>(error: &SdkError<TransactWriteItemsError, R>, code: &str) -> Option<usize> {
    let SdkError::ServiceError(service) = error else {
        return None;
    };
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = service.err() else {
        return None;
    };
    let mut reasons = cancelled.cancellation_reasons().iter();
    reasons.position(|reason| reason.code() == Some(code))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use aws_config::{BehaviorVersion, Region};

    use super::*;
    use crate::store::item::key;

    #[test]
    fn pauses_grow_and_differ_between_those_who_met() {
        let tokens: Vec<String> = (0..64).map(|_| uuid::Uuid::now_v7().to_string()).collect();
        for attempt in 1..=4 {
            let delays: BTreeSet<Duration> =
                tokens.iter().map(|token| delay(token, attempt)).collect();
            assert!(delays.len() >= 5, "{delays:?}");
            let (least, most) = (10_u64 << attempt, 25_u64 << attempt);
            for delay in delays {
                let milliseconds = u64::try_from(delay.as_millis()).expect("short");
                assert!((least..=most).contains(&milliseconds), "{milliseconds}");
            }
        }
        // They stop growing, so that a request that meets many still ends.
        assert_eq!(delay("0", 4), delay("0", 40));
    }

    #[tokio::test]
    async fn more_parts_than_a_transaction_takes_are_refused_without_a_call() {
        // Nothing is there: a call would be `Unavailable`.
        let sdk = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .test_credentials()
            .endpoint_url("http://127.0.0.1:9")
            .load()
            .await;
        let store = Store::new(&sdk, "chatter");
        let part = |place: usize| store.delete_any(key("pk", place.to_string()));
        let parts = |count| (0..count).map(part).collect::<Result<Vec<_>>>();
        let refused = store.transact(parts(101).expect("parts")).await;
        assert!(matches!(refused, Err(Error::Internal(_))), "{refused:?}");
        let sent = store.transact(parts(100).expect("parts")).await;
        assert!(matches!(sent, Err(Error::Unavailable(_))), "{sent:?}");
    }
}
