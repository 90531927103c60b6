//! Budgets of turns: what a turn may cost at most is reserved when it begins, and a turn for which there is no room
//! does not begin.

mod room;

use std::sync::Arc;

use futures_util::future::join_all;
use shared::auth::{Caller, Via};
use shared::clock::{Clock, Moment};
use shared::kept::Kept;
use shared::model::{
    ApiKeyId, AuditAction, AuditEvent, AuditOutcome, Budget, BudgetResource, BudgetScope,
    BudgetWindow, Origin, Reservation, Run, RunId, TenantId, UserId,
};
use shared::store::{Beginning, Begun, OpenReservation, TenantStore};
use shared::{App, Error, Result};

use room::{limits, refusal};
pub(crate) use room::{most_of_call, reservation};

use crate::recorder::LEASE;
use crate::turn::Engine;

/// How often a turn tries to begin: room may come while it looks for some.
const ATTEMPTS: u32 = 3;
/// How many of the oldest reservations are looked at for runs whose processes died. Others end within the time of a
/// turn, so that those become the oldest.
const LOOKED_AT: u32 = 20;

/// Who is bound by budgets: a person in a tenant, with an API key or without.
type Who = (TenantId, UserId, Option<ApiKeyId>);

/// The budgets that bind callers, remembered for half a minute.
#[derive(Debug, Clone)]
pub(crate) struct Budgets {
    clock: Clock,
    kept: Arc<Kept<Who, Arc<Vec<Budget>>>>,
}

impl Budgets {
    pub(crate) fn new(app: &App) -> Self {
        Self {
            clock: app.clock.clone(),
            kept: Arc::default(),
        }
    }

    /// The budgets that bind the caller.
    pub(crate) async fn of(
        &self,
        store: &TenantStore,
        caller: &Caller,
    ) -> Result<Arc<Vec<Budget>>> {
        let key = match caller.via() {
            Via::ApiKey { id, .. } => Some(id),
            Via::Session(_) | Via::Federated => None,
        };
        let (who, now) = ((caller.tenant(), caller.user(), key), self.clock.now());
        let state = match self.kept.get(&who, now) {
            Ok(known) => return Ok(known),
            Err(state) => state,
        };
        let mut scopes = vec![BudgetScope::Tenant, BudgetScope::User(caller.user())];
        scopes.extend(key.map(BudgetScope::ApiKey));
        let budgets = Arc::new(store.budgets_get(&scopes).await?);
        self.kept.put(who, budgets.clone(), now, state);
        Ok(budgets)
    }
}

impl Engine {
    /// Begins a run for which budgets have room. If they would have, without what runs of dead processes have reserved,
    /// those are ended first.
    pub(crate) async fn claim(
        &self,
        store: &TenantStore,
        beginning: Beginning<'_>,
    ) -> Result<Begun> {
        let Beginning { run, budgets, .. } = beginning;
        for _ in 0..ATTEMPTS {
            let begun = store.turn_begin(beginning).await?;
            if begun != Begun::NoRoom {
                return Ok(begun);
            }
            let needed = run.reservation.as_ref().map(|reserved| reserved.amount);
            let used = store.spend_get(budgets, run.created_at).await?;
            let refused = refusal(budgets, &used, &needed.unwrap_or_default(), run.created_at);
            let Some(refused) = refused else { continue };
            if !(refused.is_passing() && self.end_dead_runs(store).await?) {
                return Err(Error::BudgetExceeded(Box::new(refused)));
            }
        }
        Err(Error::unavailable("the budgets' room comes and goes"))
    }

    /// Reserves what a call may cost that is no run of its own.
    ///
    /// # Errors
    /// `BudgetExceeded` if there is no room.
    pub(crate) async fn reserve(
        &self,
        store: &TenantStore,
        times: (RunId, Moment, Moment),
        reservation: &Reservation,
        budgets: &[Budget],
    ) -> Result<()> {
        let (_, began, _) = times;
        for _ in 0..ATTEMPTS {
            if store.reserve(times, reservation, budgets).await? {
                return Ok(());
            }
            let used = store.spend_get(budgets, began).await?;
            if let Some(refused) = refusal(budgets, &used, &reservation.amount, began) {
                return Err(Error::BudgetExceeded(Box::new(refused)));
            }
        }
        Err(Error::unavailable("the budgets' room comes and goes"))
    }

    /// Ends the oldest runs that have something reserved and no process any more. Whether there was one.
    async fn end_dead_runs(&self, store: &TenantStore) -> Result<bool> {
        let now = self.app.clock.now();
        let open = store.reservations_open(LOOKED_AT).await?.into_iter();
        let old = open.filter(|open| now.since(open.began) > LEASE);
        let ended = join_all(old.map(|open| self.end_if_dead(store, open, now))).await;
        Ok(ended.into_iter().any(|ended| ended))
    }

    /// Whether the reservation is settled now. What can't be is logged, so that it does not stand in the way of the
    /// others.
    async fn end_if_dead(&self, store: &TenantStore, open: OpenReservation, now: Moment) -> bool {
        let owner = store.of_reservation(&open);
        let settled = async {
            match owner.run_get(open.run).await? {
                Some(run) => {
                    let run = self.settled(&owner, run).await?;
                    Ok(run.is_none_or(|run| run.status.is_terminal()))
                }
                // Its conversation was deleted, and nobody can know any more what it cost.
                None if open.until < now => {
                    let OpenReservation {
                        run,
                        began,
                        reservation,
                        ..
                    } = &open;
                    let charge = reservation.amount;
                    owner
                        .reservation_settle(*run, *began, reservation, &charge, now)
                        .await
                }
                None => Ok(false),
            }
        };
        settled.await.unwrap_or_else(|error: Error| {
            tracing::error!(run.id = %open.run, error = ?error, "the reservation of run {} could not be settled", open.run);
            false
        })
    }

    /// Notes which limits are nearly reached, of the budgets that a run was counted by and that are still there.
    pub(crate) async fn note_thresholds_of(&self, store: &TenantStore, run: &Run) {
        let Some(reservation) = &run.reservation else {
            return;
        };
        let counted = &reservation.budgets;
        let scopes: Vec<BudgetScope> = counted.iter().map(|counted| counted.scope).collect();
        match store.budgets_get(&scopes).await {
            Ok(mut budgets) => {
                budgets.retain(|budget| counted.contains(&budget.counted_by()));
                self.note_thresholds(store, run, &budgets).await;
            }
            Err(error) => log_unnoted(run, &error),
        }
    }

    /// Notes which limits are nearly reached after a run was settled, each once in its window. It is no condition of
    /// the run: what fails is logged, and the next run does it.
    pub(crate) async fn note_thresholds(&self, store: &TenantStore, run: &Run, budgets: &[Budget]) {
        if budgets.is_empty() {
            return;
        }
        if let Err(error) = self.try_note_thresholds(store, run, budgets).await {
            log_unnoted(run, &error);
        }
    }

    async fn try_note_thresholds(
        &self,
        store: &TenantStore,
        run: &Run,
        budgets: &[Budget],
    ) -> Result<()> {
        let used = store.spend_get(budgets, run.created_at).await?;
        for (budget, used) in budgets.iter().zip(&used) {
            for (window, resource, limit) in limits(budget) {
                let used = used.of(window);
                let spent = used.spent.of(resource);
                let crossed = spent >= budget.threshold(limit) && spent > 0;
                if crossed && used.soft_at(resource).is_none() {
                    self.note_threshold(store, run, budget, (window, resource))
                        .await?;
                }
            }
        }
        Ok(())
    }

    async fn note_threshold(
        &self,
        store: &TenantStore,
        run: &Run,
        budget: &Budget,
        (window, resource): (BudgetWindow, BudgetResource),
    ) -> Result<()> {
        let Some(reservation) = &run.reservation else {
            return Ok(());
        };
        let scope = budget.scope;
        let unit = match resource {
            BudgetResource::MicroDollars => "micro_dollars",
            BudgetResource::Tokens => "tokens",
        };
        let name = window.name(run.created_at);
        let event = AuditEvent {
            tenant: store.tenant(),
            actor: reservation.actor,
            action: AuditAction::BudgetThresholdReached,
            target: Some(format!("{scope} {name} {unit}")),
            outcome: AuditOutcome::Success,
            at: self.app.clock.now(),
            origin: Origin {
                request_id: run.request,
                source_ip: None,
                user_agent: None,
            },
        };
        let noted = store.spend_soft(budget, window, resource, run.created_at, &event);
        if noted.await? {
            tracing::warn!(
                alarm = "budget-threshold",
                tenant.id = %store.tenant(),
                budget.scope = %scope,
                budget.window = name,
                budget.resource = unit,
                budget.percent = budget.soft_percent,
                "{}% of the {unit} of budget {scope} for {name} are spent",
                budget.soft_percent
            );
        }
        Ok(())
    }
}

fn log_unnoted(run: &Run, error: &Error) {
    tracing::error!(run.id = %run.id, error = ?error, "what run {} left of its budgets could not be noted", run.id);
}
