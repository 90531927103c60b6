//! Writes down the events of a run while it goes on, and says that it does. The stream to the client never waits
//! for it.
//!
//! Events are stored in batches: after a quarter of a second, or when they are many or long. So an answer of 30
//! seconds is at most 120 writes for its text, and 30 for the lease.

use std::time::Duration;

use shared::clock::Clock;
use shared::model::{Attempt, Run, RunEvent};
use shared::store::{MOST_EVENTS_AT_ONCE, Pulse, TenantStore};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

/// For how long a run is certainly worked on after its process last said so.
pub(crate) const LEASE: Duration = Duration::from_secs(10);
/// How often the process says so, and learns whether it shall stop.
const PULSE: Duration = Duration::from_secs(1);
/// How long an event waits for others at most before it is stored.
const BATCH_TIME: Duration = Duration::from_millis(250);
/// How many bytes of events wait at most.
const BATCH_BYTES: usize = 2048;
/// How often a batch is written that the table does not take.
const ATTEMPTS: u32 = 4;

/// The other end of a task that writes.
#[derive(Debug)]
pub(crate) struct Recorder {
    events: mpsc::UnboundedSender<RunEvent>,
    pulse: watch::Receiver<Pulse>,
    spent: watch::Sender<Option<Spent>>,
    task: JoinHandle<()>,
}

/// What is charged if the process dies.
#[derive(Debug, Clone)]
struct Spent {
    sent_tokens: u64,
    attempts: Vec<Attempt>,
}

impl Recorder {
    /// Of a run that has just begun.
    pub(crate) fn start(store: TenantStore, run: Run, clock: Clock) -> Self {
        let (events, received) = mpsc::unbounded_channel();
        let (sender, pulse) = watch::channel(Pulse::GoOn);
        let (spent, spending) = watch::channel(None);
        let writer = Writer {
            store,
            run,
            clock,
            pulse: sender,
            spent: spending,
            waiting: Vec::new(),
            bytes: 0,
            since: Instant::now(),
        };
        Self {
            events,
            pulse,
            spent,
            task: tokio::spawn(writer.run(received)),
        }
    }

    /// Takes an event to be stored soon.
    pub(crate) fn record(&self, event: RunEvent) {
        if self.events.send(event).is_err() {
            tracing::error!("the task that stores events is gone");
        }
    }

    /// Says with the next pulse how many tokens a model is sent now, and what was asked before.
    pub(crate) fn sends(&self, sent_tokens: u64, attempts: &[Attempt]) {
        self.spent.send_replace(Some(Spent {
            sent_tokens,
            attempts: attempts.to_vec(),
        }));
    }

    /// Returns when the run shall not go on, and why.
    pub(crate) async fn stopped(&mut self) -> Pulse {
        let waited = self.pulse.wait_for(|pulse| *pulse != Pulse::GoOn).await;
        let pulse = waited.map(|pulse| *pulse);
        match pulse {
            Ok(pulse) => pulse,
            // The task has ended before the run did; nobody can stop it any more.
            Err(_) => std::future::pending().await,
        }
    }

    /// Waits until everything is stored.
    pub(crate) async fn finish(self) {
        let Self { events, task, .. } = self;
        drop(events);
        if let Err(error) = task.await {
            tracing::error!(error = ?error, "the task that stores events broke off");
        }
    }
}

struct Writer {
    store: TenantStore,
    run: Run,
    clock: Clock,
    pulse: watch::Sender<Pulse>,
    spent: watch::Receiver<Option<Spent>>,
    waiting: Vec<RunEvent>,
    bytes: usize,
    /// Since when the first of them waits.
    since: Instant,
}

impl Writer {
    async fn run(mut self, mut events: mpsc::UnboundedReceiver<RunEvent>) {
        let mut pulses = interval(PULSE);
        pulses.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick is at once, and the lease is new.
        pulses.tick().await;
        loop {
            let due = self.since + BATCH_TIME;
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => self.take(event).await,
                    None => break,
                },
                () = sleep_until(due), if !self.waiting.is_empty() => self.flush().await,
                _ = pulses.tick() => self.pulse().await,
            }
        }
        self.flush().await;
    }

    async fn take(&mut self, event: RunEvent) {
        if self.waiting.is_empty() {
            self.since = Instant::now();
        }
        self.bytes += event.data.len();
        self.waiting.push(event);
        let many = self.waiting.len() as u64 >= MOST_EVENTS_AT_ONCE;
        if many || self.bytes >= BATCH_BYTES {
            self.flush().await;
        }
    }

    async fn flush(&mut self) {
        self.bytes = 0;
        let events = std::mem::take(&mut self.waiting);
        for attempt in 1..=ATTEMPTS {
            let now = self.clock.now();
            match self.store.run_events_put(self.run.id, &events, now).await {
                Ok(()) => return,
                Err(error) if attempt == ATTEMPTS => {
                    // The answer is stored all the same; whoever reads along misses a piece.
                    tracing::error!(error = ?error, run.id = %self.run.id, "events of run {} could not be stored", self.run.id);
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50 << attempt)).await,
            }
        }
    }

    async fn pulse(&mut self) {
        if let Some(spent) = self.spent.borrow_and_update().clone() {
            self.run.sent_tokens = spent.sent_tokens;
            self.run.attempts = spent.attempts;
        }
        let until = self.clock.now().plus(LEASE);
        match self.store.run_pulse(&self.run, until).await {
            Ok(pulse) => {
                self.pulse
                    .send_if_modified(|now| std::mem::replace(now, pulse) != pulse);
            }
            // The next one may come through. If none does, somebody else ends the run.
            Err(error) => {
                tracing::warn!(error = ?error, run.id = %self.run.id, "the lease of run {} could not be renewed", self.run.id);
            }
        }
    }
}
