//! What budgets have counted: `TENANT#<tenant>#SPEND#<scope>` / `DAY#<day>#<since>` and `MONTH#<month>#<since>`, where
//! `since` is when the budget was made. And what is reserved: `TENANT#<tenant>#RESERVED` / `RUN#<run>`, a row for each
//! run under way that budgets count.
//!
//! Questions: what has this budget counted now? which reservations are the oldest? Writes: reserved in the transaction
//! that begins a run, on the condition that there is room; settled in the one that ends it. The reservation's row is
//! the proof that it is not settled yet: whoever settles deletes it in the same transaction, so that whatever becomes
//! of the run's own row, and whoever else ends it, it is settled once.

use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use serde::{Deserialize, Serialize};

use super::TenantStore;
use super::item::{IS_NEW, Item, from_item, key, moment, n, to_item};
use crate::clock::Moment;
use crate::error::{Error, Result};
use crate::model::{
    AuditEvent, Budget, BudgetResource, BudgetUse, BudgetWindow, CountedBy, Reservation, Run,
    RunId, Spend, UserId, WindowUse,
};

/// For how long a counter is kept after its window has ended.
const KEPT_FOR: Duration = Duration::from_secs(400 * 24 * 3600);
/// How long after it began a run is still settled in its counters. Long before they expire, so that none is made anew
/// by that.
const SETTLED_WITHIN: Duration = Duration::from_secs(365 * 24 * 3600);

/// A reservation that is not settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenReservation {
    /// The run.
    pub run: RunId,
    /// Whose run it is.
    user: UserId,
    /// When the run began, which says in which windows it counts.
    pub began: Moment,
    /// When the run is over for certain, if its process did not die.
    pub until: Moment,
    /// What is reserved.
    pub reservation: Reservation,
}

/// A counter: what is used is spent or reserved.
#[derive(Default, Deserialize)]
#[serde(default)]
struct CounterItem {
    used_micro_dollars: u64,
    used_tokens: u64,
    reserved_micro_dollars: u64,
    reserved_tokens: u64,
    soft_micro_dollars_at: Option<Moment>,
    soft_tokens_at: Option<Moment>,
}

/// The attribute that has what is used of it.
const fn used(resource: BudgetResource) -> &'static str {
    match resource {
        BudgetResource::MicroDollars => "used_micro_dollars",
        BudgetResource::Tokens => "used_tokens",
    }
}

/// The attribute that has when it was written down that most of it is spent.
const fn soft(resource: BudgetResource) -> &'static str {
    match resource {
        BudgetResource::MicroDollars => "soft_micro_dollars_at",
        BudgetResource::Tokens => "soft_tokens_at",
    }
}

impl TenantStore {
    fn counter_key(&self, counted: &CountedBy, window: BudgetWindow, at: Moment) -> Item {
        let CountedBy { scope, since } = counted;
        let kind = match window {
            BudgetWindow::Day => "DAY",
            BudgetWindow::Month => "MONTH",
        };
        key(
            format!("TENANT#{}#SPEND#{scope}", self.tenant),
            format!("{kind}#{}#{}", window.name(at), since.rfc3339()),
        )
    }

    fn reserved_key(&self, run: RunId) -> Item {
        key(
            format!("TENANT#{}#RESERVED", self.tenant),
            format!("RUN#{run}"),
        )
    }

    /// The parts that reserve what a run may cost of those budgets. The first can't fail; the others do where there is
    /// no room.
    pub(super) fn reserve_parts(
        &self,
        (id, began, until): (RunId, Moment, Moment),
        reservation: &Reservation,
        budgets: &[Budget],
    ) -> Result<Vec<TransactWriteItem>> {
        let row = OpenReservation {
            run: id,
            user: self.user,
            began,
            until,
            reservation: reservation.clone(),
        };
        let row = to_item(self.reserved_key(id), &row)?;
        let mut parts = vec![self.store.put(row, IS_NEW)?];
        for budget in budgets {
            for window in BudgetWindow::ALL {
                parts.push(self.reserve_part(budget, window, &reservation.amount, began)?);
            }
        }
        Ok(parts)
    }

    /// Reserves what something may cost that is no run of its own; it has the id of one. `false` if a budget has no room;
    /// nothing was written then.
    pub async fn reserve(
        &self,
        times: (RunId, Moment, Moment),
        reservation: &Reservation,
        budgets: &[Budget],
    ) -> Result<bool> {
        let fits = |budget: &Budget| budget.could_fit(&reservation.amount);
        if !budgets.iter().all(fits) {
            return Ok(false);
        }
        let parts = self.reserve_parts(times, reservation, budgets)?;
        Ok(self.store.transact(parts).await?.made())
    }

    /// Adds to one counter, if its limits have room.
    fn reserve_part(
        &self,
        budget: &Budget,
        window: BudgetWindow,
        amount: &Spend,
        at: Moment,
    ) -> Result<TransactWriteItem> {
        let expires = window.ends(at).plus(KEPT_FOR).unix_seconds();
        let mut update = Update::builder()
            .table_name(&*self.store.table)
            .set_key(Some(self.counter_key(&budget.counted_by(), window, at)))
            .update_expression(
                "SET expires_at = :expires \
                 ADD used_micro_dollars :money, used_tokens :tokens, \
                 reserved_micro_dollars :money, reserved_tokens :tokens",
            )
            .expression_attribute_values(":expires", n(expires))
            .expression_attribute_values(":money", n(amount.micro_dollars.0))
            .expression_attribute_values(":tokens", n(amount.tokens));
        let mut conditions = Vec::new();
        for resource in BudgetResource::ALL {
            let Some(limit) = budget.limit(window).of(resource) else {
                continue;
            };
            let name = used(resource);
            // A condition can't add, so the room that must be left is said. Where there is none even in an empty
            // counter, nobody comes here.
            let most = i128::from(limit) - i128::from(amount.of(resource));
            update = update.expression_attribute_values(format!(":most_{name}"), n(most));
            conditions.push(format!(
                "(attribute_not_exists({name}) OR {name} <= :most_{name})"
            ));
        }
        if !conditions.is_empty() {
            update = update.condition_expression(conditions.join(" AND "));
        }
        let update = update.build().map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// The parts that settle a run: its reservation's row goes, and the counters get what it cost in place of what was
    /// reserved. The first fails if that was done before.
    pub(super) fn settle_parts(
        &self,
        run: RunId,
        began: Moment,
        reservation: &Reservation,
        charge: &Spend,
        now: Moment,
    ) -> Result<Vec<TransactWriteItem>> {
        let row = self.reserved_key(run);
        let mut parts = vec![self.store.delete(row, "attribute_exists(pk)", [])?];
        if now.since(began) > SETTLED_WITHIN {
            return Ok(parts);
        }
        let reserved = &reservation.amount;
        let more = |resource| i128::from(charge.of(resource)) - i128::from(reserved.of(resource));
        for counted in &reservation.budgets {
            for window in BudgetWindow::ALL {
                let values = [
                    (":money", n(more(BudgetResource::MicroDollars))),
                    (":tokens", n(more(BudgetResource::Tokens))),
                    (":less_money", n(-i128::from(reserved.micro_dollars.0))),
                    (":less_tokens", n(-i128::from(reserved.tokens))),
                ];
                parts.push(self.store.update(
                    self.counter_key(counted, window, began),
                    "ADD used_micro_dollars :money, used_tokens :tokens, \
                     reserved_micro_dollars :less_money, reserved_tokens :less_tokens",
                    "attribute_exists(pk)",
                    values,
                )?);
            }
        }
        Ok(parts)
    }

    /// The same for a run as it ended; nothing for one that no budget counts.
    pub(super) fn settle_run_parts(
        &self,
        run: &Run,
        now: Moment,
    ) -> Result<Vec<TransactWriteItem>> {
        match &run.reservation {
            Some(reservation) => {
                self.settle_parts(run.id, run.created_at, reservation, &run.charge(), now)
            }
            None => Ok(Vec::new()),
        }
    }

    /// Settles a run whose row is gone. `false` if that was done before.
    pub async fn reservation_settle(
        &self,
        run: RunId,
        began: Moment,
        reservation: &Reservation,
        charge: &Spend,
        now: Moment,
    ) -> Result<bool> {
        let parts = self.settle_parts(run, began, reservation, charge, now)?;
        Ok(self.store.transact(parts).await?.made())
    }

    /// The oldest reservations of the tenant that are not settled, at most so many.
    pub async fn reservations_open(&self, limit: u32) -> Result<Vec<OpenReservation>> {
        let pk = format!("TENANT#{}#RESERVED", self.tenant);
        let (open, _) = self.store.list(pk, "RUN#", None, limit).await?;
        Ok(open)
    }

    /// The same tenant as the one sees it whose run that is. The one way to rows of another person, and it leads to the
    /// run alone: whoever needs the room ends it, if its process died, and shows nothing of it to anybody.
    pub fn of_reservation(&self, open: &OpenReservation) -> Self {
        Self {
            user: open.user,
            ..self.clone()
        }
    }

    /// What those budgets have counted in the windows that have `at` in them, in their order.
    pub async fn spend_get(&self, budgets: &[Budget], at: Moment) -> Result<Vec<BudgetUse>> {
        let place = |item: &Item| {
            Some((
                item.get("pk")?.as_s().ok()?.clone(),
                item.get("sk")?.as_s().ok()?.clone(),
            ))
        };
        let key = |budget: &Budget, window| self.counter_key(&budget.counted_by(), window, at);
        let keys = budgets
            .iter()
            .flat_map(|budget| BudgetWindow::ALL.map(|window| key(budget, window)));
        let items = self.store.get_many(keys.collect(), true).await?;
        let found = |budget: &Budget, window| -> Result<WindowUse> {
            let wanted = place(&key(budget, window));
            let item = items.iter().find(|item| place(item) == wanted);
            let counter: Option<CounterItem> = item.cloned().map(from_item).transpose()?;
            Ok(counter.unwrap_or_default().into())
        };
        let uses = budgets.iter().map(|budget| {
            Ok(BudgetUse {
                day: found(budget, BudgetWindow::Day)?,
                month: found(budget, BudgetWindow::Month)?,
            })
        });
        uses.collect()
    }

    /// Notes that most of a limit is spent, with the event that tells of it, once in a window. `false` if that was
    /// done before.
    pub async fn spend_soft(
        &self,
        budget: &Budget,
        window: BudgetWindow,
        resource: BudgetResource,
        at: Moment,
        event: &AuditEvent,
    ) -> Result<bool> {
        let name = soft(resource);
        let values: [(&'static str, AttributeValue); 1] = [(":at", moment(event.at)?)];
        let part = self.store.update(
            self.counter_key(&budget.counted_by(), window, at),
            &format!("SET {name} = :at"),
            &format!("attribute_exists(pk) AND attribute_not_exists({name})"),
            values,
        )?;
        let written = self.store.transact_audited(vec![part], event).await?;
        Ok(written.made())
    }
}

impl From<CounterItem> for WindowUse {
    fn from(item: CounterItem) -> Self {
        let CounterItem {
            used_micro_dollars,
            used_tokens,
            reserved_micro_dollars,
            reserved_tokens,
            soft_micro_dollars_at,
            soft_tokens_at,
        } = item;
        let spend = |money: u64, tokens: u64| Spend {
            micro_dollars: crate::model::MicroDollars(money),
            tokens,
        };
        Self {
            spent: spend(
                used_micro_dollars.saturating_sub(reserved_micro_dollars),
                used_tokens.saturating_sub(reserved_tokens),
            ),
            reserved: spend(reserved_micro_dollars, reserved_tokens),
            soft_micro_dollars_at,
            soft_tokens_at,
        }
    }
}
