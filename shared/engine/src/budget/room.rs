//! How much room a turn needs in budgets, and which of them has too little.

use std::time::Duration;

use shared::auth::Caller;
use shared::clock::Moment;
use shared::model::{
    Budget, BudgetRefusal, BudgetResource, BudgetUse, BudgetWindow, MicroDollars, Price,
    Reservation, Spend,
};
use shared::{Error, Result};

use crate::plan::{Candidate, Plan};
use crate::summary;

/// How long to wait for turns under way to give back what they do not need.
const UNDER_WAY: Duration = Duration::from_secs(10);

/// What a run of the caller's reserves of those budgets. `None` without budgets.
pub(crate) fn reservation(
    caller: &Caller,
    budgets: &[Budget],
    plan: &Plan,
) -> Result<Option<Reservation>> {
    if budgets.is_empty() {
        return Ok(None);
    }
    let needs: Vec<Need<'_>> = plan.candidates.iter().map(Need::of).collect();
    let mut amount = at_most(budgets, &needs, plan.switch_mid_answer)?;
    if let Some(need) = plan.candidates.first().and_then(Need::of_summary) {
        let summary = at_most(budgets, &[need], false)?;
        amount = Spend {
            micro_dollars: amount.micro_dollars.plus(summary.micro_dollars),
            tokens: amount.tokens.saturating_add(summary.tokens),
        };
    }
    Ok(Some(Reservation {
        amount,
        budgets: budgets.iter().map(Budget::counted_by).collect(),
        actor: caller.actor(),
    }))
}

/// What a single call of a model reserves of those budgets: so many tokens of input and output. `None` without budgets.
pub(crate) fn most_of_call(
    caller: &Caller,
    budgets: &[Budget],
    (model, price): (&str, Option<&Price>),
    (input_tokens, output_tokens): (u64, u64),
) -> Result<Option<Reservation>> {
    if budgets.is_empty() {
        return Ok(None);
    }
    let need = Need {
        model,
        price,
        input_tokens,
        output_tokens,
    };
    Ok(Some(Reservation {
        amount: at_most(budgets, &[need], false)?,
        budgets: budgets.iter().map(Budget::counted_by).collect(),
        actor: caller.actor(),
    }))
}

/// What one who may answer needs at most.
#[derive(Clone, Copy)]
struct Need<'a> {
    model: &'a str,
    price: Option<&'a Price>,
    input_tokens: u64,
    output_tokens: u64,
}

impl<'a> Need<'a> {
    fn of(candidate: &'a Candidate) -> Self {
        let model = candidate.model.spec();
        let output = candidate.settings.max_output_tokens;
        let output = u64::from(output.unwrap_or(model.max_output_tokens));
        let input = candidate.window.used();
        // Where its format is looked at here, it may be asked twice, the second time with what it said.
        let (input_tokens, output_tokens) = match candidate.format {
            Some(_) => (2 * input + output, 2 * output),
            None => (input, output),
        };
        Self {
            model: &model.id,
            price: model.price.as_ref(),
            input_tokens,
            output_tokens,
        }
    }

    /// What the summary needs that whoever is asked first has to make, with its own room in the prompt after it.
    fn of_summary(candidate: &'a Candidate) -> Option<Self> {
        candidate.window.needs_summary()?;
        let model = candidate.model.spec();
        let longest = summary::longest(model.context_window)?;
        Some(Self {
            model: &model.id,
            price: model.price.as_ref(),
            input_tokens: summary::input_tokens(model, longest) + longest,
            output_tokens: summary::output_tokens(model, longest).into(),
        })
    }
}

/// The most that a run with those can use and cost. Where money is limited, all must have a price. Only one of them says
/// something, and who says nothing charges nothing; but where another may go on after a part of the answer, all may
/// charge.
fn at_most(budgets: &[Budget], needs: &[Need<'_>], several_may_answer: bool) -> Result<Spend> {
    let counts_money = |budget: &Budget| budget.limits(BudgetResource::MicroDollars);
    let in_money = budgets.iter().any(counts_money);
    let mut amount = Spend::default();
    for need in needs {
        let cost = match need.price {
            Some(price) => price.at_most(need.input_tokens, need.output_tokens),
            None if in_money => return Err(no_price(need.model)),
            None => MicroDollars::default(),
        };
        let tokens = need.input_tokens.saturating_add(need.output_tokens);
        amount = if several_may_answer {
            Spend {
                micro_dollars: amount.micro_dollars.plus(cost),
                tokens: amount.tokens.saturating_add(tokens),
            }
        } else {
            Spend {
                micro_dollars: amount.micro_dollars.max(cost),
                tokens: amount.tokens.max(tokens),
            }
        };
    }
    Ok(amount)
}

fn no_price(model: &str) -> Error {
    let detail = format!(
        "the model {} has no price, and a budget in money binds you; set `model` to one with a `price`",
        model
    );
    Error::invalid("/model", detail)
}

/// All limits of a budget.
pub(super) fn limits(budget: &Budget) -> impl Iterator<Item = (BudgetWindow, BudgetResource, u64)> {
    BudgetWindow::ALL.into_iter().flat_map(move |window| {
        let limit = budget.limit(window);
        BudgetResource::ALL
            .into_iter()
            .filter_map(move |resource| Some((window, resource, limit.of(resource)?)))
    })
}

/// The limit that has no room and will have none for the longest time. `None` if all have room by now.
pub(super) fn refusal(
    budgets: &[Budget],
    used: &[BudgetUse],
    needed: &Spend,
    now: Moment,
) -> Option<BudgetRefusal> {
    let all = budgets
        .iter()
        .zip(used)
        .flat_map(|(budget, used)| limits(budget).map(move |limit| (budget.scope, used, limit)));
    let refused = all.filter_map(|(scope, used, (window, resource, limit))| {
        let used = used.of(window);
        let (spent, reserved) = (used.spent.of(resource), used.reserved.of(resource));
        let needed = needed.of(resource);
        let window_ends = window.ends(now);
        let retry_after = if needed > limit {
            None
        } else if spent.saturating_add(needed) > limit {
            Some(window_ends.since(now))
        } else if spent.saturating_add(reserved).saturating_add(needed) > limit {
            Some(UNDER_WAY.min(window_ends.since(now)))
        } else {
            return None;
        };
        Some(BudgetRefusal {
            scope,
            window,
            resource,
            limit,
            spent,
            reserved,
            needed,
            window_ends,
            retry_after,
        })
    });
    refused.max_by_key(|refused| refused.retry_after.unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests {
    use shared::model::{BudgetLimit, BudgetScope, ModelSpec, UserId, WindowUse};

    use super::*;

    fn budget(scope: BudgetScope, day: BudgetLimit, month: BudgetLimit) -> Budget {
        Budget {
            scope,
            day,
            month,
            soft_percent: 80,
            changed_by: UserId::new(),
            version: 1,
            created_at: Moment::from_unix_seconds(0),
            changed_at: Moment::from_unix_seconds(0),
        }
    }

    fn limit(micro_dollars: Option<u64>, tokens: Option<u64>) -> BudgetLimit {
        BudgetLimit {
            micro_dollars: micro_dollars.map(MicroDollars),
            tokens,
        }
    }

    fn model(max_output_tokens: u32, price: Option<u64>) -> ModelSpec {
        let price = price.map(|each| Price {
            version: "1".to_owned(),
            input: each,
            output: each,
            cached_input: None,
            cache_write: None,
            reasoning: None,
        });
        ModelSpec {
            id: "m".to_owned(),
            provider_model: None,
            active: true,
            context_window: 10_000,
            max_output_tokens,
            capabilities: Default::default(),
            price,
        }
    }

    fn spend(micro_dollars: u64, tokens: u64) -> Spend {
        Spend {
            micro_dollars: MicroDollars(micro_dollars),
            tokens,
        }
    }

    #[test]
    fn the_dearest_and_the_longest_is_reserved_or_all_where_all_may_answer() {
        let none = limit(None, None);
        let money = budget(BudgetScope::Tenant, limit(Some(1), None), none);
        let tokens = budget(BudgetScope::Tenant, limit(None, Some(1)), none);
        let models = [
            model(100, Some(5_000_000)),
            model(900, Some(1_000_000)),
            model(900, None),
        ];
        let [dear, long, free] = models.each_ref().map(|model| Need {
            model: &model.id,
            price: model.price.as_ref(),
            input_tokens: 100,
            output_tokens: model.max_output_tokens.into(),
        });
        let amount = at_most(std::slice::from_ref(&money), &[dear, long], false);
        assert_eq!(amount.expect("prices"), spend(1_000, 1_000));
        let amount = at_most(std::slice::from_ref(&money), &[dear, long], true);
        assert_eq!(amount.expect("prices"), spend(2_000, 1_200));
        // Without a price it is not known what a model costs, which matters where money is limited.
        let needs = [free];
        let amount = at_most(std::slice::from_ref(&tokens), &needs, false);
        assert_eq!(amount.expect("tokens"), spend(0, 1_000));
        let refused = at_most(&[tokens, money], &needs, false);
        assert!(matches!(refused, Err(Error::Invalid(_))));
    }

    #[test]
    fn refused_is_told_by_the_limit_that_stands_in_the_way_for_longest() {
        let now = Moment::from_rfc3339("2026-01-30T23:59:55Z").expect("a moment");
        let both = limit(Some(100), Some(100));
        let budgets = [budget(BudgetScope::Tenant, both, both)];
        let told = |day: (Spend, Spend), month: (Spend, Spend), needed: Spend| {
            let window = |(spent, reserved)| WindowUse {
                spent,
                reserved,
                ..WindowUse::default()
            };
            let used = [BudgetUse {
                day: window(day),
                month: window(month),
            }];
            let refused = refusal(&budgets, &used, &needed, now)?;
            let seconds = refused.retry_after.map(|pause| pause.as_secs());
            Some((
                refused.window,
                refused.resource,
                seconds,
                refused.is_passing(),
            ))
        };
        let (money, tokens) = (BudgetResource::MicroDollars, BudgetResource::Tokens);
        let (day, month) = (BudgetWindow::Day, BudgetWindow::Month);
        let (nothing, some, most) = (spend(0, 0), spend(40, 0), spend(0, 90));
        assert_eq!(told((some, nothing), (some, some), spend(20, 20)), None);
        // Reserved by others: soon, and at the latest when the day is over.
        let soon = told((some, some), (nothing, nothing), spend(30, 0));
        assert_eq!(soon, Some((day, money, Some(5), true)));
        let soon = told((nothing, nothing), (some, some), spend(30, 0));
        assert_eq!(soon, Some((month, money, Some(10), true)));
        let spent = told((some, some), (most, nothing), spend(30, 30));
        assert_eq!(spent, Some((month, tokens, Some(86_405), false)));
        let never = told((most, nothing), (most, nothing), spend(101, 30));
        assert!(never.is_some_and(|(_, resource, pause, _)| resource == money && pause.is_none()));
    }
}
