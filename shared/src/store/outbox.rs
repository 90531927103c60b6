//! Mails that are to be sent: `OUTBOX` / `<id>`. The row is written in the transaction that causes the mail,
//! and deleted when the mail has left.
//!
//! Questions: what does this mail say? which mails lie here longer than they should? Writes: take one to send
//! it, so that two senders do not send it both; forget it.

use std::time::Duration;

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};

use super::item::{IS_NEW, Item, key, moment, n, to_item, written};
use super::{OutboxStore, Store};
use crate::clock::Moment;
use crate::error::Result;
use crate::model::OutboxId;

/// After how long a mail that could not be sent is given up.
const KEPT_FOR: Duration = Duration::from_secs(4 * 24 * 3600);

/// A mail. Who it goes to and what it says is sealed: it may carry a token that is stored nowhere else.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mail {
    /// Its id.
    pub id: OutboxId,
    /// Address, subject and text, sealed with the data key for [`Mail::context`].
    pub sealed: String,
    /// How often sending it was tried.
    pub attempts: u32,
    /// Until when nobody else may try.
    pub taken_until: Moment,
    /// When it was written.
    pub created_at: Moment,
}

#[derive(Serialize, Deserialize)]
struct MailItem {
    #[serde(flatten)]
    mail: Mail,
    /// The TTL attribute, in Unix seconds.
    expires_at: i64,
}

impl Mail {
    /// What the sealed part is bound to.
    pub fn context(id: OutboxId) -> String {
        format!("outbox {id}")
    }
}

fn mail_key(id: OutboxId) -> Item {
    key("OUTBOX", id.to_string())
}

impl Store {
    /// A mail as a part of the transaction that causes it.
    pub(super) fn mail_part(&self, mail: &Mail) -> Result<TransactWriteItem> {
        let row = MailItem {
            mail: mail.clone(),
            expires_at: mail.created_at.plus(KEPT_FOR).unix_seconds(),
        };
        self.put(to_item(mail_key(mail.id), &row)?, IS_NEW)
    }

    /// Writes a mail that nothing else is written with.
    pub async fn mail_put(&self, mail: &Mail) -> Result<()> {
        self.transact(vec![self.mail_part(mail)?]).await?.surely()
    }
}

impl OutboxStore {
    /// Takes a mail to send it until `until`. `None` if it has left, or somebody else has taken it.
    pub async fn mail_take(
        &self,
        id: OutboxId,
        now: Moment,
        until: Moment,
    ) -> Result<Option<Mail>> {
        let request = self.store.db.update_item().table_name(&*self.store.table);
        let request = request
            .set_key(Some(mail_key(id)))
            .update_expression("SET taken_until = :until, attempts = attempts + :one")
            .condition_expression("attribute_exists(pk) AND taken_until <= :now")
            .expression_attribute_values(":until", moment(until)?)
            .expression_attribute_values(":now", moment(now)?)
            .expression_attribute_values(":one", n(1))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::AllNew);
        match request.send().await {
            Ok(output) => {
                let item = output.attributes.unwrap_or_default();
                let row: MailItem = super::item::from_item(item)?;
                Ok(Some(row.mail).filter(|_| row.expires_at > now.unix_seconds()))
            }
            Err(error) => written::<(), _>(Err(error)).map(|_| None),
        }
    }

    /// Forgets a mail that has left.
    pub async fn mail_sent(&self, id: OutboxId) -> Result<()> {
        self.store.remove(mail_key(id)).await
    }

    /// Gives a mail back that could not be sent, for another attempt from `when` on.
    pub async fn mail_give_back(&self, id: OutboxId, when: Moment) -> Result<()> {
        let request = self.store.db.update_item().table_name(&*self.store.table);
        let request = request
            .set_key(Some(mail_key(id)))
            .update_expression("SET taken_until = :when")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":when", moment(when)?);
        written(request.send().await).map(|_| ())
    }

    /// The oldest mails, at most `limit`, that were written before `before`.
    pub async fn mails_waiting(&self, before: Moment, limit: u32) -> Result<Vec<OutboxId>> {
        let page = self
            .store
            .list::<MailItem>("OUTBOX".to_owned(), "out_", None, limit);
        let (items, _) = page.await?;
        let mails = items.into_iter().map(|item| item.mail);
        let old = mails.filter(|mail| mail.created_at < before && mail.taken_until < before);
        Ok(old.map(|mail| mail.id).collect())
    }
}
