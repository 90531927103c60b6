//! `PUT /api/v1/tenants/{tenant_id}/budgets/{scope}`

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use shared::auth::Caller;
use shared::error::FieldError;
use shared::http::{AcceptsJson, IfMatch, Json, Path};
use shared::model::{
    AuditAction, Budget, BudgetLimit, BudgetScope, MicroDollars, Origin, TenantId,
};
use shared::{Error, Result};

use super::get::read;
use super::reach::must_exist;
use super::view::{BudgetView, Tagged, tagged};
use crate::Tenants;
use crate::own::InTenant;

/// At how much of a limit it is noted, where nothing is said.
const SOFT_PERCENT: u8 = 80;

/// How much may be spent: at least one limit.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBudget {
    /// In a day, in UTC.
    #[serde(default)]
    #[schema(nullable = false)]
    day: NewLimit,
    /// In a month, in UTC.
    #[serde(default)]
    #[schema(nullable = false)]
    month: NewLimit,
    /// At how much of a limit it is noted in the audit trail and the log, in percent.
    #[schema(minimum = 1, maximum = 100, default = 80)]
    soft_percent: Option<u8>,
}

/// What may be spent. What is left out or `null` has no limit.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewBudgetLimit)]
pub(crate) struct NewLimit {
    /// Money, in micro-dollars: millionths of a US dollar. With 0, no model is asked that costs anything.
    #[schema(maximum = 1_000_000_000_000_000_u64, example = 5_000_000)]
    micro_dollars: Option<u64>,
    /// Tokens of input and output together. With 0, no model is asked.
    #[schema(maximum = 1_000_000_000_000_000_u64)]
    tokens: Option<u64>,
}

impl NewBudget {
    /// The limits of the day and the month, and the percentage.
    fn parse(&self) -> Result<(BudgetLimit, BudgetLimit, u8)> {
        let mut errors = Vec::new();
        let mut wrong = |field: &str, detail: String| {
            errors.push(FieldError::new(field, detail));
        };
        let amounts = [
            ("/day/micro_dollars", self.day.micro_dollars),
            ("/day/tokens", self.day.tokens),
            ("/month/micro_dollars", self.month.micro_dollars),
            ("/month/tokens", self.month.tokens),
        ];
        for (field, _) in amounts
            .iter()
            .filter(|(_, amount)| amount.is_some_and(|amount| amount > Budget::MOST))
        {
            wrong(field, format!("must be at most {}", Budget::MOST));
        }
        if amounts.iter().all(|(_, amount)| amount.is_none()) {
            wrong("/day", "must have a limit, if `month` has none".to_owned());
        }
        let percent = self.soft_percent.unwrap_or(SOFT_PERCENT);
        if !(1..=100).contains(&percent) {
            wrong("/soft_percent", "must be from 1 to 100".to_owned());
        }
        if !errors.is_empty() {
            return Err(Error::Invalid(errors));
        }
        let limit = |new: &NewLimit| BudgetLimit {
            micro_dollars: new.micro_dollars.map(MicroDollars),
            tokens: new.tokens,
        };
        Ok((limit(&self.day), limit(&self.month), percent))
    }
}

/// Makes or replaces a budget.
///
/// A turn reserves what it may cost at most of every budget that binds its caller: the tenant's, the person's and the
/// API key's. Where one has no room the turn is refused with 429 `budget-exceeded`, and no provider is asked. A new
/// budget counts from when it is made; one that is replaced goes on with what it has counted. Processes know of a change
/// after at most half a minute. To replace a budget, send its entity tag as `If-Match`; without that header a new one is
/// made.
#[utoipa::path(
    put,
    path = "/api/v1/tenants/{tenant_id}/budgets/{scope}",
    tag = "tenants",
    security(("bearer" = [])),
    params(
        ("tenant_id" = TenantId, Path, description = "The tenant of your token."),
        ("scope" = BudgetScope, Path, description = "Whose budget: `tenant`, `user:` and the id of a person, or `api-key:` and the id of a key."),
        ("if-match" = Option<String>, Header, description = "The entity tag that it must still have, if there is one."),
    ),
    request_body = NewBudget,
    responses(
        (status = 200, description = "It is replaced.", body = BudgetView, headers(("etag" = String, description = "Its version."))),
        (status = 201, description = "It is made.", body = BudgetView, headers(("etag" = String, description = "Its version."))),
        (status = 412, description = "It is not that version any more, or was made meanwhile.", body = shared::http::Problem, content_type = "application/problem+json"),
        (status = 428, description = "There is one, and `If-Match` is missing.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn put_budget(
    InTenant(caller): InTenant,
    _: AcceptsJson,
    State(tenants): State<Tenants>,
    origin: Origin,
    if_match: Option<IfMatch>,
    Path(scope): Path<BudgetScope>,
    Json(new): Json<NewBudget>,
) -> Result<(StatusCode, Tagged)> {
    let budget = put(&tenants, &caller, &origin, if_match, scope, &new).await?;
    let status = match budget.version {
        1 => StatusCode::CREATED,
        _ => StatusCode::OK,
    };
    Ok((status, tagged(&tenants, &caller, budget).await?))
}

async fn put(
    tenants: &Tenants,
    caller: &Caller,
    origin: &Origin,
    if_match: Option<IfMatch>,
    scope: BudgetScope,
    new: &NewBudget,
) -> Result<Budget> {
    let (day, month, soft_percent) = new.parse()?;
    let before = read(tenants, caller, scope).await?;
    match (&before, &if_match) {
        (None, _) => must_exist(tenants, caller, scope).await?,
        (Some(_), None) => return Err(Error::PreconditionRequired),
        (Some(_), Some(_)) => {}
    }
    let version = before.as_ref().map(|before| before.version);
    if if_match.is_some_and(|if_match| !version.is_some_and(|version| if_match.allows(version))) {
        return Err(Error::PreconditionFailed);
    }
    let now = tenants.app.clock.now();
    let budget = Budget {
        scope,
        day,
        month,
        soft_percent,
        changed_by: caller.user(),
        version: version.unwrap_or_default() + 1,
        created_at: before.map_or(now, |before| before.created_at),
        changed_at: now,
    };
    let clock = &tenants.app.clock;
    let target = Some(scope.to_string());
    let event = caller.did(clock, origin, AuditAction::BudgetStored, target);
    let store = tenants.app.store.of(caller);
    let written = store.budget_put(&budget, version, &event).await?;
    written.then_some(budget).ok_or(Error::PreconditionFailed)
}
