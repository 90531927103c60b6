//! Whatever becomes of turns, in whatever order, and wherever their processes die: budgets count each of them once, and
//! what was reserved comes back.

mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;
use shared::clock::Moment;
use shared::model::{
    Budget, BudgetResource, BudgetScope, BudgetWindow, MicroDollars, Run, RunId, Spend,
};
use shared::store::{Beginning, Begun, Ended, TenantStore};
use test_support::TestApi;
use tokio::runtime::Runtime;

use crate::budgets::{allow, seen};
use crate::helpers::{ADA, api, conversation, say, store};
use rows::{amount, answer, ended, new_run};

/// What a day and a month may cost in tokens and in micro-dollars: somewhat more than a turn that is sent.
const DAY: u64 = 2_000;
const MONTH: u64 = 5_000;
const SLOTS: usize = 4;

/// Something that happens. What never happens to a run is that of a process that died.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A process begins a run, which reserves so much.
    Begin(usize, u64),
    /// The process ends it, and it cost so many percent of that. Perhaps it was taken for dead.
    End(usize, u64),
    /// The same, and nobody hears that it is written, so that it is written again.
    EndTwice(usize, u64),
    /// The same without an answer.
    Fail(usize, u64),
    /// Somebody looks at the run, who ends it if its lease is over.
    Look(usize),
    /// Somebody deletes the conversation.
    Delete(usize),
    /// A turn is sent, which may end runs of others to find room.
    Turn,
    /// So many seconds pass.
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let slot = 0..SLOTS;
    let percent = || prop_oneof![4 => 0..=100_u64, 1 => 100..200_u64];
    prop_oneof![
        5 => (slot.clone(), 1..1_500_u64).prop_map(|(slot, amount)| Step::Begin(slot, amount)),
        3 => (slot.clone(), percent()).prop_map(|(slot, part)| Step::End(slot, part)),
        1 => (slot.clone(), percent()).prop_map(|(slot, part)| Step::EndTwice(slot, part)),
        1 => (slot.clone(), percent()).prop_map(|(slot, part)| Step::Fail(slot, part)),
        2 => slot.clone().prop_map(Step::Look),
        1 => slot.prop_map(Step::Delete),
        2 => Just(Step::Turn),
        2 => prop_oneof![1..30_u64, 1_000..50_000_u64].prop_map(Step::Wait),
    ]
}

/// What should be counted, by the names of days and months.
#[derive(Default)]
struct Expected {
    spent: BTreeMap<String, Spend>,
    /// How much more than it had reserved what was spent cost.
    over: BTreeMap<String, u64>,
}

impl Expected {
    fn add(&mut self, at: Moment, amount: &Spend, charge: &Spend) {
        for window in BudgetWindow::ALL {
            let spent = self.spent.entry(window.name(at)).or_default();
            spent.micro_dollars = spent.micro_dollars.plus(charge.micro_dollars);
            spent.tokens += charge.tokens;
            let over = BudgetResource::ALL
                .map(|resource| charge.of(resource).saturating_sub(amount.of(resource)));
            *self.over.entry(window.name(at)).or_default() += over.into_iter().max().unwrap_or(0);
        }
    }
}

struct World {
    api: TestApi,
    store: TenantStore,
    budgets: Vec<Budget>,
    /// The runs as their processes know them.
    slots: Vec<Option<Run>>,
    /// The runs that are not settled, by what is expected.
    open: BTreeMap<RunId, Run>,
    expected: Expected,
    /// A moment of each day in which runs began.
    began: BTreeMap<String, Moment>,
}

impl World {
    async fn new() -> Self {
        let api = api().await;
        // Four hours before a month is over.
        api.app
            .clock
            .advance(Duration::from_secs((31 * 24 - 4) * 3600));
        let user = api.people.get("ada").await.user;
        let scopes = [BudgetScope::Tenant, BudgetScope::User(user)];
        for scope in scopes {
            let limit = |most: u64| json!({"micro_dollars": most, "tokens": most});
            let limits = json!({"day": limit(DAY), "month": limit(MONTH), "soft_percent": 50});
            allow(&api, &scope.to_string(), limits).await;
        }
        let store = store(&api).await;
        let budgets = store.budgets_get(&scopes).await.expect("budgets");
        Self {
            store,
            budgets,
            slots: vec![None; SLOTS],
            open: BTreeMap::new(),
            expected: Expected::default(),
            began: BTreeMap::new(),
            api,
        }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Begin(slot, amount) => self.begin(slot, amount).await,
            Step::End(slot, part) => self.end(slot, part, Self::answered).await,
            Step::EndTwice(slot, part) => {
                self.end(slot, part, Self::answered).await;
                self.end(slot, part, Self::answered).await;
            }
            Step::Fail(slot, part) => self.end(slot, part, Self::failed).await,
            Step::Look(slot) => {
                if let Some(run) = self.slots[slot].clone() {
                    let path = format!("/api/v1/runs/{}", run.id);
                    let status = self.api.get(ADA, &path).await.status.as_u16();
                    assert!([200, 404].contains(&status), "{status}");
                }
            }
            Step::Delete(slot) => {
                if let Some(run) = self.slots[slot].clone() {
                    let now = self.api.app.clock.now();
                    let conversation = run.conversation;
                    let deleted = self.store.conversation_delete(conversation, now);
                    deleted.await.expect("a write");
                }
            }
            Step::Turn => self.turn().await,
            Step::Wait(seconds) => self.api.app.clock.advance(Duration::from_secs(seconds)),
        }
        self.check().await;
    }

    fn room(&self, at: Moment, amount: u64) -> bool {
        let fits = |window: BudgetWindow, limit: u64| {
            let spent = self.expected.spent.get(&window.name(at));
            let spent = spent.copied().unwrap_or_default();
            let reserved = self.reserved(window, at);
            BudgetResource::ALL
                .into_iter()
                .all(|resource| spent.of(resource) + reserved.of(resource) + amount <= limit)
        };
        fits(BudgetWindow::Day, DAY) && fits(BudgetWindow::Month, MONTH)
    }

    fn reserved(&self, window: BudgetWindow, at: Moment) -> Spend {
        let mut sum = Spend::default();
        for run in self.open.values() {
            if window.name(run.created_at) == window.name(at) {
                let amount = amount(run);
                sum.micro_dollars = sum.micro_dollars.plus(amount.micro_dollars);
                sum.tokens += amount.tokens;
            }
        }
        sum
    }

    async fn begin(&mut self, slot: usize, amount: u64) {
        let now = self.api.app.clock.now();
        let path = conversation(&self.api, json!({"model": "large"})).await;
        let (question, run) = new_run(&path, amount, &self.budgets, now);
        let begun = self.store.turn_begin(Beginning {
            budgets: &self.budgets,
            ..Beginning::new(&question, &run)
        });
        let expected = if self.room(now, amount) {
            Begun::Yes
        } else {
            Begun::NoRoom
        };
        assert_eq!(begun.await.expect("a write"), expected);
        if expected == Begun::Yes {
            self.open.insert(run.id, run.clone());
            self.began.insert(now.day(), now);
            self.slots[slot] = Some(run);
        }
    }

    /// The process of a run ends it, as `Running` does.
    async fn end(
        &mut self,
        slot: usize,
        part: u64,
        write: impl AsyncFn(&TenantStore, &Run, Moment) -> Ended,
    ) {
        let Some(known) = self.slots[slot].clone() else {
            return;
        };
        let now = self.api.app.clock.now();
        let run = ended(&known, part, now);
        let written = write(&self.store, &run, now).await;
        if written == Ended::Yes {
            assert!(self.open.contains_key(&run.id), "it was ended twice");
            return;
        }
        assert_eq!(
            written,
            Ended::TakenOver,
            "conversations go with their runs"
        );
        if self.store.run_get(run.id).await.expect("a read").is_some() {
            return;
        }
        let (reservation, charge) = (run.reservation.as_ref().expect("one"), run.charge());
        let settled =
            self.store
                .reservation_settle(run.id, run.created_at, reservation, &charge, now);
        if settled.await.expect("a write") {
            let known = self.open.remove(&run.id).expect("it was settled twice");
            let amount = amount(&known);
            self.expected.add(run.created_at, &amount, &charge);
        }
    }

    async fn answered(store: &TenantStore, run: &Run, now: Moment) -> Ended {
        let answer = answer(run, now);
        let written = store.turn_end(run, run.owner, &answer, None);
        written.await.expect("a write")
    }

    async fn failed(store: &TenantStore, run: &Run, now: Moment) -> Ended {
        let written = store.turn_fail(run, run.owner, "provider-unavailable", now);
        written.await.expect("a write")
    }

    /// A turn by the front door.
    async fn turn(&mut self) {
        let path = conversation(&self.api, json!({"model": "large"})).await;
        self.api.provider.take_requests();
        let now = self.api.app.clock.now();
        let script = json!({"say": ["Hi"], "counts": {"input": 200, "output": 300}});
        let reply = say(&self.api, &path, script).await;
        let asked = self.api.provider.take_requests().len();
        if reply.status == 201 {
            assert_eq!(asked, 1);
            let usage = Spend {
                micro_dollars: MicroDollars(200 * 4 / 10 + 300 * 16 / 10),
                tokens: 500,
            };
            self.expected.add(now, &usage, &usage);
            self.began.insert(now.day(), now);
        } else {
            assert_eq!((reply.problem().0, asked), (429, 0), "{}", reply.text);
        }
    }

    /// Learns what was settled, and compares everything.
    async fn check(&mut self) {
        let rows = self.store.reservations_open(100).await.expect("a read");
        let unsettled: BTreeSet<RunId> = rows.iter().map(|row| row.run).collect();
        let known: BTreeSet<RunId> = self.open.keys().copied().collect();
        assert!(unsettled.is_subset(&known), "somebody forgot to reserve");
        for run in known.difference(&unsettled) {
            let known = self.open.remove(run).expect("known");
            let row = self.store.run_get(*run).await.expect("a read");
            let amount = amount(&known);
            // Nobody knows what it cost where nothing is left of it.
            let charge = row.map_or(amount, |row| {
                assert!(row.status.is_terminal() && !row.attempts.is_empty());
                row.charge()
            });
            self.expected.add(known.created_at, &amount, &charge);
        }
        for at in self.began.values() {
            let used = self.store.spend_get(&self.budgets, *at).await;
            for used in used.expect("counters") {
                for (window, limit) in [(BudgetWindow::Day, DAY), (BudgetWindow::Month, MONTH)] {
                    let name = window.name(*at);
                    let spent = self.expected.spent.get(&name).copied().unwrap_or_default();
                    let counted = used.of(window);
                    assert_eq!(counted.spent, spent, "{name}");
                    assert_eq!(counted.reserved, self.reserved(window, *at), "{name}");
                    let over = self.expected.over.get(&name).copied().unwrap_or_default();
                    for resource in BudgetResource::ALL {
                        let all = counted.spent.of(resource) + counted.reserved.of(resource);
                        assert!(
                            all <= limit + over,
                            "{name}: {all} is over {limit} by {over}"
                        );
                    }
                }
            }
        }
    }

    /// All that is still open is ended by somebody.
    async fn finish(mut self) {
        self.api.app.clock.advance(Duration::from_secs(7200));
        for run in self.open.clone().into_values() {
            let path = format!("/api/v1/runs/{}", run.id);
            let reply = self.api.get(ADA, &path).await;
            if reply.status == 404 {
                // Its conversation is gone; its process comes back at last.
                self.slots[0] = self.open.get(&run.id).cloned();
                self.end(0, 50, Self::answered).await;
            }
        }
        self.check().await;
        assert!(self.open.is_empty());
        assert!(!self.api.table.dump().await.contains("#RESERVED"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn money_is_conserved_and_what_is_reserved_comes_back(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        Runtime::new().expect("a runtime").block_on(async {
            let mut world = World::new().await;
            for step in steps {
                world.take(step).await;
            }
            world.finish().await;
        });
    }
}

#[tokio::test]
async fn a_run_of_which_nothing_is_left_costs_what_it_reserved() {
    let mut world = World::new().await;
    world.take(Step::Begin(0, 1_000)).await;
    world.take(Step::Delete(0)).await;
    world.take(Step::Turn).await;
    assert_eq!(world.open.len(), 1, "its process may be alive");
    world.take(Step::Wait(71)).await;
    world.take(Step::Turn).await;
    // There was no room with what it had reserved, and there is none with what it cost.
    assert_eq!(world.open.len(), 0);
    let budget = seen(&world.api, "tenant").await;
    assert_eq!(budget["day"]["tokens"]["spent"], 1_000);
    assert_eq!(budget["day"]["tokens"]["reserved"], 0);
}
