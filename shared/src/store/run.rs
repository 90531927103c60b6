//! Runs: `TENANT#<tenant>#USER#<user>` / `RUN#<run>`, and their events for a day:
//! `TENANT#<tenant>#RUN#<run>` / `EVENTS#<number of the first, ten digits>`.
//!
//! Questions: this run of mine? my newest runs? what happened in it after that event? Writes: begun and ended in
//! `turn.rs`; between that the process that works on it renews its lease, anybody of the user's may ask it to stop,
//! and events are added.

use aws_sdk_dynamodb::types::{ReturnValue, TransactWriteItem};
use serde::{Deserialize, Serialize};

use super::TenantStore;
use super::item::{IS_NEW, Item, Written, from_item, key, moment, n, s, to_item, value, written};
use super::message::Page;
use crate::clock::Moment;
use crate::error::Result;
use crate::model::{Run, RunEvent, RunId, RunStatus, RunnerId};

/// For how long the events of a run are kept, from when they happened.
pub const EVENTS_LAST: std::time::Duration = std::time::Duration::from_secs(24 * 3600);
/// The most events that one item holds. Whoever looks for one looks at items that begin at most so far before it.
pub const MOST_EVENTS_AT_ONCE: u64 = 64;
/// The last number that has ten digits.
const LAST_EVENT: u64 = 9_999_999_999;

/// What a process learns when it says that it still works on a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulse {
    /// The run is still its own, and goes on.
    GoOn,
    /// The run is still its own, and somebody wants it to stop.
    Stop,
    /// The run is not its own any more.
    Lost,
}

#[derive(Serialize, Deserialize)]
struct EventsItem {
    events: Vec<RunEvent>,
    /// The TTL attribute, in Unix seconds.
    expires_at: i64,
}

fn events_sk(first: u64) -> String {
    format!("EVENTS#{first:010}")
}

impl TenantStore {
    fn run_pk(&self) -> String {
        format!("TENANT#{}#USER#{}", self.tenant, self.user)
    }

    pub(super) fn run_key(&self, id: RunId) -> Item {
        key(self.run_pk(), format!("RUN#{id}"))
    }

    pub(super) fn events_pk(&self, id: RunId) -> String {
        format!("TENANT#{}#RUN#{id}", self.tenant)
    }

    pub(super) fn run_put(&self, run: &Run) -> Result<TransactWriteItem> {
        self.store.put(to_item(self.run_key(run.id), run)?, IS_NEW)
    }

    /// The part of a transaction that puts a run as it shall be, if it is still `owner`'s and where it was.
    pub(super) fn run_move(
        &self,
        run: &Run,
        owner: RunnerId,
        was: RunStatus,
    ) -> Result<TransactWriteItem> {
        let row = to_item(self.run_key(run.id), run)?;
        self.store.put_if(
            row,
            "run_owner = :owner AND run_status = :was",
            [(":owner", value(owner)?), (":was", value(was)?)],
        )
    }

    /// The part of a transaction that puts a run as it is at its end, if it is still `owner`'s. Where `run` has
    /// another owner, that one takes it over.
    pub(super) fn run_end(&self, run: &Run, owner: RunnerId) -> Result<TransactWriteItem> {
        if run.owner == owner {
            return self.run_move(run, owner, RunStatus::InProgress);
        }
        let row = to_item(self.run_key(run.id), run)?;
        // Whoever takes it over does so only as long as the other one does not say that it is alive.
        self.store.put_if(
            row,
            "run_owner = :owner AND run_status = :in_progress AND lease_until = :lease",
            [
                (":owner", value(owner)?),
                (":in_progress", value(RunStatus::InProgress)?),
                (":lease", moment(run.lease_until)?),
            ],
        )
    }

    /// A run of the caller's. Someone else's is `None`, as if it did not exist.
    pub async fn run_get(&self, id: RunId) -> Result<Option<Run>> {
        self.store.get(self.run_key(id)).await
    }

    /// The caller's runs, newest first, `limit` of them before that one.
    pub async fn run_list(&self, before: Option<RunId>, limit: u32) -> Result<Page<Run>> {
        let query = self.store.db.query().table_name(&*self.store.table);
        let query = query
            .key_condition_expression("pk = :pk AND begins_with(sk, :runs)")
            .expression_attribute_values(":pk", s(self.run_pk()))
            .expression_attribute_values(":runs", s("RUN#"))
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(i32::try_from(limit.saturating_add(1)).unwrap_or(i32::MAX));
        let mut start = before.map(|id| self.run_key(id));
        let mut found = Vec::new();
        loop {
            let (items, next) = self.store.page(query.clone(), start).await?;
            for item in items {
                found.push(from_item(item)?);
            }
            start = next;
            if start.is_none() || found.len() > limit as usize {
                return Ok(Page::cut(found, limit));
            }
        }
    }

    /// Says that `run.owner` works on the run until `lease_until`, what it sent and which attempts it made, and learns
    /// whether it shall go on.
    pub async fn run_pulse(&self, run: &Run, lease_until: Moment) -> Result<Pulse> {
        let request = self.store.db.update_item().table_name(&*self.store.table);
        let request = request
            .set_key(Some(self.run_key(run.id)))
            .update_expression(
                "SET lease_until = :lease, sent_tokens = :sent, attempts = :attempts",
            )
            .condition_expression("run_owner = :owner AND run_status = :in_progress")
            .expression_attribute_values(":lease", moment(lease_until)?)
            .expression_attribute_values(":sent", n(run.sent_tokens))
            .expression_attribute_values(":attempts", value(&run.attempts)?)
            .expression_attribute_values(":owner", value(run.owner)?)
            .expression_attribute_values(":in_progress", value(RunStatus::InProgress)?)
            .return_values(ReturnValue::AllNew);
        let sent = request.send().await;
        let attributes = sent
            .as_ref()
            .ok()
            .and_then(|output| output.attributes.clone());
        match written(sent)? {
            Written::ConditionFailed { .. } => Ok(Pulse::Lost),
            Written::Yes => {
                let run: Run = from_item(attributes.unwrap_or_default())?;
                Ok(if run.cancel_requested {
                    Pulse::Stop
                } else {
                    Pulse::GoOn
                })
            }
        }
    }

    /// Asks whoever works on a run to stop. `false` if it has ended, or is not there.
    pub async fn run_cancel(&self, id: RunId) -> Result<bool> {
        let part = self.store.update(
            self.run_key(id),
            "SET cancel_requested = :yes",
            "run_status = :in_progress",
            [
                (":yes", value(true)?),
                (":in_progress", value(RunStatus::InProgress)?),
            ],
        )?;
        Ok(self.store.write(part).await?.made())
    }

    /// Stores events that follow each other, at most [`MOST_EVENTS_AT_ONCE`]. Storing them twice is storing them
    /// once.
    pub async fn run_events_put(&self, id: RunId, events: &[RunEvent], now: Moment) -> Result<()> {
        let Some(first) = events.first() else {
            return Ok(());
        };
        let row = EventsItem {
            events: events.to_vec(),
            expires_at: now.plus(EVENTS_LAST).unix_seconds(),
        };
        let key = key(self.events_pk(id), events_sk(first.sequence));
        let request = self.store.db.put_item().table_name(&*self.store.table);
        let request = request.set_item(Some(to_item(key, &row)?));
        request.send().await.map(|_| ()).map_err(crate::aws::error)
    }

    /// The stored events of a run from the one with the number `from` on, in their order: at most a megabyte of
    /// them, and all if it is fewer.
    pub async fn run_events(&self, id: RunId, from: u64, now: Moment) -> Result<Vec<RunEvent>> {
        let first = events_sk(from.saturating_sub(MOST_EVENTS_AT_ONCE - 1));
        let query = self.store.db.query().table_name(&*self.store.table);
        let query = query
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":pk", s(self.events_pk(id)))
            .expression_attribute_values(":first", s(first))
            .expression_attribute_values(":last", s(events_sk(LAST_EVENT)))
            .consistent_read(true);
        let (items, _) = self.store.page(query, None).await?;
        let mut events = Vec::new();
        for item in items {
            let row: EventsItem = from_item(item)?;
            if row.expires_at > now.unix_seconds() {
                events.extend(row.events);
            }
        }
        events.retain(|event| event.sequence >= from);
        Ok(events)
    }

    /// The keys of everything that is kept of a run.
    pub(super) async fn run_rows(&self, id: RunId) -> Result<Vec<Item>> {
        let mut rows = vec![self.run_key(id)];
        let request = self.store.db.query().table_name(&*self.store.table);
        let mut pages = request
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(self.events_pk(id)))
            .projection_expression("pk, sk")
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        while let Some(item) = pages.next().await {
            rows.push(item.map_err(crate::aws::error)?);
        }
        Ok(rows)
    }
}
