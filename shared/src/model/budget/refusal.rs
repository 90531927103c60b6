//! Why a budget lets no turn begin.

use std::fmt;
use std::time::Duration;

use super::{BudgetResource, BudgetScope, BudgetWindow};
use crate::clock::Moment;

/// A limit that has no room for a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetRefusal {
    /// Whose budget.
    pub scope: BudgetScope,
    /// For which time.
    pub window: BudgetWindow,
    /// Of what.
    pub resource: BudgetResource,
    /// How much it allows.
    pub limit: u64,
    /// What is spent.
    pub spent: u64,
    /// What turns under way have reserved.
    pub reserved: u64,
    /// What this turn may need.
    pub needed: u64,
    /// When the window ends.
    pub window_ends: Moment,
    /// How long it is until there may be room; `None` if there never will be.
    pub retry_after: Option<Duration>,
}

impl BudgetRefusal {
    /// Whether there would be room without what turns under way have reserved.
    pub const fn is_passing(&self) -> bool {
        self.spent.saturating_add(self.needed) <= self.limit
    }
}

impl fmt::Display for BudgetRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = match self.scope {
            BudgetScope::Tenant => "the tenant's budget",
            BudgetScope::User(_) => "your budget",
            BudgetScope::ApiKey(_) => "this API key's budget",
        };
        let window = match self.window {
            BudgetWindow::Day => "day",
            BudgetWindow::Month => "month",
        };
        let unit = match self.resource {
            BudgetResource::MicroDollars => "micro-dollars",
            BudgetResource::Tokens => "tokens",
        };
        let Self {
            limit,
            spent,
            reserved,
            needed,
            ..
        } = self;
        let advice = if self.retry_after.is_some() {
            "wait, or ask an administrator to raise it"
        } else {
            "choose another model, or ask an administrator to raise it"
        };
        write!(
            f,
            "{whose} has no room for this turn, which may need {needed} {unit}: of {limit} for the {window}, {spent} are spent and {reserved} reserved by turns under way; {advice}"
        )
    }
}
