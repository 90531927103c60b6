//! Whether the chain of an audit trail holds.
//!
//! It shows that records were changed, taken out, moved or put in by somebody who writes to the table past this
//! API. It can't show what whoever may write to the table does with care: change a record and make all hashes
//! after it anew, with the head; or take records from the end and put the head back. Whoever fears that keeps
//! the newest hash elsewhere, as each check gives it, and compares.

use std::cmp::Ordering;
use std::ops::ControlFlow;

use super::audit::{AuditPlace, BEFORE_HEAD, FIRST, LAST_SEQUENCE, Order, place, sk};
use super::item::{Item, from_item};
use super::transaction::pause;
use super::{Store, TenantStore};
use crate::error::Result;
use crate::model::{AuditLink, AuditRecord, ChainFault, TenantId};

/// How many rows are read at once.
const READ_AT_ONCE: u32 = 500;
/// How often the end of a trail is looked at, while others write.
const ATTEMPTS: u32 = 4;

/// What a walk along a trail has found.
#[derive(Debug)]
pub struct AuditWalk {
    /// How many records it has checked.
    pub checked: u64,
    /// The last record that holds.
    pub last: Option<AuditLink>,
    /// The first place where the chain does not hold.
    pub broken: Option<(ChainFault, AuditPlace)>,
    /// Whether it has come to the end of the days, or to a break.
    pub ended: bool,
}

impl AuditWalk {
    /// Takes the next row. `false` if the chain does not hold there.
    fn step(&mut self, item: Item, tenant: TenantId) -> bool {
        match check(item, self.last.as_ref(), tenant) {
            Ok(link) => {
                self.checked += 1;
                self.last = Some(link);
                true
            }
            Err(broken) => {
                self.checked += 1;
                self.stop(broken);
                false
            }
        }
    }

    fn stop(&mut self, broken: (ChainFault, AuditPlace)) {
        self.broken = Some(broken);
        self.ended = true;
    }
}

/// The row as the one after `last`, or what is wrong with it.
fn check(
    item: Item,
    last: Option<&AuditLink>,
    tenant: TenantId,
) -> Result<AuditLink, (ChainFault, AuditPlace)> {
    let stands = place(&item).ok_or_else(|| (ChainFault::Unreadable, after(last)))?;
    let record: AuditRecord =
        from_item(item).map_err(|_| (ChainFault::Unreadable, stands.clone()))?;
    if (&record.day, record.sequence) != (&stands.0, stands.1) {
        return Err((ChainFault::OutOfPlace, stands));
    }
    match record.fault(last, tenant) {
        Some((fault, day, sequence)) => Err((fault, (day, sequence))),
        None => Ok(record.link()),
    }
}

/// The place after a record.
fn after(last: Option<&AuditLink>) -> AuditPlace {
    last.map_or((String::new(), 1), |last| {
        (last.day.clone(), last.sequence + 1)
    })
}

/// How a trail ends after the last record that holds.
enum End {
    /// As it must.
    Whole,
    /// Not as it must.
    Broken((ChainFault, AuditPlace)),
    /// Not as it must, unless others write there just now.
    Unsettled((ChainFault, AuditPlace)),
}

impl TenantStore {
    /// Checks the tenant's chain from the day `from` to the day `to`, or on from the record `after`: at most
    /// `limit` records. At the end it looks at the record after those days, or at the head, because only they
    /// tell whether something is missing there.
    pub async fn audit_verify(
        &self,
        (from, to): (&str, &str),
        after: Option<AuditLink>,
        limit: u32,
    ) -> Result<AuditWalk> {
        let last = match after {
            Some(link) => Some(link),
            None => self.store.audit_link_before(self.tenant, from).await?,
        };
        let mut walk = AuditWalk {
            checked: 0,
            last,
            broken: None,
            ended: false,
        };
        for attempt in 1.. {
            let walked = self.audit_walk(&mut walk, (from, to), limit).await?;
            if walked.is_continue() || walk.ended {
                break;
            }
            match self.audit_end(walk.last.as_ref(), to).await? {
                End::Whole => walk.ended = true,
                End::Broken(broken) => walk.stop(broken),
                End::Unsettled(broken) if attempt >= ATTEMPTS => walk.stop(broken),
                End::Unsettled(_) => {
                    pause(&self.tenant.to_string(), attempt).await;
                    continue;
                }
            }
            break;
        }
        Ok(walk)
    }

    /// Walks on from the last record that holds. It breaks off at the end of the day `to` or where the chain
    /// does not hold, and could continue after `limit` records.
    async fn audit_walk(
        &self,
        walk: &mut AuditWalk,
        (from, to): (&str, &str),
        limit: u32,
    ) -> Result<ControlFlow<()>> {
        loop {
            let left = u64::from(limit).saturating_sub(walk.checked);
            let left = u32::try_from(left).unwrap_or(limit);
            if left == 0 {
                return Ok(ControlFlow::Continue(()));
            }
            let walked = walk.last.as_ref();
            let walked = walked.map(|last| behind(&sk(&last.day, last.sequence)));
            let range = (
                walked.unwrap_or_default().max(sk(from, 0)),
                sk(to, LAST_SEQUENCE),
            );
            if range.0 > range.1 {
                return Ok(ControlFlow::Break(()));
            }
            let (order, size) = (Order::OldestFirst, left.min(READ_AT_ONCE));
            let page = self
                .store
                .audit_query(self.tenant, range, order, None, size);
            let (items, next) = page.await?;
            for item in items {
                if !walk.step(item, self.tenant) {
                    return Ok(ControlFlow::Break(()));
                }
            }
            if next.is_none() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }

    /// Looks at what stands after the day `to`, or at the head if nothing does.
    async fn audit_end(&self, last: Option<&AuditLink>, to: &str) -> Result<End> {
        let rest = (behind(&sk(to, LAST_SEQUENCE)), BEFORE_HEAD.to_owned());
        let page = self
            .store
            .audit_query(self.tenant, rest, Order::OldestFirst, None, 1);
        let (items, _) = page.await?;
        if let Some(item) = items.into_iter().next() {
            let checked = check(item, last, self.tenant);
            return Ok(checked.map_or_else(End::Broken, |_| End::Whole));
        }
        let head = self.store.audit_head(self.tenant).await?;
        let head = head.as_ref();
        if head == last {
            return Ok(End::Whole);
        }
        let place = |link: &AuditLink| (link.day.clone(), link.sequence);
        let first = |link: Option<&AuditLink>| {
            let day = link.map(|link| link.day.clone());
            (day.unwrap_or_default(), 1)
        };
        Ok(End::Unsettled(
            match head.map(place).cmp(&last.map(place)) {
                Ordering::Equal => (ChainFault::Changed, last.map(place).unwrap_or_default()),
                Ordering::Greater => {
                    let missing = last.map_or_else(|| first(head), |last| after(Some(last)));
                    (ChainFault::Missing, missing)
                }
                Ordering::Less => {
                    let added = head.map_or_else(|| first(last), |head| after(Some(head)));
                    (ChainFault::Added, added)
                }
            },
        ))
    }
}

/// The least key behind a key.
fn behind(sk: &str) -> String {
    [sk, "\u{1}"].concat()
}

impl Store {
    /// The record before the first of a day, as what the first must follow.
    async fn audit_link_before(&self, tenant: TenantId, day: &str) -> Result<Option<AuditLink>> {
        let range = (FIRST.to_owned(), sk(day, 0));
        let page = self.audit_query(tenant, range, Order::NewestFirst, None, 1);
        let (items, _) = page.await?;
        let link = |item: &Item| {
            let (day, sequence) = place(item)?;
            // One without a hash is wrong, and so is what follows it.
            let hash = item.get("hash").and_then(|hash| hash.as_s().ok());
            Some(AuditLink {
                day,
                sequence,
                hash: hash.cloned().unwrap_or_default(),
            })
        };
        Ok(items.first().and_then(link))
    }
}

#[cfg(test)]
mod tests {
    use super::super::audit::pk;
    use super::*;

    #[test]
    fn a_key_that_is_none_of_a_record_has_no_place() {
        let row = |sk: &str| super::super::item::key(pk(TenantId::new()), sk);
        let good = ("2026-01-31".to_owned(), 12);
        assert_eq!(place(&row("2026-01-31#0000000012")), Some(good));
        for odd in [
            "HEAD",
            "2026-01-31",
            "2026-01-31#12",
            "2026-01-31#00000000x2",
        ] {
            assert_eq!(place(&row(odd)), None, "{odd}");
        }
    }
}
