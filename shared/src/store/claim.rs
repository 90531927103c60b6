//! Claims: what keeps requests that are no turns from being done twice.
//!
//! `TENANT#<tenant>#ONCE#<hash of who asks and key>` / `ONCE`, the keys of `idempotency.rs`. One row goes through
//! three writes:
//! 1. The claim, before anything else is written, on the condition that nobody has one that counts.
//! 2. `applied`, in the transaction of the request's first effect, on the condition that the claim is still its
//!    owner's. Whoever was overtaken while it slept therefore has no effect at all, and whoever comes after a crash
//!    finds out that there was one.
//! 3. The reply, sealed, because it may have a secret; or, where there was no effect, the end of the claim. Both on the
//!    same condition.
//!
//! A claim without an effect counts until `lease_until`, everything else until `expires_at`. DynamoDB deletes a row
//! some time after that, so both are asked here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use serde::{Deserialize, Serialize};

use super::Store;
use super::idempotency::{ONCE_LASTS, Once};
use super::item::{Item, Written, from_item, moment, n, s, to_item, value, written};
use crate::clock::Moment;
use crate::error::{Error, Result};
use crate::model::TenantId;

/// How long nobody else does a request that somebody is working on: longer than any of them may take.
pub const CLAIM_LASTS: Duration = Duration::from_secs(30);

/// Holds where a row stands for nothing any more: its time is over, or it is the claim of somebody who had no effect
/// and is not heard of.
const COUNTS_NO_MORE: &str = "attribute_not_exists(pk) OR expires_at <= :seconds \
     OR (lease_until <= :now AND attribute_not_exists(applied) AND attribute_not_exists(reply))";

/// Holds where the claim is still its owner's. A row that is gone is nobody's.
const IS_OURS: &str = "claimed_by = :owner";

#[derive(Debug, Serialize, Deserialize)]
struct ClaimItem {
    asks: String,
    // The rows of turns have none of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claimed_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease_until: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    applied: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply: Option<String>,
    /// The TTL attribute, in Unix seconds.
    expires_at: i64,
}

/// The right to do a request, until somebody else has it.
#[derive(Debug, Clone)]
pub(crate) struct Claim(Arc<Held>);

#[derive(Debug)]
struct Held {
    key: Item,
    owner: String,
    applied: AtomicBool,
    lost: AtomicBool,
}

impl Claim {
    /// Whether a write of the request was made with it.
    pub(crate) fn is_applied(&self) -> bool {
        self.0.applied.load(Ordering::SeqCst)
    }

    /// Whether the next write has to carry it. Where somebody else has the request, nothing more is written.
    fn is_open(&self) -> Result<bool> {
        if self.0.lost.load(Ordering::SeqCst) {
            return Err(Error::IdempotencyInProgress);
        }
        Ok(!self.is_applied())
    }

    fn owner(&self) -> (&'static str, AttributeValue) {
        (":owner", s(&self.0.owner))
    }
}

/// What became of asking for a claim.
#[derive(Debug)]
pub(crate) enum Claimed {
    /// It was given.
    Given(Claim),
    /// The same request was answered; this is the reply, sealed.
    Replied(String),
    /// Somebody is working on the same request.
    InProgress,
    /// The same request had its effect, and its reply was never stored.
    ReplyLost,
    /// The key came with another request.
    Another,
}

/// The parts of a transaction, with that of a claim in front where there is one to carry.
pub(super) struct Marked<'a> {
    claim: Option<&'a Claim>,
    pub(super) parts: Vec<TransactWriteItem>,
}

impl Marked<'_> {
    /// What the transaction came to, without the part of the claim.
    pub(super) fn ended(&self, written: Written) -> Result<Written> {
        let Some(Claim(held)) = self.claim else {
            return Ok(written);
        };
        match written {
            Written::Yes => {
                held.applied.store(true, Ordering::SeqCst);
                Ok(Written::Yes)
            }
            Written::ConditionFailed { place: 0 } => {
                held.lost.store(true, Ordering::SeqCst);
                Err(Error::IdempotencyInProgress)
            }
            Written::ConditionFailed { place } => Ok(Written::ConditionFailed { place: place - 1 }),
        }
    }
}

impl Store {
    /// Asks for the right to do a request, unless it was done or is being done.
    pub(crate) async fn claim(
        &self,
        tenant: TenantId,
        once: &Once,
        now: Moment,
    ) -> Result<Claimed> {
        let claim = Claim(Arc::new(Held {
            key: once.key(tenant),
            owner: uuid::Uuid::now_v7().to_string(),
            applied: AtomicBool::new(false),
            lost: AtomicBool::new(false),
        }));
        let row = ClaimItem {
            asks: once.asks.clone(),
            claimed_by: Some(claim.0.owner.clone()),
            lease_until: Some(now.plus(CLAIM_LASTS)),
            applied: None,
            reply: None,
            expires_at: now.plus(ONCE_LASTS).unix_seconds(),
        };
        let request = self.db.put_item().table_name(&*self.table);
        let request = request
            .set_item(Some(to_item(claim.0.key.clone(), &row)?))
            .condition_expression(COUNTS_NO_MORE)
            .expression_attribute_values(":seconds", n(now.unix_seconds()))
            .expression_attribute_values(":now", moment(now)?)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let error = match request.send().await {
            Ok(_) => return Ok(Claimed::Given(claim)),
            Err(error) => error,
        };
        let found = match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => failed.item.clone(),
            // Somebody is writing `applied`.
            Some(PutItemError::TransactionConflictException(_)) => return Ok(Claimed::InProgress),
            _ => return Err(crate::aws::error(error)),
        };
        let found: ClaimItem = from_item(found.unwrap_or_default())?;
        // A reply that was lost makes the SDK ask again: then it is ours already.
        if found.claimed_by == row.claimed_by {
            return Ok(Claimed::Given(claim));
        }
        Ok(found.says(once, now))
    }

    /// `parts` with that of the claim, where this handle has one and nothing was written with it.
    pub(super) fn marked(&self, mut parts: Vec<TransactWriteItem>) -> Result<Marked<'_>> {
        let Some(claim) = &self.claim else {
            return Ok(Marked { claim: None, parts });
        };
        if !claim.is_open()? {
            return Ok(Marked { claim: None, parts });
        }
        let values = [(":yes", value(true)?), claim.owner()];
        let mark = self.update(claim.0.key.clone(), "SET applied = :yes", IS_OURS, values)?;
        // In front, so that of several conditions that fail it is the one that is told of.
        parts.insert(0, mark);
        Ok(Marked {
            claim: Some(claim),
            parts,
        })
    }

    /// Keeps the reply of a claimed request. `false` if somebody else has the request by now.
    pub(crate) async fn claim_answer(&self, claim: &Claim, sealed: &str) -> Result<bool> {
        let reply = [(":reply", s(sealed)), claim.owner()];
        self.claim_set(claim, "SET reply = :reply", reply).await
    }

    /// Ends a claim without a reply: the row goes, so that the same request can be made again; where the request had
    /// an effect it stays, and says so at once.
    pub(crate) async fn claim_end(&self, claim: &Claim) -> Result<()> {
        let request = self.db.delete_item().table_name(&*self.table);
        let request = request
            .set_key(Some(claim.0.key.clone()))
            .condition_expression(format!("{IS_OURS} AND attribute_not_exists(applied)"))
            .set_expression_attribute_values(Some([claim.owner()].map(named).into()));
        if written(request.send().await)?.made() {
            return Ok(());
        }
        let over = [
            (":over", value(Moment::from_unix_seconds(0))?),
            claim.owner(),
        ];
        self.claim_set(claim, "SET lease_until = :over", over)
            .await
            .map(|_| ())
    }

    async fn claim_set(
        &self,
        claim: &Claim,
        expression: &str,
        values: [(&'static str, AttributeValue); 2],
    ) -> Result<bool> {
        let request = self.db.update_item().table_name(&*self.table);
        let request = request
            .set_key(Some(claim.0.key.clone()))
            .update_expression(expression)
            .condition_expression(IS_OURS)
            .set_expression_attribute_values(Some(values.map(named).into()));
        Ok(written(request.send().await)?.made())
    }
}

fn named((name, value): (&'static str, AttributeValue)) -> (String, AttributeValue) {
    (name.to_owned(), value)
}

impl ClaimItem {
    /// What it says to whoever asks that now.
    fn says(self, once: &Once, now: Moment) -> Claimed {
        if self.asks != once.asks {
            return Claimed::Another;
        }
        match self.reply {
            Some(sealed) => Claimed::Replied(sealed),
            None if self.lease_until.is_some_and(|until| until > now) => Claimed::InProgress,
            None => Claimed::ReplyLost,
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, SdkConfig};

    use super::*;

    fn at(seconds: i64) -> Moment {
        Moment::from_unix_seconds(seconds)
    }

    /// The store of a request that has a claim.
    fn claimed() -> (Store, Claim) {
        let sdk = SdkConfig::builder().behavior_version(BehaviorVersion::latest());
        let claim = Claim(Arc::new(Held {
            key: Once::named("a", "asked").key(TenantId::new()),
            owner: "me".to_owned(),
            applied: AtomicBool::new(false),
            lost: AtomicBool::new(false),
        }));
        let store = Store {
            claim: Some(claim.clone()),
            ..Store::new(&sdk.build(), "chatter")
        };
        (store, claim)
    }

    /// What a transaction with one part of the request's own came to.
    fn ended(store: &Store, written: Written) -> Result<(usize, Written)> {
        let marked = store.marked(vec![TransactWriteItem::builder().build()])?;
        let written = marked.ended(written)?;
        Ok((marked.parts.len(), written))
    }

    #[test]
    fn the_first_write_that_is_made_carries_the_claim_and_no_later_one() {
        let (store, claim) = claimed();
        let marked = store.marked(Vec::new()).expect("it is open");
        let mark = marked.parts[0].update().expect("an update");
        assert_eq!(mark.key(), &claim.0.key);
        assert_eq!(mark.condition_expression(), Some(IS_OURS));
        let values = mark.expression_attribute_values().expect("values");
        assert_eq!(values.get(":owner"), Some(&s("me")));
        let refused = |place| Written::ConditionFailed { place };
        let of_its_own = ended(&store, refused(2)).expect("a condition of the request's own");
        assert_eq!((of_its_own, claim.is_applied()), ((2, refused(1)), false));
        let made = ended(&store, Written::Yes).expect("made");
        assert_eq!((made, claim.is_applied()), ((2, Written::Yes), true));
        let later = ended(&store, refused(0)).expect("a condition of the request's own");
        assert_eq!(later, (1, refused(0)));
    }

    #[test]
    fn who_lost_its_claim_writes_nothing_more() {
        let (store, claim) = claimed();
        for written in [Written::ConditionFailed { place: 0 }, Written::Yes] {
            let refused = ended(&store, written);
            let lost = matches!(refused, Err(Error::IdempotencyInProgress));
            assert!(lost, "{refused:?}");
        }
        assert!(!claim.is_applied());
    }

    #[test]
    fn a_row_says_what_became_of_the_same_request() {
        let once = Once::named("a", "asked");
        for (asks, lease, reply, expected) in [
            ("asked", Some(101), None, "InProgress"),
            ("asked", Some(100), None, "ReplyLost"),
            ("asked", None, None, "ReplyLost"),
            ("asked", Some(101), Some("sealed"), r#"Replied("sealed")"#),
            ("another", Some(101), None, "Another"),
            ("another", None, Some("sealed"), "Another"),
        ] {
            let row = ClaimItem {
                asks: Once::named("a", asks).asks,
                claimed_by: Some("somebody".to_owned()),
                lease_until: lease.map(at),
                applied: None,
                reply: reply.map(str::to_owned),
                expires_at: 1000,
            };
            let said = format!("{:?}", row.says(&once, at(100)));
            assert_eq!(said, expected, "{asks} {lease:?} {reply:?}");
        }
    }
}
