//! Mails that are to be sent: `OUTBOX#<0 to f>` / `<id>`, a queue in the table (`spread.rs`). The row is written in the
//! transaction that causes the mail, and deleted when the mail has left.
//!
//! Questions: what does this mail say? which mails are due? Writes: take one to send it, so that two senders do
//! not send it both; give it back; forget it.

use std::time::Duration;

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};

use super::item::{IS_NEW, Item, from_item, moment, n, s, to_item, written};
use super::spread::spread_key;
use super::{OutboxStore, Store};
use crate::clock::Moment;
use crate::error::{Error, Result};
use crate::model::OutboxId;

/// After how long the table forgets a mail by itself, without a word. Its sender gives it up long before that,
/// and says so: this is for rows that nobody looks at any more.
const KEPT_FOR: Duration = Duration::from_secs(14 * 24 * 3600);

/// Its queue.
const QUEUE: &str = "OUTBOX";

/// A mail. Who it goes to and what it says is sealed: it may carry a token that is stored nowhere else.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mail {
    /// Its id.
    pub id: OutboxId,
    /// Address, subject and text, sealed with the data key for [`Mail::context`].
    pub sealed: String,
    /// How often sending it was tried.
    pub attempts: u32,
    /// From when on it may be tried. Whoever tries moves it, so that nobody else does meanwhile.
    #[serde(rename = "active_at")]
    pub due_at: Moment,
    /// Who took it last: something random for each time that it is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_by: Option<String>,
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
    spread_key(QUEUE, &id)
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
    /// Takes a mail that is due, to try it until `until`. `None` if it has left, was taken by somebody else, or
    /// failed and has to wait. A mail past its TTL is given too: that nobody sent it is news for somebody.
    pub async fn mail_take(
        &self,
        id: OutboxId,
        now: Moment,
        until: Moment,
    ) -> Result<Option<Mail>> {
        // A reply that was lost makes the SDK ask again: then it is ours already.
        let condition = "attribute_exists(pk) AND (active_at <= :now OR taken_by = :me)";
        let request = self.store.db.update_item().table_name(&*self.store.table);
        let request = request
            .set_key(Some(mail_key(id)))
            .update_expression("SET active_at = :until, taken_by = :me, attempts = attempts + :one")
            .condition_expression(condition)
            .expression_attribute_values(":until", moment(until)?)
            .expression_attribute_values(":now", moment(now)?)
            .expression_attribute_values(":me", s(uuid::Uuid::now_v7().to_string()))
            .expression_attribute_values(":one", n(1))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::AllNew);
        match request.send().await {
            Ok(output) => {
                let row: MailItem = from_item(output.attributes.unwrap_or_default())?;
                Ok(Some(row.mail))
            }
            Err(error) => written::<(), _>(Err(error)).map(|_| None),
        }
    }

    /// Forgets a mail that has left, or that is given up.
    pub async fn mail_delete(&self, id: OutboxId) -> Result<()> {
        self.store.remove(mail_key(id)).await
    }

    /// Gives a mail back that could not be sent, for another attempt from `when` on. Nothing happens if somebody
    /// else has taken it since.
    pub async fn mail_give_back(&self, mail: &Mail, when: Moment) -> Result<()> {
        let taken_by = mail.taken_by.as_deref();
        let taken_by = taken_by.ok_or_else(|| Error::internal("a mail that nobody took"))?;
        let request = self.store.db.update_item().table_name(&*self.store.table);
        let request = request
            .set_key(Some(mail_key(mail.id)))
            .update_expression("SET active_at = :when")
            .condition_expression("taken_by = :me")
            .expression_attribute_values(":me", s(taken_by))
            .expression_attribute_values(":when", moment(when)?);
        written(request.send().await).map(|_| ())
    }

    /// Mails that are due since before `before`, at most `limit`, the longest due first.
    pub async fn mails_due(&self, before: Moment, limit: u32) -> Result<Vec<OutboxId>> {
        self.store.due(QUEUE, before, limit).await
    }
}
