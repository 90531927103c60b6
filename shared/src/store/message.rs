//! Messages: `TENANT#<tenant>#CONV#<conversation>` / `MSG#<sequence, ten digits>`.
//!
//! Questions: the newest messages, the messages after one. A turn takes the next two sequence numbers, one
//! for the question and one for its answer, so that the condition "this key is new" lets only one turn of a
//! conversation through at a time without touching the conversation's row.

use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, WriteRequest};
use serde::{Deserialize, Serialize};

use super::TenantStore;
use super::conversation::IS_THERE;
use super::item::{IS_NEW_OR_SAME, Item, Written, from_item, key, n, s, to_item, written};
use crate::clock::Moment;
use crate::error::{Error, Result};
use crate::model::{Answer, ConversationId, Message, MessageId, Role};

/// DynamoDB's limit for one BatchWriteItem.
const BATCH: usize = 25;

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
    pub(super) fn cut(mut found: Vec<T>, limit: u32) -> Self {
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
}

/// What became of the attempt to begin a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// The message is stored.
    Yes,
    /// Another turn took the sequence number first; nothing was written.
    TakenByAnother,
}

#[derive(Serialize, Deserialize)]
struct MessageItem {
    id: MessageId,
    sequence: u64,
    parent: Option<MessageId>,
    role: Role,
    content: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Answer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending_until: Option<Moment>,
    created_at: Moment,
}

fn message_sk(sequence: u64) -> String {
    format!("MSG#{sequence:010}")
}

impl TenantStore {
    fn message_pk(&self, conversation: ConversationId) -> String {
        format!("TENANT#{}#CONV#{conversation}", self.tenant)
    }

    fn message_key(&self, conversation: ConversationId, sequence: u64) -> Item {
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
        })
    }

    async fn messages(
        &self,
        conversation: ConversationId,
        (first, last): (&str, String),
        forward: bool,
        limit: usize,
    ) -> Result<(Vec<Message>, bool)> {
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
        let messages = items.into_iter();
        let messages = messages.map(|item| from_item::<MessageItem>(item).map(Message::from));
        Ok((messages.collect::<Result<_>>()?, next.is_some()))
    }

    /// Stores the message that begins a turn, if its sequence number is still free.
    pub async fn turn_begin(
        &self,
        conversation: ConversationId,
        message: &Message,
    ) -> Result<Begun> {
        let item = to_item(
            self.message_key(conversation, message.sequence),
            &MessageItem::from(message),
        )?;
        let request = self.store.db.put_item().table_name(&*self.store.table);
        let request = request
            .set_item(Some(item))
            .condition_expression(IS_NEW_OR_SAME)
            .expression_attribute_values(":id", s(message.id.to_string()));
        match written(request.send().await)? {
            Written::Yes => Ok(Begun::Yes),
            Written::ConditionFailed { .. } => Ok(Begun::TakenByAnother),
        }
    }

    /// Stores the answer and moves the conversation to the top of the list, both or neither. `false`, and
    /// nothing written, if the conversation was deleted meanwhile.
    pub async fn turn_end(&self, conversation: ConversationId, answer: &Message) -> Result<bool> {
        let item = to_item(
            self.message_key(conversation, answer.sequence),
            &MessageItem::from(answer),
        )?;
        let parts = vec![
            self.touch(conversation, answer.created_at)?,
            self.store.put_once(item, answer.id.to_string())?,
        ];
        match self.store.transact(parts).await? {
            Written::Yes => Ok(true),
            Written::ConditionFailed { place: 0 } => Ok(false),
            Written::ConditionFailed { .. } => Err(Error::internal("the answer's place is taken")),
        }
    }

    /// Notes at the question why no answer came, so that the next turn need not wait. `false`, and nothing
    /// written, if the conversation was deleted meanwhile.
    pub async fn turn_fail(
        &self,
        conversation: ConversationId,
        question: &Message,
        failure: &str,
        now: Moment,
    ) -> Result<bool> {
        let question_key = self.message_key(conversation, question.sequence);
        let parts = vec![
            self.touch(conversation, now)?,
            self.store.update(
                question_key,
                "SET failure = :failure REMOVE pending_until",
                "id = :id",
                [
                    (":failure", s(failure)),
                    (":id", s(question.id.to_string())),
                ],
            )?,
        ];
        match self.store.transact(parts).await? {
            Written::Yes => Ok(true),
            Written::ConditionFailed { place: 0 } => Ok(false),
            Written::ConditionFailed { .. } => {
                Err(Error::internal("the question is not there any more"))
            }
        }
    }

    /// Takes back the question of a turn whose conversation was deleted while it ran.
    pub async fn turn_forget(
        &self,
        conversation: ConversationId,
        question: &Message,
    ) -> Result<()> {
        let request = self.store.db.delete_item().table_name(&*self.store.table);
        let request = request.set_key(Some(self.message_key(conversation, question.sequence)));
        request.send().await.map(|_| ()).map_err(crate::aws::error)
    }

    fn touch(
        &self,
        conversation: ConversationId,
        now: Moment,
    ) -> Result<aws_sdk_dynamodb::types::TransactWriteItem> {
        let now: AttributeValue = serde_dynamo::to_attribute_value(now).map_err(Error::internal)?;
        self.store.update(
            self.conversation_key(conversation),
            "SET active_at = :now ADD version :one",
            IS_THERE,
            [(":now", now), (":one", n(1))],
        )
    }

    /// Deletes all messages of a conversation.
    pub(super) async fn messages_delete(&self, conversation: ConversationId) -> Result<()> {
        let query = self.store.db.query().table_name(&*self.store.table);
        let query = query
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(self.message_pk(conversation)))
            .projection_expression("pk, sk");
        let mut start = None;
        loop {
            let (keys, next) = self.store.page(query.clone(), start).await?;
            start = next;
            for batch in keys.chunks(BATCH) {
                self.delete_batch(batch.to_vec()).await?;
            }
            if start.is_none() {
                return Ok(());
            }
        }
    }

    async fn delete_batch(&self, keys: Vec<Item>) -> Result<()> {
        let requests = keys.into_iter().map(|key| {
            let delete = DeleteRequest::builder().set_key(Some(key)).build();
            delete.map(|delete| WriteRequest::builder().delete_request(delete).build())
        });
        let mut left: Vec<WriteRequest> = requests
            .collect::<Result<_, _>>()
            .map_err(Error::internal)?;
        let mut attempt = 0;
        while !left.is_empty() {
            if attempt > 0 {
                tokio::time::sleep(std::time::Duration::from_millis(25 << attempt)).await;
            }
            if attempt == 8 {
                return Err(Error::unavailable("the table keeps handing back deletions"));
            }
            let request = self
                .store
                .db
                .batch_write_item()
                .request_items(&*self.store.table, left);
            let output = request.send().await.map_err(crate::aws::error)?;
            let mut unprocessed = output.unprocessed_items.unwrap_or_default();
            left = unprocessed.remove(&*self.store.table).unwrap_or_default();
            attempt += 1;
        }
        Ok(())
    }
}

impl From<&Message> for MessageItem {
    fn from(message: &Message) -> Self {
        let Message {
            id,
            sequence,
            parent,
            role,
            content,
            answer,
            failure,
            pending_until,
            created_at,
        } = message.clone();
        Self {
            id,
            sequence,
            parent,
            role,
            content,
            answer,
            failure,
            pending_until,
            created_at,
        }
    }
}

impl From<MessageItem> for Message {
    fn from(item: MessageItem) -> Self {
        let MessageItem {
            id,
            sequence,
            parent,
            role,
            content,
            answer,
            failure,
            pending_until,
            created_at,
        } = item;
        Self {
            id,
            sequence,
            parent,
            role,
            content,
            answer,
            failure,
            pending_until,
            created_at,
        }
    }
}
