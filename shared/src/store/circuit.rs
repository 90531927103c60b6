//! How models that failed are doing, for all processes: `TENANT#<tenant>#CIRCUIT` / `<provider>#<model>`.
//!
//! Questions: which of them are better left alone now? Writes: one more failure, which counts with those of the
//! last minute; so many in a minute that it is left alone for a while; it answered again. Rows end by themselves. Only
//! models of routes with several targets are written down: others have nobody to stand in for them.

use std::time::Duration;

use aws_sdk_dynamodb::types::ReturnValue;
use serde::{Deserialize, Serialize};

use super::TenantStore;
use super::item::{Item, Written, from_item, key, moment, n, s, written};
use crate::clock::Moment;
use crate::error::Result;

/// How long failures count.
const WINDOW: Duration = Duration::from_secs(60);
/// With how many of them a model is left alone.
const FAILURES: u64 = 3;
/// For how long.
const OPEN_FOR: Duration = Duration::from_secs(30);

/// A model that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Circuit {
    /// Its provider.
    pub provider: String,
    /// The model.
    pub model: String,
    failures: u64,
    first_failure_at: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open_until: Option<Moment>,
    /// The TTL attribute, in Unix seconds.
    expires_at: i64,
}

impl Circuit {
    /// Whether it is better left alone.
    pub fn is_open(&self, now: Moment) -> bool {
        self.open_until.is_some_and(|until| now < until)
    }
}

impl TenantStore {
    fn circuit_pk(&self) -> String {
        format!("TENANT#{}#CIRCUIT", self.tenant)
    }

    fn circuit_key(&self, provider: &str, model: &str) -> Item {
        key(self.circuit_pk(), format!("{provider}#{model}"))
    }

    /// The models that failed lately.
    pub async fn circuit_list(&self) -> Result<Vec<Circuit>> {
        let query = self.store.db.query().table_name(&*self.store.table);
        let query = query
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(self.circuit_pk()));
        let (items, _) = self.store.page(query, None).await?;
        items.into_iter().map(from_item).collect()
    }

    /// Counts a failure. Whether the model is left alone from now on because of it.
    pub async fn circuit_failed(&self, provider: &str, model: &str, now: Moment) -> Result<bool> {
        let failed = match self.circuit_count(provider, model, now).await? {
            Some(circuit) => circuit,
            None => {
                self.circuit_begin(provider, model, now).await?;
                return Ok(false);
            }
        };
        if failed.failures < FAILURES || failed.is_open(now) {
            return Ok(false);
        }
        let until = now.plus(OPEN_FOR);
        let request = self.store.db.update_item().table_name(&*self.store.table);
        let request = request
            .set_key(Some(self.circuit_key(provider, model)))
            // When it is asked again, one more failure is enough.
            .update_expression("SET open_until = :until, failures = :almost, first_failure_at = :until, expires_at = :expires")
            .condition_expression("failures >= :failures")
            .expression_attribute_values(":until", moment(until)?)
            .expression_attribute_values(":almost", n(FAILURES - 1))
            .expression_attribute_values(":failures", n(FAILURES))
            .expression_attribute_values(":expires", n(until.plus(WINDOW).unix_seconds()));
        Ok(written(request.send().await)?.made())
    }

    /// Counts it with those of the last minute. `None` if there are none.
    async fn circuit_count(
        &self,
        provider: &str,
        model: &str,
        now: Moment,
    ) -> Result<Option<Circuit>> {
        let request = self.store.db.update_item().table_name(&*self.store.table);
        let request = request
            .set_key(Some(self.circuit_key(provider, model)))
            .update_expression("ADD failures :one")
            .condition_expression("first_failure_at > :long_ago")
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":long_ago", moment(now.minus(WINDOW))?)
            .return_values(ReturnValue::AllNew);
        let sent = request.send().await;
        let row = sent.as_ref().ok().and_then(|sent| sent.attributes.clone());
        match written(sent)? {
            Written::ConditionFailed { .. } => Ok(None),
            Written::Yes => from_item(row.unwrap_or_default()).map(Some),
        }
    }

    /// Begins to count anew. Of two that begin at once, the later counts, which is one failure less.
    async fn circuit_begin(&self, provider: &str, model: &str, now: Moment) -> Result<()> {
        let row = Circuit {
            provider: provider.to_owned(),
            model: model.to_owned(),
            failures: 1,
            first_failure_at: now,
            open_until: None,
            expires_at: now.plus(WINDOW).unix_seconds(),
        };
        let item = super::item::to_item(self.circuit_key(provider, model), &row)?;
        let request = self.store.db.put_item().table_name(&*self.store.table);
        let request = request.set_item(Some(item)).send();
        request.await.map(|_| ()).map_err(crate::aws::error)
    }

    /// It answered: nothing is counted any more.
    pub async fn circuit_mended(&self, provider: &str, model: &str) -> Result<()> {
        self.store.remove(self.circuit_key(provider, model)).await
    }
}
