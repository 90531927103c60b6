//! The function with its table and its SES, and a clock that stands still.

use std::time::Duration;

use aws_config::SdkConfig;
use mailer::{Mailer, Transport};
use serde_json::{Value, json};
use shared::Result;
use shared::http::Deadline;
use shared::lambda::EventHandler as _;
use shared::mail::Letter;
use shared::model::{Email, OutboxId};
use shared::queue::QueueMessage;
use stand_ins::ses::LocalSes;
use test_support::TestApi;

pub(crate) const SENDER: &str = "chatter@example.com";
pub(crate) const APP_URL: &str = "http://app.chatter.test";
pub(crate) const TOKEN: &str = "token-canary";

pub(crate) struct World {
    pub(crate) api: TestApi,
    pub(crate) ses: LocalSes,
    pub(crate) mailer: Mailer,
}

impl World {
    pub(crate) async fn new() -> Self {
        let api = TestApi::new(|_, _| Ok(axum::Router::new())).await;
        let ses = LocalSes::start().await.expect("a port");
        let mailer = Mailer::with(&api.app, transport(&api, &ses));
        Self { api, ses, mailer }
    }

    /// A further process.
    pub(crate) fn further(&self) -> Mailer {
        Mailer::with(&self.api.app, transport(&self.api, &self.ses))
    }

    /// Puts a letter into the outbox, as the function `auth` does.
    pub(crate) async fn write(&self, letter: &Letter) -> OutboxId {
        let mail = self.api.app.post.seal(letter).await.expect("a mail");
        self.api.app.store.mail_put(&mail).await.expect("a row");
        mail.id
    }

    /// A letter to that person lies in the outbox.
    pub(crate) async fn write_to(&self, name: &str) -> OutboxId {
        self.write(&Letter::reset(&address(name), APP_URL, TOKEN))
            .await
    }

    pub(crate) async fn told(&self, ids: &[OutboxId]) -> Result<Value> {
        handle(&self.mailer, told(ids)).await
    }

    /// What the schedule finds so much later.
    pub(crate) async fn swept_after(&self, time: Duration) -> Result<Value> {
        self.api.app.clock.advance(time);
        handle(&self.mailer, sweep()).await
    }

    /// To whom SES has sent since this was asked last, in its order.
    pub(crate) fn recipients(&self) -> Vec<String> {
        let sent = self.ses.take_sent().into_iter();
        sent.map(|mail| {
            let to = &mail["Destination"]["ToAddresses"];
            assert_eq!(to.as_array().map(Vec::len), Some(1), "{mail}");
            to[0].as_str().expect("an address").to_owned()
        })
        .collect()
    }

    /// Whether a mail still lies in the table.
    pub(crate) async fn lies_there(&self, id: OutboxId) -> bool {
        self.api.table.dump().await.contains(&id.to_string())
    }
}

/// Handles an event with as much time as it wants.
pub(crate) async fn handle(mailer: &Mailer, event: Value) -> Result<Value> {
    handle_before(mailer, event, Deadline::none()).await
}

pub(crate) async fn handle_before(
    mailer: &Mailer,
    event: Value,
    deadline: Deadline,
) -> Result<Value> {
    let answer = Box::pin(mailer.handle(event, deadline)).await?;
    Ok(serde_json::to_value(answer).expect("JSON"))
}

/// An event of SQS with the news of those mails. The messages are `m-0` and so on.
pub(crate) fn told(ids: &[OutboxId]) -> Value {
    let messages = ids.iter().map(|id| QueueMessage::MailWaits {
        version: 1,
        id: *id,
    });
    let bodies: Vec<String> = messages
        .map(|message| serde_json::to_string(&message).expect("JSON"))
        .collect();
    batch(&bodies)
}

pub(crate) fn batch(bodies: &[String]) -> Value {
    let records = bodies.iter().enumerate();
    let records: Vec<Value> = records
        .map(|(place, body)| {
            json!({"messageId": format!("m-{place}"), "body": body, "eventSource": "aws:sqs"})
        })
        .collect();
    json!({"Records": records})
}

pub(crate) fn sweep() -> Value {
    json!({"source": "aws.events", "detail-type": "Scheduled Event"})
}

/// The answer to a batch in which these messages failed.
pub(crate) fn failed(places: &[usize]) -> Value {
    let items: Vec<Value> = places
        .iter()
        .map(|place| json!({"itemIdentifier": format!("m-{place}")}))
        .collect();
    json!({"batchItemFailures": items})
}

pub(crate) fn address(name: &str) -> Email {
    Email::parse("/email", &format!("{name}@people.test")).expect("an address")
}

pub(crate) fn sdk(api: &TestApi, ses: &LocalSes) -> SdkConfig {
    let sdk = api.app.sdk.clone().into_builder();
    sdk.endpoint_url(&ses.url).build()
}

fn transport(api: &TestApi, ses: &LocalSes) -> Transport {
    Transport::ses(&sdk(api, ses), SENDER)
}
