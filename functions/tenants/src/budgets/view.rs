//! Budgets as clients see them.

use axum::http::HeaderValue;
use axum::http::header::{ETAG, HeaderName};
use serde::Serialize;
use shared::auth::Caller;
use shared::clock::Moment;
use shared::http::{Json, Timestamp, etag};
use shared::model::{
    Budget, BudgetLimit, BudgetResource, BudgetScope, BudgetUse, BudgetWindow, UserId, WindowUse,
};
use shared::{Error, Result};

use crate::Tenants;

/// How much may be spent, and how much is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Budget)]
pub(crate) struct BudgetView {
    /// Whose turns it counts.
    scope: BudgetScope,
    /// The present day, in UTC.
    day: WindowView,
    /// The present month, in UTC.
    month: WindowView,
    /// At how much of a limit it is noted, in percent.
    soft_percent: u8,
    /// Who changed it last.
    changed_by: UserId,
    /// When it was made.
    created_at: Timestamp,
    /// When it was changed last.
    changed_at: Timestamp,
}

/// What a budget allows in a day or a month, and what it has counted in it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BudgetWindowUse)]
pub(crate) struct WindowView {
    /// Which day or month: `2026-01-31` or `2026-01`.
    #[schema(example = "2026-01-31")]
    name: String,
    /// From when on it counts: from its beginning, or from when the budget was made.
    counts_since: Timestamp,
    /// When it ends, and the next one begins with nothing spent.
    ends_at: Timestamp,
    /// Money, in micro-dollars.
    micro_dollars: AmountView,
    /// Tokens of input and output together.
    tokens: AmountView,
}

/// How much of something.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BudgetAmount)]
pub(crate) struct AmountView {
    /// What may be spent; `null` if there is no limit.
    limit: Option<u64>,
    /// What turns that have ended cost.
    spent: u64,
    /// What turns under way have reserved. They get back what they do not need.
    reserved: u64,
    /// When `soft_percent` of the limit were spent, once in a window; `null` if they were not.
    soft_reached_at: Option<Timestamp>,
}

impl BudgetView {
    /// The budget with what it has counted until `now`.
    pub(crate) fn new(budget: &Budget, used: &BudgetUse, now: Moment) -> Self {
        let Budget {
            scope,
            day,
            month,
            soft_percent,
            changed_by,
            version: _,
            created_at,
            changed_at,
        } = *budget;
        let window = |window: BudgetWindow, limit: &BudgetLimit| WindowView {
            name: window.name(now),
            counts_since: Timestamp(window.begins(now).max(created_at)),
            ends_at: Timestamp(window.ends(now)),
            micro_dollars: amount(limit, used.of(window), BudgetResource::MicroDollars),
            tokens: amount(limit, used.of(window), BudgetResource::Tokens),
        };
        Self {
            scope,
            day: window(BudgetWindow::Day, &day),
            month: window(BudgetWindow::Month, &month),
            soft_percent,
            changed_by,
            created_at: Timestamp(created_at),
            changed_at: Timestamp(changed_at),
        }
    }
}

fn amount(limit: &BudgetLimit, used: &WindowUse, resource: BudgetResource) -> AmountView {
    AmountView {
        limit: limit.of(resource),
        spent: used.spent.of(resource),
        reserved: used.reserved.of(resource),
        soft_reached_at: used.soft_at(resource).map(Timestamp),
    }
}

/// The views of budgets, with what they have counted until now.
pub(crate) async fn views(
    tenants: &Tenants,
    caller: &Caller,
    budgets: &[Budget],
) -> Result<Vec<BudgetView>> {
    let now = tenants.app.clock.now();
    let used = tenants.app.store.of(caller).spend_get(budgets, now).await?;
    let pairs = budgets.iter().zip(&used);
    Ok(pairs
        .map(|(budget, used)| BudgetView::new(budget, used, now))
        .collect())
}

/// A budget and its entity tag.
pub(crate) type Tagged = ([(HeaderName, HeaderValue); 1], Json<BudgetView>);

/// The reply with one budget.
pub(crate) async fn tagged(tenants: &Tenants, caller: &Caller, budget: Budget) -> Result<Tagged> {
    let tag = etag(budget.version);
    let view = views(tenants, caller, &[budget]).await?.pop();
    let view = view.ok_or_else(|| Error::internal("a budget has no view"))?;
    Ok(([(ETAG, tag)], Json(view)))
}
