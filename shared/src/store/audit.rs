//! The audit trail: `AUDIT#<tenant>` / `<day>#<sequence>`. Rows are only ever added.
//!
//! Questions: which is the newest record? what happened from this day to that one? Writes: the next record,
//! on the condition that its place is free, in the transaction of what it tells of. The roles of the functions
//! may neither update nor delete under this key.

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::item::{IS_NEW, Item, Once, Written, from_item, key, n, pause, s, to_item};
use super::message::Page;
use super::{Store, TenantStore};
use crate::error::{Error, Result};
use crate::model::{AuditEvent, AuditRecord, TenantId};

/// How often the next place is looked for when others take it at the same time.
const ATTEMPTS: u32 = 40;

/// The last sequence number that has ten digits.
const LAST_SEQUENCE: u64 = 9_999_999_999;

/// How long it is kept what happened to nobody's account. Everybody can cause such events, so they must end.
const NOBODY_KEPT_FOR: std::time::Duration = std::time::Duration::from_secs(30 * 24 * 3600);

fn pk(tenant: TenantId) -> String {
    format!("AUDIT#{tenant}")
}

fn sk(day: &str, sequence: u64) -> String {
    format!("{day}#{sequence:010}")
}

/// The place of a record in the trail.
pub type AuditPlace = (String, u64);

impl Store {
    /// Writes `parts` and the event that tells of them: both or nothing. The places of failed conditions are
    /// those in `parts`.
    pub(super) async fn transact_audited(
        &self,
        parts: Vec<TransactWriteItem>,
        event: &AuditEvent,
    ) -> Result<Written> {
        let own = parts.len();
        let mut last_met = None;
        for attempt in 1..=ATTEMPTS {
            let last = self.audit_last(event.tenant).await?;
            let record = AuditRecord::following(last.as_ref(), event);
            let row = key(pk(event.tenant), sk(&record.day, record.sequence));
            let mut parts = parts.clone();
            let mut row = to_item(row, &record)?;
            if event.tenant.is_nobody() {
                let end = event.at.plus(NOBODY_KEPT_FOR).unix_seconds();
                row.insert("expires_at".to_owned(), n(end));
            }
            parts.push(self.put(row, IS_NEW)?);
            // A new token, because the record is another one.
            let token = uuid::Uuid::now_v7().to_string();
            match self.transact_once(parts, &token).await? {
                Once::Ended(Written::ConditionFailed { place }) if place == own => {}
                Once::Ended(written) => return Ok(written),
                Once::Met(error) => last_met = Some(error),
            }
            pause(&token, attempt / 8).await;
        }
        Err(last_met.unwrap_or_else(|| Error::unavailable("the audit trail is too busy")))
    }

    /// Writes an event of which nothing else is written.
    pub async fn audit(&self, event: &AuditEvent) -> Result<()> {
        self.transact_audited(Vec::new(), event).await?.surely()
    }

    async fn audit_last(&self, tenant: TenantId) -> Result<Option<AuditRecord>> {
        self.audit_before(tenant, None).await
    }

    /// The newest record before the first of `day`, or the newest of all.
    async fn audit_before(
        &self,
        tenant: TenantId,
        day: Option<&str>,
    ) -> Result<Option<AuditRecord>> {
        let mut request = self
            .db
            .query()
            .table_name(&*self.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(pk(tenant)))
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(1);
        if let Some(day) = day {
            request = request
                .key_condition_expression("pk = :pk AND sk < :day")
                .expression_attribute_values(":day", s(day));
        }
        let output = request.send().await.map_err(crate::aws::error)?;
        let newest = output.items.unwrap_or_default().into_iter().next();
        newest.map(from_item).transpose()
    }

    async fn audit_query(
        &self,
        tenant: TenantId,
        from: String,
        to: String,
        forward: bool,
        start: Option<Item>,
        limit: u32,
    ) -> Result<(Vec<AuditRecord>, Option<Item>)> {
        let request = self.db.query().table_name(&*self.table);
        let output = request
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", s(pk(tenant)))
            .expression_attribute_values(":from", s(from))
            .expression_attribute_values(":to", s(to))
            .scan_index_forward(forward)
            .consistent_read(true)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(crate::aws::error)?;
        let items = output.items.unwrap_or_default().into_iter();
        let records = items.map(from_item).collect::<Result<_>>()?;
        Ok((records, output.last_evaluated_key))
    }
}

impl TenantStore {
    /// The tenant's records of the days `from` to `to`, newest first, that `wanted` takes: `limit` of them
    /// after the one at `after`.
    pub async fn audit_list(
        &self,
        (from, to): (&str, &str),
        after: Option<AuditPlace>,
        limit: u32,
        wanted: impl Fn(&AuditRecord) -> bool,
    ) -> Result<Page<AuditRecord>> {
        /// How many are looked through at once for those that are wanted.
        const READ_AT_ONCE: u32 = 200;
        let mut start = after.map(|(day, sequence)| key(pk(self.tenant), sk(&day, sequence)));
        let mut found = Vec::new();
        loop {
            let (from, to) = (sk(from, 0), sk(to, LAST_SEQUENCE));
            let page = self
                .store
                .audit_query(self.tenant, from, to, false, start, READ_AT_ONCE);
            let (records, next) = page.await?;
            found.extend(records.into_iter().filter(&wanted));
            start = next;
            if start.is_none() || found.len() > limit as usize {
                return Ok(Page::cut(found, limit));
            }
        }
    }

    /// Checks the chain of one day, from the record before it on. Gives how many records it has, the hash
    /// of the last, and the first place where the chain is broken.
    pub async fn audit_verify(
        &self,
        day: &str,
    ) -> Result<(u64, Option<String>, Option<AuditPlace>)> {
        const READ_AT_ONCE: u32 = 500;
        let mut last = self.store.audit_before(self.tenant, Some(day)).await?;
        let (mut count, mut head, mut start) = (0, None, None);
        loop {
            let (from, to) = (sk(day, 0), sk(day, LAST_SEQUENCE));
            let page = self
                .store
                .audit_query(self.tenant, from, to, true, start, READ_AT_ONCE);
            let (records, next) = page.await?;
            for record in records {
                count += 1;
                if !record.follows(last.as_ref(), self.tenant) {
                    return Ok((count, head, Some((record.day, record.sequence))));
                }
                head = Some(record.hash.clone());
                last = Some(record);
            }
            start = next;
            if start.is_none() {
                return Ok((count, head, None));
            }
        }
    }
}
