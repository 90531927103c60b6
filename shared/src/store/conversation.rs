//! Conversations: `TENANT#<tenant>#USER#<user>` / `CONV#<conversation>`.
//!
//! Questions: this conversation of mine? which of mine were active last? The second is answered by the local
//! secondary index `by_activity`, which, unlike a global one, reads what was just written.
//!
//! A conversation that is being deleted has `deleted_at` and counts as absent; its row goes last, so that a
//! deletion that broke off can be taken up again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::TenantStore;
use super::item::{
    BY_ACTIVITY, IS_NEW, Item, Written, from_item, key, n, s, to_item, value, written,
};
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
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
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
    /// What its client says of it from now on.
    pub metadata: Option<BTreeMap<String, String>>,
}

impl ConversationChange {
    fn applied(self, before: &Conversation, now: Moment) -> Conversation {
        let Self {
            title,
            model,
            system_prompt,
            settings,
            status,
            metadata,
        } = self;
        let before = before.clone();
        Conversation {
            title: title.unwrap_or(before.title),
            model: model.unwrap_or(before.model),
            system_prompt: system_prompt.unwrap_or(before.system_prompt),
            settings: settings.unwrap_or(before.settings),
            status: status.unwrap_or(before.status),
            metadata: metadata.unwrap_or(before.metadata),
            version: before.version + 1,
            active_at: now,
            ..before
        }
    }
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
        let item = self.conversation_row(conversation)?;
        let part = self.store.put(item, IS_NEW)?;
        match self.store.write(part).await? {
            Written::Yes => Ok(()),
            Written::ConditionFailed { .. } => {
                Err(Error::internal("the new conversation exists already"))
            }
        }
    }

    pub(super) fn conversation_row(&self, conversation: &Conversation) -> Result<Item> {
        let key = self.conversation_key(conversation.id);
        to_item(key, &ConversationItem::from(conversation))
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

    /// Changes a conversation, if it still has the version of `before`, and gives it as it is then. `None`, and
    /// nothing written, if it does not, or if there is no such conversation.
    pub async fn conversation_update(
        &self,
        before: &Conversation,
        change: ConversationChange,
        now: Moment,
    ) -> Result<Option<Conversation>> {
        let after = change.applied(before, now);
        let condition = format!("{IS_THERE} AND version = :version");
        let part = self.store.update_named(
            self.conversation_key(after.id),
            (
                "SET title = :title, model = :model, system_prompt = :system_prompt, settings = :settings, \
                 #status = :status, metadata = :metadata, version = :next, active_at = :now",
                &condition,
            ),
            ["status"],
            [
                (":title", value(&after.title)?),
                (":model", value(&after.model)?),
                (":system_prompt", value(&after.system_prompt)?),
                (":settings", value(&after.settings)?),
                (":status", value(after.status)?),
                (":metadata", value(&after.metadata)?),
                (":next", n(after.version)),
                (":now", value(now)?),
                (":version", n(before.version)),
            ],
        )?;
        Ok(self.store.write(part).await?.made().then_some(after))
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
            metadata,
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
            metadata,
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
            metadata,
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
            metadata,
            version,
            created_at,
            active_at,
        }
    }
}
