//! Budgets: `TENANT#<tenant>` / `BUDGET#<scope>`. What they have counted is in `spend.rs`.
//!
//! Questions: which of these scopes have a budget? which budgets has the tenant? Writes: a new or changed one, on the
//! condition that nobody changed it meanwhile; delete it.

use super::TenantStore;
use super::item::{IS_NEW, Item, from_item, key, n, to_item};
use super::message::Page;
use crate::error::Result;
use crate::model::{AuditEvent, Budget, BudgetScope};

const PREFIX: &str = "BUDGET#";

impl TenantStore {
    fn budget_key(&self, scope: BudgetScope) -> Item {
        key(
            format!("TENANT#{}", self.tenant),
            format!("{PREFIX}{scope}"),
        )
    }

    /// The budgets of those scopes that have one, in the order of the scopes.
    pub async fn budgets_get(&self, scopes: &[BudgetScope]) -> Result<Vec<Budget>> {
        let keys = scopes.iter().map(|scope| self.budget_key(*scope)).collect();
        let items = self.store.get_many(keys, true).await?.into_iter();
        let mut budgets = items.map(from_item).collect::<Result<Vec<Budget>>>()?;
        let place = |budget: &Budget| scopes.iter().position(|scope| *scope == budget.scope);
        budgets.sort_by_key(place);
        Ok(budgets)
    }

    /// The tenant's budgets, `limit` of them after that scope, by their scopes.
    pub async fn budget_list(
        &self,
        after: Option<BudgetScope>,
        limit: u32,
    ) -> Result<Page<Budget>> {
        let pk = format!("TENANT#{}", self.tenant);
        let after = after.map(|scope| format!("{PREFIX}{scope}"));
        let (items, has_more) = self.store.list(pk, PREFIX, after, limit).await?;
        Ok(Page { items, has_more })
    }

    /// Writes a budget in place of the one of version `before`, or of none. `false`, and nothing written, if it has
    /// changed meanwhile.
    pub async fn budget_put(
        &self,
        budget: &Budget,
        before: Option<u64>,
        event: &AuditEvent,
    ) -> Result<bool> {
        let item = to_item(self.budget_key(budget.scope), budget)?;
        let part = match before {
            None => self.store.put(item, IS_NEW)?,
            Some(version) => {
                let values = [(":version", n(version))];
                self.store.put_if(item, "version = :version", values)?
            }
        };
        let written = self.store.transact_audited(vec![part], event).await?;
        Ok(written.made())
    }

    /// Deletes a budget of that version. `false` if it has changed meanwhile. What it counted stays until it expires,
    /// so that runs under way can still be settled.
    pub async fn budget_delete(
        &self,
        scope: BudgetScope,
        version: u64,
        event: &AuditEvent,
    ) -> Result<bool> {
        let values = [(":version", n(version))];
        let part = self
            .store
            .delete(self.budget_key(scope), "version = :version", values)?;
        let written = self.store.transact_audited(vec![part], event).await?;
        Ok(written.made())
    }
}
