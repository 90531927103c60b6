//! Threads: `TENANT#<tenant>#USER#<user>` / `THREAD#<conversation>`: conversations that are in no list and expire. Requests
//! of the OpenAI-compatible API that name no conversation live in one. Their messages stand where those of conversations do.
//!
//! And what such a request asked beside its messages: `TENANT#<tenant>#RUN#<run>` / `RESPONSE`. It is there exactly as long as
//! the response can be fetched.

use aws_sdk_dynamodb::types::{PutRequest, TransactWriteItem, WriteRequest};
use serde::{Deserialize, Serialize};

use super::TenantStore;
use super::item::{IS_NEW, Item, key, n, to_item};
use crate::clock::Moment;
use crate::error::{Error, Result};
use crate::model::{ConversationId, Message, Run, RunId, Thread};

/// How many messages are read at once where a thread is copied.
const COPIED_AT_ONCE: u32 = 200;

#[derive(Serialize, Deserialize)]
struct ThreadItem {
    id: ConversationId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    system_prompt: Option<String>,
    created_at: Moment,
    /// The TTL attribute, in Unix seconds.
    expires_at: i64,
}

#[derive(Serialize, Deserialize)]
struct ResponseItem {
    response: String,
    /// The TTL attribute, in Unix seconds.
    expires_at: i64,
}

impl TenantStore {
    pub(super) fn thread_key(&self, id: ConversationId) -> Item {
        let pk = format!("TENANT#{}#USER#{}", self.tenant, self.user);
        key(pk, format!("THREAD#{id}"))
    }

    fn response_key(&self, run: RunId) -> Item {
        key(self.events_pk(run), "RESPONSE")
    }

    /// A thread of the caller's. One that has expired is `None`, also where the table has not deleted it yet.
    pub async fn thread_get(&self, id: ConversationId, now: Moment) -> Result<Option<Thread>> {
        let row: Option<ThreadItem> = self.store.get(self.thread_key(id)).await?;
        let row = row.filter(|row| row.expires_at > now.unix_seconds());
        Ok(row.map(|row| Thread {
            id: row.id,
            system_prompt: row.system_prompt,
            created_at: row.created_at,
            expires_at: Moment::from_unix_seconds(row.expires_at),
        }))
    }

    /// The part that puts a thread as it shall be: a new one, or one that is there.
    pub(super) fn thread_part(&self, thread: &Thread, is_new: bool) -> Result<TransactWriteItem> {
        let row = ThreadItem {
            id: thread.id,
            system_prompt: thread.system_prompt.clone(),
            created_at: thread.created_at,
            expires_at: thread.expires_at.unix_seconds(),
        };
        let condition = if is_new {
            IS_NEW
        } else {
            "attribute_exists(pk)"
        };
        self.store
            .put(to_item(self.thread_key(thread.id), &row)?, condition)
    }

    /// The part that keeps a thread for longer.
    pub(super) fn thread_touch(
        &self,
        id: ConversationId,
        until: Moment,
    ) -> Result<TransactWriteItem> {
        self.store.update(
            self.thread_key(id),
            "SET expires_at = :until",
            "attribute_exists(pk)",
            [(":until", n(until.unix_seconds()))],
        )
    }

    /// Copies the messages of a thread up to that place to the same places of a new one, which is to be kept until then. What
    /// breaks off, or is never used, expires.
    pub async fn thread_copy(
        &self,
        from: ConversationId,
        to: ConversationId,
        last: u64,
        until: Moment,
    ) -> Result<()> {
        let mut before = last.saturating_add(1);
        loop {
            let page = self.message_history(from, before, COPIED_AT_ONCE).await?;
            let puts = page.newest_first.iter().map(|message| {
                let copy = Message {
                    // Its run belongs to the original, and goes with that.
                    run: None,
                    pending_until: None,
                    ..message.clone()
                };
                let item = self.message_item(to, &copy, Some(until))?;
                let put = PutRequest::builder().set_item(Some(item)).build();
                let put = put.map_err(Error::internal)?;
                Ok(WriteRequest::builder().put_request(put).build())
            });
            self.write_batches(puts.collect::<Result<_>>()?).await?;
            match page.newest_first.last() {
                Some(oldest) if page.has_more => before = oldest.sequence,
                _ => return Ok(()),
            }
        }
    }

    /// The part that keeps what was asked in a run beside its messages.
    pub(super) fn response_part(
        &self,
        run: RunId,
        response: &str,
        until: Moment,
    ) -> Result<TransactWriteItem> {
        let row = ResponseItem {
            response: response.to_owned(),
            expires_at: until.unix_seconds(),
        };
        self.store
            .put(to_item(self.response_key(run), &row)?, IS_NEW)
    }

    /// What was asked in a run beside its messages, as it was given to `turn_begin`.
    pub async fn response_get(&self, run: RunId, now: Moment) -> Result<Option<String>> {
        let row: Option<ResponseItem> = self.store.get(self.response_key(run)).await?;
        let row = row.filter(|row| row.expires_at > now.unix_seconds());
        Ok(row.map(|row| row.response))
    }

    /// Deletes what was asked in a run, from the message at `first` on, and what was answered, where that is in a thread;
    /// what stands in a conversation stays. Doing it twice is doing it once.
    pub async fn response_delete(&self, run: &Run, first: u64) -> Result<()> {
        if run.thread_until.is_some() {
            let places = first..=run.question_sequence.saturating_add(1);
            let keys = places.map(|place| self.message_key(run.conversation, place));
            self.delete_all(keys.collect()).await?;
            // The run stays, with what it cost. The response goes last, so that what breaks off can be done again.
            let (run_row, response) = (self.run_key(run.id), self.response_key(run.id));
            let rows = self.run_rows(run.id).await?.into_iter();
            let rows = rows.filter(|row| *row != run_row && *row != response);
            self.delete_all(rows.collect()).await?;
        }
        self.store.remove(self.response_key(run.id)).await
    }
}
