//! Budgets: how much a tenant, a person or an API key may spend in a day and in a month, in money and in tokens.
//!
//! Days and months are those of UTC. What a turn may cost at most is reserved before a provider is asked, in the day
//! and the month in which it begins, and becomes what it did cost when the turn ends.

mod refusal;
mod window;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

pub use refusal::BudgetRefusal;
pub use window::BudgetWindow;

use super::id::NotAnId;
use super::{Actor, ApiKeyId, MicroDollars, UserId};
use crate::clock::Moment;

/// Whose turns a budget counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BudgetScope {
    /// All of the tenant.
    Tenant,
    /// Those of a person, with whatever credentials.
    User(UserId),
    /// Those that come with an API key.
    ApiKey(ApiKeyId),
}

impl fmt::Display for BudgetScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenant => f.write_str("tenant"),
            Self::User(id) => write!(f, "user:{id}"),
            Self::ApiKey(id) => write!(f, "api-key:{id}"),
        }
    }
}

impl FromStr for BudgetScope {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        match text.split_once(':') {
            None if text == "tenant" => Ok(Self::Tenant),
            Some(("user", id)) => id.parse().map(Self::User),
            Some(("api-key", id)) => id.parse().map(Self::ApiKey),
            _ => Err(NotAnId),
        }
    }
}

impl Serialize for BudgetScope {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BudgetScope {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl utoipa::PartialSchema for BudgetScope {
    fn schema() -> RefOr<Schema> {
        let pattern = "^(tenant|user:usr_[0-9a-f]{32}|api-key:key_[0-9a-f]{32})$";
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("Whose turns a budget counts: all of the tenant, those of a person, those of an API key."))
            .pattern(Some(pattern))
            .examples(["tenant"]);
        schema.into()
    }
}

impl utoipa::ToSchema for BudgetScope {}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BudgetResource {
    /// Money.
    MicroDollars,
    /// Tokens of input and output together.
    Tokens,
}

impl BudgetResource {
    /// Both.
    pub const ALL: [Self; 2] = [Self::MicroDollars, Self::Tokens];
}

/// An amount of both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spend {
    /// Money.
    pub micro_dollars: MicroDollars,
    /// Tokens of input and output together.
    pub tokens: u64,
}

impl Spend {
    /// How much of that it is.
    pub const fn of(&self, resource: BudgetResource) -> u64 {
        match resource {
            BudgetResource::MicroDollars => self.micro_dollars.0,
            BudgetResource::Tokens => self.tokens,
        }
    }
}

/// What may be spent in one window. What is `None` has no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetLimit {
    /// Money.
    pub micro_dollars: Option<MicroDollars>,
    /// Tokens of input and output together.
    pub tokens: Option<u64>,
}

impl BudgetLimit {
    /// How much of that it allows.
    pub fn of(&self, resource: BudgetResource) -> Option<u64> {
        match resource {
            BudgetResource::MicroDollars => self.micro_dollars.map(|amount| amount.0),
            BudgetResource::Tokens => self.tokens,
        }
    }
}

/// A budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Whose turns it counts. There is one budget for each.
    pub scope: BudgetScope,
    /// What may be spent in a day.
    pub day: BudgetLimit,
    /// What may be spent in a month.
    pub month: BudgetLimit,
    /// At how much of a limit it is written down that it will soon be reached, in percent.
    pub soft_percent: u8,
    /// Who changed it last.
    pub changed_by: UserId,
    /// How often it was written.
    pub version: u64,
    /// When it was made: it counts from then on.
    pub created_at: Moment,
    /// When it was changed last.
    pub changed_at: Moment,
}

impl Budget {
    /// The highest limit: a billion dollars, or as many tokens.
    pub const MOST: u64 = 1_000_000_000_000_000;

    /// What runs note of it.
    pub const fn counted_by(&self) -> CountedBy {
        CountedBy {
            scope: self.scope,
            since: self.created_at,
        }
    }

    /// What may be spent in that window.
    pub const fn limit(&self, window: BudgetWindow) -> BudgetLimit {
        match window {
            BudgetWindow::Day => self.day,
            BudgetWindow::Month => self.month,
        }
    }

    /// Whether it limits that at all.
    pub fn limits(&self, resource: BudgetResource) -> bool {
        let mut windows = BudgetWindow::ALL.into_iter();
        windows.any(|window| self.limit(window).of(resource).is_some())
    }

    /// Whether it has room for that, where nothing is spent yet.
    pub fn could_fit(&self, amount: &Spend) -> bool {
        BudgetWindow::ALL.into_iter().all(|window| {
            BudgetResource::ALL.into_iter().all(|resource| {
                let limit = self.limit(window).of(resource);
                limit.is_none_or(|limit| amount.of(resource) <= limit)
            })
        })
    }

    /// At how much of that limit it is written down that it will soon be reached: a part is a whole one.
    pub fn threshold(&self, limit: u64) -> u64 {
        let part = u128::from(limit) * u128::from(self.soft_percent);
        u64::try_from(part.div_ceil(100)).unwrap_or(u64::MAX)
    }
}

/// What a budget has counted in one window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WindowUse {
    /// What turns that have ended cost.
    pub spent: Spend,
    /// What turns under way have reserved.
    pub reserved: Spend,
    /// When it was written down that most of the money is spent.
    pub soft_micro_dollars_at: Option<Moment>,
    /// When it was written down that most of the tokens are spent.
    pub soft_tokens_at: Option<Moment>,
}

impl WindowUse {
    /// When it was written down that most of that is spent.
    pub const fn soft_at(&self, resource: BudgetResource) -> Option<Moment> {
        match resource {
            BudgetResource::MicroDollars => self.soft_micro_dollars_at,
            BudgetResource::Tokens => self.soft_tokens_at,
        }
    }
}

/// What a budget has counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BudgetUse {
    /// In the day.
    pub day: WindowUse,
    /// In the month.
    pub month: WindowUse,
}

impl BudgetUse {
    /// In that window.
    pub const fn of(&self, window: BudgetWindow) -> &WindowUse {
        match window {
            BudgetWindow::Day => &self.day,
            BudgetWindow::Month => &self.month,
        }
    }
}

/// A budget that a run was counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedBy {
    /// Its scope.
    pub scope: BudgetScope,
    /// When it was made: one that is deleted and made again counts anew, and is not settled with what it never had.
    pub since: Moment,
}

/// What a run has set aside of budgets, for as long as it goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// How much.
    pub amount: Spend,
    /// Of which budgets.
    pub budgets: Vec<CountedBy>,
    /// Who began the run.
    pub actor: Actor,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_reads_back_and_has_one_spelling() {
        let scopes = [
            BudgetScope::Tenant,
            BudgetScope::User(UserId::new()),
            BudgetScope::ApiKey(ApiKeyId::new()),
        ];
        for scope in scopes {
            let text = scope.to_string();
            assert_eq!(text.parse(), Ok(scope));
            let json = serde_json::to_value(scope).expect("JSON");
            assert_eq!(json, text);
            let read: BudgetScope = serde_json::from_value(json).expect("a scope");
            assert_eq!(read, scope);
        }
        let user = UserId::new();
        for wrong in [
            String::new(),
            "Tenant".to_owned(),
            "tenant:".to_owned(),
            format!("user:{}", ApiKeyId::new()),
            format!("api-key:{user}"),
            format!("user: {user}"),
            format!("user:{user}#DAY"),
            user.to_string(),
        ] {
            assert_eq!(wrong.parse::<BudgetScope>(), Err(NotAnId), "{wrong}");
        }
    }

    const fn limit(micro_dollars: Option<u64>, tokens: Option<u64>) -> BudgetLimit {
        let micro_dollars = match micro_dollars {
            Some(amount) => Some(MicroDollars(amount)),
            None => None,
        };
        BudgetLimit {
            micro_dollars,
            tokens,
        }
    }

    fn budget(day: BudgetLimit, month: BudgetLimit) -> Budget {
        Budget {
            scope: BudgetScope::Tenant,
            day,
            month,
            soft_percent: 80,
            changed_by: UserId::new(),
            version: 1,
            created_at: Moment::from_unix_seconds(0),
            changed_at: Moment::from_unix_seconds(0),
        }
    }

    #[test]
    fn money_and_tokens_are_counted_apart_in_each_window() {
        use BudgetResource::{MicroDollars as Money, Tokens};
        let budget = budget(limit(Some(10), None), limit(None, Some(20)));
        let limits = BudgetWindow::ALL.map(|window| budget.limit(window));
        let both = limits.map(|limit| [Money, Tokens].map(|resource| limit.of(resource)));
        assert_eq!(both, [[Some(10), None], [None, Some(20)]]);
        let moment = Moment::from_unix_seconds;
        let used = |seconds: i64| WindowUse {
            soft_micro_dollars_at: Some(moment(seconds)),
            soft_tokens_at: Some(moment(seconds + 1)),
            ..WindowUse::default()
        };
        let used = BudgetUse {
            day: used(5),
            month: used(7),
        };
        let noted = |window, resource| used.of(window).soft_at(resource);
        assert_eq!(noted(BudgetWindow::Day, Money), Some(moment(5)));
        assert_eq!(noted(BudgetWindow::Day, Tokens), Some(moment(6)));
        assert_eq!(noted(BudgetWindow::Month, Money), Some(moment(7)));
        assert_eq!(noted(BudgetWindow::Month, Tokens), Some(moment(8)));
    }

    #[test]
    fn a_budget_has_room_up_to_each_of_its_limits_and_limits_nothing_else() {
        let none = limit(None, None);
        let amount = |money, tokens| Spend {
            micro_dollars: MicroDollars(money),
            tokens,
        };
        for (day, month) in [(limit(Some(10), None), none), (none, limit(Some(10), None))] {
            let budget = budget(day, month);
            let fits = [9, 10, 11].map(|money| budget.could_fit(&amount(money, u64::MAX)));
            assert_eq!(fits, [true, true, false]);
            let limits = BudgetResource::ALL.map(|resource| budget.limits(resource));
            assert_eq!(limits, [true, false]);
        }
        let tokens = budget(none, limit(None, Some(20)));
        assert!(tokens.could_fit(&amount(u64::MAX, 20)));
        assert!(!tokens.could_fit(&amount(0, 21)));
        let limits = BudgetResource::ALL.map(|resource| tokens.limits(resource));
        assert_eq!(limits, [false, true]);
    }

    #[test]
    fn a_threshold_is_a_part_of_the_limit() {
        let mut budget = budget(BudgetLimit::default(), BudgetLimit::default());
        assert_eq!(budget.threshold(1_000), 800);
        assert_eq!(budget.threshold(1), 1);
        budget.soft_percent = 100;
        assert_eq!(budget.threshold(u64::MAX), u64::MAX);
    }
}
