//! Conversations: `TENANT#<tenant>#USER#<user>` / `CONV#<conversation>`.
//!
//! Questions: this conversation of mine? which of mine were active last? The second is answered by the local
//! secondary index `by_activity`, which, unlike a global one, reads what was just written.
//!
//! A conversation that is being deleted has `deleted_at` and counts as absent; its row goes last, so that a
//! deletion that broke off can be taken up again.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use super::TenantStore;
use super::item::{BY_ACTIVITY, IS_NEW, Item, Written, from_item, key, n, s, to_item, written};
use super::message::Page;
use crate::clock::Moment;
use crate::error::{Error, Result};
use crate::model::{Conversation, ConversationId, ConversationStatus, ModelSettings};

/// How many conversations one Query looks through for those with a status.
const SEARCHED_AT_ONCE: u32 = 1000;
/// Holds where the conversation exists and is not being deleted.
pub(super) const IS_THERE: &str = "attribute_exists(pk) AND attribute_not_exists(deleted_at)";

#[derive(Serialize, Deserialize)]
struct ConversationItem {
    id: ConversationId,
    title: Option<String>,
    model: Option<String>,
    system_prompt: Option<String>,
    #[serde(default)]
    settings: ModelSettings,
    status: ConversationStatus,
    version: u64,
    created_at: Moment,
    active_at: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Moment>,
}

/// What a change does to a conversation: each field as it shall be, `None` where it stays as it is.
#[derive(Debug, Clone, Default)]
pub struct ConversationChange {
    /// `Some(None)` takes the title away.
    pub title: Option<Option<String>>,
    /// `Some(None)` goes back to the default model.
    pub model: Option<Option<String>>,
    /// `Some(None)` takes the system prompt away.
    pub system_prompt: Option<Option<String>>,
    /// How the model answers from now on.
    pub settings: Option<ModelSettings>,
    /// The new status.
    pub status: Option<ConversationStatus>,
}

impl TenantStore {
    pub(super) fn conversation_key(&self, id: ConversationId) -> Item {
        key(self.conversation_pk(), format!("CONV#{id}"))
    }

    fn conversation_pk(&self) -> String {
        format!("TENANT#{}#USER#{}", self.tenant, self.user)
    }

    /// Writes a new conversation.
    pub async fn conversation_create(&self, conversation: &Conversation) -> Result<()> {
        let item = to_item(
            self.conversation_key(conversation.id),
            &ConversationItem::from(conversation),
        )?;
        let request = self.store.db.put_item().table_name(&*self.store.table);
        let request = request.set_item(Some(item)).condition_expression(IS_NEW);
        match written(request.send().await)? {
            Written::Yes => Ok(()),
            Written::ConditionFailed { .. } => {
                Err(Error::internal("the new conversation exists already"))
            }
        }
    }

    /// A conversation of the caller's. Someone else's is `None`, as if it did not exist.
    pub async fn conversation_get(&self, id: ConversationId) -> Result<Option<Conversation>> {
        let item = self.conversation_item(id).await?;
        Ok(item
            .filter(|item| item.deleted_at.is_none())
            .map(Conversation::from))
    }

    async fn conversation_item(&self, id: ConversationId) -> Result<Option<ConversationItem>> {
        let request = self
            .store
            .db
            .get_item()
            .table_name(&*self.store.table)
            .consistent_read(true);
        let request = request.set_key(Some(self.conversation_key(id)));
        let output = request.send().await.map_err(crate::aws::error)?;
        output.item.map(from_item).transpose()
    }

    /// The caller's conversations, last active first, `limit` of them after the one at `after`.
    pub async fn conversation_list(
        &self,
        status: Option<ConversationStatus>,
        after: Option<(ConversationId, Moment)>,
        limit: u32,
    ) -> Result<Page<Conversation>> {
        // Behind a filter there may be few that fit, so many are looked through at once.
        let read_at_once = if status.is_some() {
            SEARCHED_AT_ONCE
        } else {
            limit.saturating_add(1)
        };
        let query = self.store.db.query().table_name(&*self.store.table);
        let query = query
            .index_name(BY_ACTIVITY)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(self.conversation_pk()))
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(i32::try_from(read_at_once).unwrap_or(i32::MAX));
        let mut found = Vec::new();
        let mut start = after
            .map(|(id, active_at)| self.activity_key(id, active_at))
            .transpose()?;
        loop {
            let (items, next) = self.store.page(query.clone(), start).await?;
            for item in items {
                let item: ConversationItem = from_item(item)?;
                let wanted =
                    item.deleted_at.is_none() && status.is_none_or(|status| status == item.status);
                if wanted {
                    found.push(Conversation::from(item));
                }
            }
            start = next;
            if start.is_none() || found.len() > limit as usize {
                return Ok(Page::cut(found, limit));
            }
        }
    }

    fn activity_key(&self, id: ConversationId, active_at: Moment) -> Result<Item> {
        let mut start = self.conversation_key(id);
        let active_at = serde_dynamo::to_attribute_value(active_at).map_err(Error::internal)?;
        start.insert("active_at".to_owned(), active_at);
        Ok(start)
    }

    /// Changes a conversation, if it still has `version`. `None`, and nothing written, if it does not, or if
    /// there is no such conversation.
    pub async fn conversation_update(
        &self,
        id: ConversationId,
        version: u64,
        change: ConversationChange,
        now: Moment,
    ) -> Result<Option<Conversation>> {
        let ConversationChange {
            title,
            model,
            system_prompt,
            settings,
            status,
        } = change;
        let mut expression = "SET version = :next, active_at = :now".to_owned();
        let request = self.store.db.update_item().table_name(&*self.store.table);
        let mut request = request
            .set_key(Some(self.conversation_key(id)))
            .condition_expression(format!("{IS_THERE} AND version = :version"))
            .expression_attribute_values(":version", n(version))
            .expression_attribute_values(":next", n(version + 1))
            .expression_attribute_values(
                ":now",
                serde_dynamo::to_attribute_value(now).map_err(Error::internal)?,
            );
        let texts = [
            ("title", title),
            ("model", model),
            ("system_prompt", system_prompt),
        ];
        for (name, value) in texts {
            if let Some(value) = value {
                expression.push_str(&format!(", {name} = :{name}"));
                let value = value.map_or(AttributeValue::Null(true), AttributeValue::S);
                request = request.expression_attribute_values(format!(":{name}"), value);
            }
        }
        if let Some(settings) = settings {
            expression.push_str(", settings = :settings");
            let settings = serde_dynamo::to_attribute_value(settings).map_err(Error::internal)?;
            request = request.expression_attribute_values(":settings", settings);
        }
        if let Some(status) = status {
            expression.push_str(", #status = :status");
            let status = serde_dynamo::to_attribute_value(status).map_err(Error::internal)?;
            request = request.expression_attribute_names("#status", "status");
            request = request.expression_attribute_values(":status", status);
        }
        let request = request.update_expression(expression);
        let request = request.return_values(aws_sdk_dynamodb::types::ReturnValue::AllNew);
        match request.send().await {
            Ok(output) => {
                let item: ConversationItem = from_item(output.attributes.unwrap_or_default())?;
                Ok(Some(item.into()))
            }
            Err(error) => written::<(), _>(Err(error)).map(|_| None),
        }
    }

    /// Deletes a conversation with its messages. `false` if there is none. From the first write on it counts
    /// as absent; when the deletion breaks off, calling it again finishes it.
    pub async fn conversation_delete(&self, id: ConversationId, now: Moment) -> Result<bool> {
        let request = self.store.db.update_item().table_name(&*self.store.table);
        let request = request
            .set_key(Some(self.conversation_key(id)))
            .update_expression("SET deleted_at = :now")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(
                ":now",
                serde_dynamo::to_attribute_value(now).map_err(Error::internal)?,
            );
        if written(request.send().await)? != Written::Yes {
            return Ok(false);
        }
        self.messages_delete(id).await?;
        let request = self.store.db.delete_item().table_name(&*self.store.table);
        let request = request.set_key(Some(self.conversation_key(id)));
        request.send().await.map_err(crate::aws::error)?;
        Ok(true)
    }
}

impl From<&Conversation> for ConversationItem {
    fn from(conversation: &Conversation) -> Self {
        let Conversation {
            id,
            title,
            model,
            system_prompt,
            settings,
            status,
            version,
            created_at,
            active_at,
        } = conversation.clone();
        Self {
            id,
            title,
            model,
            system_prompt,
            settings,
            status,
            version,
            created_at,
            active_at,
            deleted_at: None,
        }
    }
}

impl From<ConversationItem> for Conversation {
    fn from(item: ConversationItem) -> Self {
        let ConversationItem {
            id,
            title,
            model,
            system_prompt,
            settings,
            status,
            version,
            created_at,
            active_at,
            deleted_at: _,
        } = item;
        Self {
            id,
            title,
            model,
            system_prompt,
            settings,
            status,
            version,
            created_at,
            active_at,
        }
    }
}
