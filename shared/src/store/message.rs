//! Messages: `TENANT#<tenant>#CONV#<conversation>` / `MSG#<sequence, ten digits>`.
//!
//! Questions: the newest messages (with the summary, which stands behind them), the messages after one. A turn takes the next two sequence numbers, one
//! for the question and one for its answer, so that the condition "this key is new" lets only one turn of a
//! conversation through at a time without touching the conversation's row.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};

use super::TenantStore;
use super::item::{Item, from_item, key, s, to_item};
use super::summary::SUMMARY_SK;
use crate::clock::Moment;
use crate::error::Result;
use crate::model::{
    Answer, ContentPart, ConversationId, Message, MessageId, Role, RunId, Summary, text_of,
};

/// The last sequence number that has ten digits.
const LAST_SEQUENCE: u64 = 9_999_999_999;

/// A piece of a listing.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// What it holds.
    pub items: Vec<T>,
    /// Whether there is more after the last of them.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// The first `limit` of `found`, which holds one more if there is more.
    pub fn cut(mut found: Vec<T>, limit: u32) -> Self {
        let has_more = found.len() > limit as usize;
        found.truncate(limit as usize);
        Self {
            items: found,
            has_more,
        }
    }
}

impl<T> Page<T> {
    /// The same of a single Query, which gives fewer than were asked for when they reach 1 MB.
    fn of_query(found: Vec<T>, more: bool, limit: u32) -> Self {
        let short = more && found.len() <= limit as usize;
        let page = Self::cut(found, limit);
        Self {
            has_more: page.has_more || short,
            ..page
        }
    }
}

/// The newest messages of a conversation, newest first.
#[derive(Debug, Clone)]
pub struct History {
    /// What was read.
    pub newest_first: Vec<Message>,
    /// Whether older ones were left unread.
    pub has_more: bool,
    /// What stands in for the oldest of all. `None` too where it was not asked for.
    pub summary: Option<Summary>,
}

#[derive(Serialize, Deserialize)]
struct MessageItem {
    id: MessageId,
    sequence: u64,
    parent: Option<MessageId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run: Option<RunId>,
    role: Role,
    /// Empty where there are parts: it is in them.
    content: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parts: Vec<ContentPart>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    removed: Vec<u32>,
    #[serde(default, skip_serializing_if = "is_zero")]
    tool_rounds: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Answer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending_until: Option<Moment>,
    created_at: Moment,
    /// The TTL attribute, in Unix seconds. Only messages of threads have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

fn message(row: Item) -> Result<Message> {
    from_item::<MessageItem>(row).map(Message::from)
}

fn message_sk(sequence: u64) -> String {
    format!("MSG#{sequence:010}")
}

impl TenantStore {
    pub(super) fn message_pk(&self, conversation: ConversationId) -> String {
        format!("TENANT#{}#CONV#{conversation}", self.tenant)
    }

    pub(super) fn message_key(&self, conversation: ConversationId, sequence: u64) -> Item {
        key(self.message_pk(conversation), message_sk(sequence))
    }

    /// At most `limit` messages in order of their sequence, after `after`; fewer where they have more than 1 MB
    /// together, which keeps a reply under Lambda's limit of 6 MB.
    ///
    /// It does not look whether the conversation is the caller's: whoever calls it reads the conversation
    /// too.
    pub async fn message_list(
        &self,
        conversation: ConversationId,
        after: u64,
        limit: u32,
    ) -> Result<Page<Message>> {
        let first = message_sk(after + 1);
        let bounds = (first.as_str(), message_sk(LAST_SEQUENCE));
        let wanted = limit as usize + 1;
        let (found, more) = self.messages(conversation, bounds, true, wanted).await?;
        Ok(Page::of_query(found, more, limit))
    }

    /// At most `limit` messages in reverse order of their sequence, before `before`. The same holds for whose
    /// conversation it is.
    pub async fn message_list_reversed(
        &self,
        conversation: ConversationId,
        before: u64,
        limit: u32,
    ) -> Result<Page<Message>> {
        let history = self
            .message_history(conversation, before, limit.saturating_add(1))
            .await?;
        Ok(Page::of_query(
            history.newest_first,
            history.has_more,
            limit,
        ))
    }

    /// At most `limit` messages in reverse order of their sequence, before `before`. A single Query: when it
    /// reaches DynamoDB's limit of 1 MB, it gives fewer.
    pub async fn message_history(
        &self,
        conversation: ConversationId,
        before: u64,
        limit: u32,
    ) -> Result<History> {
        let last = message_sk(before.saturating_sub(1).min(LAST_SEQUENCE));
        let bounds = ("MSG#", last);
        let (newest_first, has_more) = self
            .messages(conversation, bounds, false, limit as usize)
            .await?;
        Ok(History {
            newest_first,
            has_more,
            summary: None,
        })
    }

    /// The newest messages and the summary, at most `limit` rows. A single Query: the summary's row stands behind all
    /// messages.
    pub async fn message_newest(
        &self,
        conversation: ConversationId,
        limit: u32,
    ) -> Result<History> {
        let bounds = ("MSG#", SUMMARY_SK.to_owned());
        let rows = self.rows(conversation, bounds, false, limit as usize);
        let (mut rows, next) = rows.await?;
        let is_summary = |row: &Item| row.get("sk").is_some_and(|sk| *sk == s(SUMMARY_SK));
        let summary = rows.first().is_some_and(is_summary);
        let summary = summary.then(|| rows.remove(0)).map(from_item).transpose()?;
        Ok(History {
            newest_first: rows.into_iter().map(message).collect::<Result<_>>()?,
            has_more: next,
            summary,
        })
    }

    async fn messages(
        &self,
        conversation: ConversationId,
        (first, last): (&str, String),
        forward: bool,
        limit: usize,
    ) -> Result<(Vec<Message>, bool)> {
        let rows = self.rows(conversation, (first, last), forward, limit);
        let (rows, more) = rows.await?;
        let messages = rows.into_iter().map(message);
        Ok((messages.collect::<Result<_>>()?, more))
    }

    async fn rows(
        &self,
        conversation: ConversationId,
        (first, last): (&str, String),
        forward: bool,
        limit: usize,
    ) -> Result<(Vec<Item>, bool)> {
        let query = self.store.db.query().table_name(&*self.store.table);
        let query = query
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":pk", s(self.message_pk(conversation)))
            .expression_attribute_values(":first", s(first))
            .expression_attribute_values(":last", s(last))
            .scan_index_forward(forward)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let (items, next) = self.store.page(query, None).await?;
        Ok((items, next.is_some()))
    }

    /// The message at that place of a conversation.
    pub async fn message_get(
        &self,
        conversation: ConversationId,
        sequence: u64,
    ) -> Result<Option<Message>> {
        let key = self.message_key(conversation, sequence);
        let item = self.store.get::<MessageItem>(key).await?;
        Ok(item.map(Message::from))
    }

    /// A part of a transaction that puts a message at its place, which is free or has this very message.
    pub(super) fn message_put(
        &self,
        conversation: ConversationId,
        message: &Message,
        until: Option<Moment>,
    ) -> Result<TransactWriteItem> {
        let item = self.message_item(conversation, message, until)?;
        self.store.put_once(item, message.id.to_string())
    }

    /// The item of a message. In a thread it is kept until then.
    pub(super) fn message_item(
        &self,
        conversation: ConversationId,
        message: &Message,
        until: Option<Moment>,
    ) -> Result<Item> {
        let key = self.message_key(conversation, message.sequence);
        let row = MessageItem {
            expires_at: until.map(Moment::unix_seconds),
            ..MessageItem::from(message)
        };
        to_item(key, &row)
    }

    /// Deletes all messages of a conversation and its summary, with what is kept of their runs.
    pub(super) async fn messages_delete(&self, conversation: ConversationId) -> Result<()> {
        #[derive(Deserialize)]
        struct Row {
            #[serde(default)]
            run: Option<RunId>,
        }
        let query = self.store.db.query().table_name(&*self.store.table);
        let query = query
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(self.message_pk(conversation)))
            .projection_expression("pk, sk, run");
        let mut start = None;
        loop {
            let (items, next) = self.store.page(query.clone(), start).await?;
            start = next;
            let mut keys = Vec::new();
            let mut runs = BTreeSet::new();
            for mut item in items {
                runs.extend(from_item::<Row>(item.clone())?.run);
                item.remove("run");
                keys.push(item);
            }
            // First, so that what breaks off here is found again by its messages.
            for run in runs {
                self.delete_all(self.run_rows(run).await?).await?;
            }
            self.delete_all(keys).await?;
            if start.is_none() {
                return Ok(());
            }
        }
    }
}

impl From<&Message> for MessageItem {
    fn from(message: &Message) -> Self {
        let Message {
            id,
            sequence,
            parent,
            run,
            role,
            content,
            parts,
            removed,
            tool_rounds,
            answer,
            failure,
            pending_until,
            created_at,
        } = message.clone();
        Self {
            id,
            sequence,
            parent,
            run,
            role,
            content: if parts.is_empty() {
                content
            } else {
                String::new()
            },
            parts,
            removed,
            tool_rounds,
            answer,
            failure,
            pending_until,
            created_at,
            expires_at: None,
        }
    }
}

impl From<MessageItem> for Message {
    fn from(item: MessageItem) -> Self {
        let MessageItem {
            id,
            sequence,
            parent,
            run,
            role,
            content,
            parts,
            removed,
            tool_rounds,
            answer,
            failure,
            pending_until,
            created_at,
            expires_at: _,
        } = item;
        Self {
            id,
            sequence,
            parent,
            run,
            role,
            content: if parts.is_empty() {
                content
            } else {
                text_of(&parts)
            },
            parts,
            removed,
            tool_rounds,
            answer,
            failure,
            pending_until,
            created_at,
        }
    }
}
