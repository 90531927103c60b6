//! Processes that die.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use engine::ProviderKeys;
use shared::{App, Result};
use test_support::{Storm, TestApi};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

/// What a process may take in quiet, and how long a second is after that.
const PATIENCE: Duration = Duration::from_millis(150);
const TICK: Duration = Duration::from_millis(10);

/// How a process ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate {
    /// When its work is done, and nothing waits in it any more.
    Lives,
    /// At that call to the table, before or after that is done.
    DiesAt { call: usize, done: bool },
    /// When the model has been asked.
    DiesAsking,
}

impl Fate {
    pub(crate) fn draw(drawn: &mut fastrand::Rng) -> Self {
        match drawn.u8(0..10) {
            0..5 => Self::Lives,
            5..9 => Self::DiesAt {
                call: drawn.usize(1..16),
                done: drawn.bool(),
            },
            _ => Self::DiesAsking,
        }
    }
}

/// The weather of a schedule: a third of them is calm, and in the worst two calls of five fail.
pub(crate) fn draw_percent(drawn: &mut fastrand::Rng) -> u8 {
    *drawn.choice(&[0, 5, 15, 40]).expect("one")
}

/// A process of one function on a runtime of its own: when it dies, everything in it ends where it stands.
pub(crate) struct Process {
    runtime: Runtime,
    pub(crate) api: TestApi,
}

impl Process {
    pub(crate) fn new(
        world: &TestApi,
        build: impl FnOnce(App, ProviderKeys) -> Result<Router>,
    ) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let api = runtime.block_on(world.process(build));
        Self { runtime, api }
    }

    /// Does that in a storm, and dies as it must. `None` if it died before it was done.
    ///
    /// What lives goes on a little after it is done, as the tasks do that are behind a reply.
    pub(crate) fn lives<T>(
        self,
        fate: Fate,
        storm: Storm,
        work: impl AsyncFnOnce(&TestApi) -> T,
    ) -> Option<T> {
        let Self { runtime, api } = self;
        let (storm, told) = match fate {
            Fate::DiesAt { call, done } => storm.and_death(call, done),
            Fate::Lives | Fate::DiesAsking => (storm, Arc::new(Notify::new())),
        };
        api.table.storm(storm);
        let work = Box::pin(work(&api));
        let done = runtime.block_on(async {
            tokio::select! {
                biased;
                () = dies(&api, fate, &told) => None,
                () = time_passes(&api) => None,
                done = work => {
                    settle().await;
                    Some(done)
                }
            }
        });
        api.table.heal();
        runtime.shutdown_background();
        done
    }
}

async fn dies(api: &TestApi, fate: Fate, told: &Notify) {
    match fate {
        Fate::Lives => std::future::pending().await,
        Fate::DiesAt { .. } => told.notified().await,
        Fate::DiesAsking => {
            while !api.provider.was_asked() {
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Lets the clock run fast as soon as the process waits long: for a lease that must end, or because it is slow, and then it
/// may be taken for dead.
async fn time_passes(api: &TestApi) {
    tokio::time::sleep(PATIENCE).await;
    loop {
        api.app.clock.advance(Duration::from_secs(1));
        tokio::time::sleep(TICK).await;
    }
}

/// Lets tasks that are ready go on.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

/// Runs something to its end on a runtime.
pub(crate) fn on<T>(runtime: &Runtime, work: impl Future<Output = T>) -> T {
    runtime.block_on(Box::pin(work))
}
