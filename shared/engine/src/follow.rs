//! Reads along with a run, from any of its events to the last: from what is stored, so that it does not matter
//! which process works on it.

use std::time::{Duration, Instant};

use shared::model::{Message, Run, RunEvent, RunStatus};
use shared::store::TenantStore;
use shared::{Error, Result};
use tokio::sync::mpsc;

use crate::events;
use crate::turn::{EVENTS_WAITING, Engine, TurnEvent};

/// How long it waits between two looks, as long as something happens.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
/// How long it waits at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How long it waits for stored events of a run that has ended: they are stored side by side with its end.
const STRAGGLERS: Duration = Duration::from_secs(3);

/// Somebody who reads along.
struct Follower {
    engine: Engine,
    store: TenantStore,
    run: Run,
    /// The number of the next event.
    next: u64,
    events: mpsc::Sender<TurnEvent>,
}

impl Engine {
    /// The events of a run from the one with the number `from` on. They end with the last event, or with none if
    /// it is before `from`; at the deadline they end with [`TurnEvent::Cut`].
    pub fn follow(
        &self,
        store: TenantStore,
        run: Run,
        from: u64,
        deadline: Instant,
    ) -> mpsc::Receiver<TurnEvent> {
        let (sender, events) = mpsc::channel(EVENTS_WAITING);
        let mut follower = Follower {
            engine: self.clone(),
            store,
            run,
            next: from,
            events: sender,
        };
        tokio::spawn(async move {
            let followed = tokio::time::timeout_at(deadline.into(), follower.follow()).await;
            let cut = match followed {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error,
                Err(late) => Error::unavailable(late),
            };
            follower.send(TurnEvent::Cut(cut)).await;
        });
        events
    }

    /// The last event of a run that has ended.
    pub(crate) async fn last_event(&self, store: &TenantStore, run: &Run) -> Result<TurnEvent> {
        let last = run.end.map_or(0, |end| end.last);
        if let Some(problem) = &run.problem {
            return Ok(TurnEvent::Failed(events::error(last, problem), None));
        }
        let place = run.question_sequence + 1;
        let answer = store.message_get(run.conversation, place).await?;
        let answer: Message = answer.ok_or(Error::NotFound("run"))?;
        let event = events::done(last, run.conversation, &answer);
        Ok(TurnEvent::Done(event, Box::new(answer)))
    }
}

impl Follower {
    async fn follow(&mut self) -> Result<()> {
        let (mut pause, mut ended) = (SHORTEST_PAUSE, None);
        loop {
            // Who is asked is certain when it begins.
            if self.next == 0 && self.run.status != RunStatus::Queued {
                self.give(events::start(&self.run)).await;
            }
            // The run was read before the events are: if it had ended then, they are all there, or will never be.
            let given = self.next;
            self.give_stored(ended).await?;
            if self.run.status.is_terminal() {
                let since = *ended.get_or_insert_with(Instant::now);
                let stored = self.run.end.map_or(0, |end| end.stored);
                if self.next > stored || since.elapsed() > STRAGGLERS {
                    return self.give_last().await;
                }
            }
            if self.events.is_closed() {
                return Ok(());
            }
            pause = if self.next > given {
                SHORTEST_PAUSE
            } else {
                (pause * 2).min(LONGEST_PAUSE)
            };
            tokio::time::sleep(pause).await;
            self.run = self.read().await?.ok_or(Error::NotFound("run"))?;
        }
    }

    async fn read(&self) -> Result<Option<Run>> {
        match self.store.run_get(self.run.id).await? {
            Some(run) => self.engine.settled(&self.store, run).await,
            None => Ok(None),
        }
    }

    /// Gives what is stored without a gap; with one, if that is waited for in vain.
    async fn give_stored(&mut self, ended: Option<Instant>) -> Result<()> {
        let now = self.engine.app.clock.now();
        let end = self.run.end.map_or(u64::MAX, |end| end.stored);
        let in_vain = ended.is_some_and(|since| since.elapsed() > STRAGGLERS);
        for event in self.store.run_events(self.run.id, self.next, now).await? {
            if event.sequence > end || (event.sequence != self.next && !in_vain) {
                break;
            }
            self.give(event).await;
        }
        Ok(())
    }

    async fn give_last(&mut self) -> Result<()> {
        if self.run.end.is_some_and(|end| end.last < self.next) {
            return Ok(());
        }
        let last = self.engine.last_event(&self.store, &self.run).await?;
        self.send(last).await;
        Ok(())
    }

    async fn give(&mut self, event: RunEvent) {
        self.next = event.sequence + 1;
        self.send(TurnEvent::Event(event)).await;
    }

    /// A client that is gone is noticed at the next pause.
    async fn send(&self, event: TurnEvent) {
        if self.events.send(event).await.is_err() {
            tracing::debug!("nobody reads the events of run {} any more", self.run.id);
        }
    }
}
