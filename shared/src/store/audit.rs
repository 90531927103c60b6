//! The audit trail: `AUDIT#<tenant>` / `<day>#<sequence>`. Rows are only ever added.
//!
//! `AUDIT#<tenant>` / `HEAD` says which is the newest record. It is put with each record, and what follows
//! follows it, so that a record that was taken from the end leaves a gap, and one that was put there by
//! somebody else leaves a break.
//!
//! Questions: which is the newest record? what happened from this day to that one? does the chain hold, which
//! is in `audit_chain.rs`? Writes: the next record, on the condition that its place is free and the head is the one
//! before it, in the transaction of what it tells of. The roles of the functions may neither update nor delete
//! under this key.

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};

use super::item::{IS_NEW, Item, Written, from_item, key, n, s, to_item};
use super::transaction::{Once, pause};
use super::{Store, TenantStore};
use crate::error::{Error, Result};
use crate::model::{AuditEvent, AuditLink, AuditRecord, TenantId};

/// How often the next place is looked for when others take it at the same time.
const ATTEMPTS: u32 = 40;
/// How often the place after one and the same head is found taken, before whoever stands there counts as a
/// stranger: a record and its head are written together, but are not always seen together.
const TAKEN_FOR_GOOD: u32 = 10;

/// How many parts of a transaction an event takes.
pub(super) const AUDIT_PARTS: usize = 2;

/// The last sequence number that has ten digits.
pub(super) const LAST_SEQUENCE: u64 = 9_999_999_999;

/// Before all records, whose keys begin with a digit.
pub(super) const FIRST: &str = "0";
/// Behind all records, whose keys begin with a digit.
const HEAD: &str = "HEAD";
/// Behind all records, and before the head.
pub(super) const BEFORE_HEAD: &str = "H";

/// How long it is kept what happened to nobody's account. Everybody can cause such events, so they must end.
const NOBODY_KEPT_FOR: std::time::Duration = std::time::Duration::from_secs(30 * 24 * 3600);

/// How many records a listing looks through at most for those that are wanted.
const LOOKED_THROUGH_AT_MOST: u32 = 2_000;

/// The place of a record in the trail.
pub type AuditPlace = (String, u64);

/// A piece of a trail.
#[derive(Debug)]
pub struct AuditPage {
    /// The records, newest first.
    pub records: Vec<AuditRecord>,
    /// Where it goes on, if it may.
    pub next: Option<AuditPlace>,
}

#[derive(Serialize, Deserialize)]
struct HeadItem {
    head_day: String,
    head_sequence: u64,
    head_hash: String,
}

pub(super) fn pk(tenant: TenantId) -> String {
    format!("AUDIT#{tenant}")
}

pub(super) fn sk(day: &str, sequence: u64) -> String {
    format!("{day}#{sequence:010}")
}

/// Where a row stands. `None` if its key is not one of a record.
pub(super) fn place(item: &Item) -> Option<AuditPlace> {
    let text = item.get("sk")?.as_s().ok()?;
    let (day, sequence) = text.split_once('#')?;
    let sequence = sequence.parse().ok()?;
    (sk(day, sequence) == *text).then(|| (day.to_owned(), sequence))
}

impl Store {
    /// Writes `parts`, and the event that tells of them where there is one.
    pub(super) async fn transact_told(
        &self,
        parts: Vec<TransactWriteItem>,
        event: Option<&AuditEvent>,
    ) -> Result<Written> {
        match event {
            Some(event) => self.transact_audited(parts, event).await,
            None => self.transact(parts).await,
        }
    }

    /// Writes `parts` and the event that tells of them: both or nothing. The places of failed conditions are
    /// those in `parts`.
    pub(super) async fn transact_audited(
        &self,
        parts: Vec<TransactWriteItem>,
        event: &AuditEvent,
    ) -> Result<Written> {
        let marked = self.marked(parts)?;
        let own = marked.parts.len();
        let mut last_met = None;
        let (mut seen, mut taken) = (None, 0);
        for attempt in 1..=ATTEMPTS {
            let head = self.audit_head(event.tenant).await?;
            taken = if seen.as_ref() == Some(&head) {
                taken
            } else {
                0
            };
            let after = if taken < TAKEN_FOR_GOOD {
                head.clone()
            } else {
                self.audit_after_strangers(event.tenant, head.as_ref())
                    .await?
            };
            let mut parts = marked.parts.clone();
            parts.extend(self.audit_parts(event, head.as_ref(), after.as_ref())?);
            // A new token, because the record is another one.
            let token = uuid::Uuid::now_v7().to_string();
            match self.transact_once(parts, &token).await? {
                Once::Ended(Written::ConditionFailed { place }) if place >= own => {
                    taken += u32::from(place == own);
                    seen = Some(head);
                }
                Once::Ended(written) => return marked.ended(written),
                Once::Met(error) => last_met = Some(error),
            }
            pause(&token, attempt / 8).await;
        }
        Err(last_met.unwrap_or_else(|| Error::unavailable("the audit trail is too busy")))
    }

    /// The record of the event after `after`, and the head that it becomes in place of `head`.
    fn audit_parts(
        &self,
        event: &AuditEvent,
        head: Option<&AuditLink>,
        after: Option<&AuditLink>,
    ) -> Result<[TransactWriteItem; AUDIT_PARTS]> {
        let record = AuditRecord::following(after, event);
        let row = key(pk(event.tenant), sk(&record.day, record.sequence));
        let mut row = to_item(row, &record)?;
        if event.tenant.is_nobody() {
            let end = event.at.plus(NOBODY_KEPT_FOR).unix_seconds();
            row.insert("expires_at".to_owned(), n(end));
        }
        let next = HeadItem {
            head_day: record.day,
            head_sequence: record.sequence,
            head_hash: record.hash,
        };
        let next = to_item(key(pk(event.tenant), HEAD), &next)?;
        let next = match head {
            None => self.put(next, IS_NEW)?,
            Some(head) => self.put_if(next, "head_hash = :hash", [(":hash", s(&head.hash))])?,
        };
        Ok([self.put(row, IS_NEW)?, next])
    }

    /// A place after records that nobody of us wrote. The next record follows the head all the same, so that the
    /// chain shows for ever that something stands between them.
    async fn audit_after_strangers(
        &self,
        tenant: TenantId,
        head: Option<&AuditLink>,
    ) -> Result<Option<AuditLink>> {
        tracing::error!(
            alarm = "audit", tenant.id = %tenant,
            "the audit trail of tenant {tenant} has records that were not written by this API"
        );
        let range = (FIRST.to_owned(), BEFORE_HEAD.to_owned());
        let page = self.audit_query(tenant, range, Order::NewestFirst, None, 1);
        let (items, _) = page.await?;
        let newest = items.first().and_then(place);
        Ok(newest.map(|(day, sequence)| AuditLink {
            day,
            sequence,
            hash: head.map(|head| head.hash.clone()).unwrap_or_default(),
        }))
    }

    /// Writes an event of which nothing else is written.
    pub async fn audit(&self, event: &AuditEvent) -> Result<()> {
        self.transact_audited(Vec::new(), event).await?.surely()
    }

    /// The newest record of a trail.
    pub(super) async fn audit_head(&self, tenant: TenantId) -> Result<Option<AuditLink>> {
        let head = self.get::<HeadItem>(key(pk(tenant), HEAD)).await?;
        Ok(head.map(|head| AuditLink {
            day: head.head_day,
            sequence: head.head_sequence,
            hash: head.head_hash,
        }))
    }

    /// At most `limit` rows of a trail whose keys are from `from` to `to`, without the head, and where the next
    /// ones begin.
    pub(super) async fn audit_query(
        &self,
        tenant: TenantId,
        (from, to): (String, String),
        order: Order,
        start: Option<Item>,
        limit: u32,
    ) -> Result<(Vec<Item>, Option<Item>)> {
        let query = self.db.query().table_name(&*self.table);
        let query = query
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", s(pk(tenant)))
            .expression_attribute_values(":from", s(from))
            .expression_attribute_values(":to", s(to))
            .scan_index_forward(order == Order::OldestFirst)
            .consistent_read(true)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        self.page(query, start).await
    }
}

/// In which order a trail is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    OldestFirst,
    NewestFirst,
}

impl TenantStore {
    /// The tenant's records of the days `from` to `to` that `wanted` takes, newest first: at most `limit` before
    /// the one at `before`. It gives fewer when it has looked through many that are not wanted.
    ///
    /// What can't be read is left out here; a check of the chain says where it is.
    pub async fn audit_list(
        &self,
        (from, to): (&str, &str),
        before: Option<AuditPlace>,
        limit: u32,
        wanted: impl Fn(&AuditRecord) -> bool,
    ) -> Result<AuditPage> {
        const READ_AT_ONCE: u32 = 200;
        let to = match before {
            // The number before the first of a day is zero, which no record has.
            Some((day, sequence)) => sk(&day, sequence.saturating_sub(1)),
            None => sk(to, LAST_SEQUENCE),
        };
        let from = sk(from, 0);
        let mut found = Vec::new();
        let (mut looked_through, mut start, mut seen) = (0, None, None);
        // If all are wanted, the first read suffices.
        let mut at_once = limit + 1;
        loop {
            let range = (from.clone(), to.clone());
            let order = Order::NewestFirst;
            let page = self
                .store
                .audit_query(self.tenant, range, order, start, at_once);
            let (items, next) = page.await?;
            for item in items {
                looked_through += 1;
                let here = place(&item);
                let Some(record) = readable(item).filter(&wanted) else {
                    seen = here.or(seen);
                    continue;
                };
                if found.len() == limit as usize {
                    return Ok(AuditPage {
                        records: found,
                        next: seen,
                    });
                }
                found.push(record);
                seen = here.or(seen);
            }
            start = next;
            if start.is_none() {
                return Ok(AuditPage {
                    records: found,
                    next: None,
                });
            }
            if looked_through >= LOOKED_THROUGH_AT_MOST {
                return Ok(AuditPage {
                    records: found,
                    next: seen,
                });
            }
            at_once = READ_AT_ONCE;
        }
    }
}

fn readable(item: Item) -> Option<AuditRecord> {
    let place = place(&item);
    from_item(item)
        .inspect_err(|error| {
            tracing::error!(alarm = "audit", error = ?error, "the audit record at {place:?} can't be read");
        })
        .ok()
}
