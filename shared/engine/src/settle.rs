//! Ends runs whose process died: what it had stored of the answer becomes the answer, and is charged by our own count.

use shared::http::Problem;
use shared::model::{
    Answer, Attempt, AttemptPurpose, FinishReason, Message, MicroDollars, Retrieval, Role, Run,
    RunEnd, RunProblem, RunStatus, RunnerId, Usage,
};
use shared::store::{Ended, TenantStore};
use shared::{Error, Result};

use crate::catalogue::Catalogue;
use crate::events::{DELTA, Delta, RETRIEVAL, SWITCH, Switch};
use crate::recorder::LEASE;
use crate::running::milliseconds;
use crate::tokens;
use crate::turn::Engine;

/// How many events a client may have got that nobody stored. The last event comes after all of them.
const UNSTORED_AT_MOST: u64 = 10_000;

/// What is known of an answer, and whose it is.
struct Written {
    text: String,
    provider: String,
    model: String,
    /// Those before it, who said something and failed.
    before: Vec<Attempt>,
    /// What was found before it.
    retrieval: Option<Retrieval>,
}

impl Engine {
    /// The run as it is, after it was ended if its process died. `None` if it is not there any more.
    pub async fn settled(&self, store: &TenantStore, run: Run) -> Result<Option<Run>> {
        let now = self.app.clock.now();
        if run.status == RunStatus::Queued {
            return self.settled_in_queue(store, run, now).await;
        }
        if run.status.is_terminal() || run.lease_until > now {
            return Ok(Some(run));
        }
        let catalogue = self.catalogues.of(store).await?;
        let (mut written, stored) = self.written_down(store, &run, &catalogue).await?;
        let dead = run.owner;
        // What was summed up before the answer stands there already.
        let mut attempts = run.attempts.clone();
        attempts.append(&mut written.before);
        attempts.push(charged(&run, &written, &catalogue));
        let costs = attempts
            .iter()
            .filter_map(|attempt| attempt.cost_micro_dollars);
        let mut ended = Run {
            owner: RunnerId::new(),
            status: RunStatus::Incomplete,
            cost: costs.reduce(MicroDollars::plus),
            attempts,
            retrieval: written.retrieval.take(),
            end: Some(RunEnd {
                stored,
                last: stored + 1 + UNSTORED_AT_MOST,
            }),
            ended_at: Some(now),
            ..run
        };
        let written = if written.text.trim().is_empty() {
            let error = Error::RunInterrupted;
            let problem = problem(&error, &ended);
            let failure = problem.slug.clone();
            ended.problem = Some(problem);
            store.turn_fail(&ended, dead, &failure, now).await?
        } else {
            let answer = interrupted(&ended, written, now);
            store.turn_end(&ended, dead, &answer, None).await?
        };
        match written {
            Ended::Yes => {
                tracing::error!(run.id = %ended.id, "the process of run {} died; the run is incomplete", ended.id);
                self.note_thresholds_of(store, &ended).await;
                Ok(Some(ended))
            }
            // Its process is alive after all, or somebody else was quicker.
            Ended::TakenOver => store.run_get(ended.id).await,
            Ended::ConversationGone => {
                store.turn_forget(&ended, now).await?;
                Ok(None)
            }
        }
    }

    /// The answer as far as it is stored in events without a gap, and the number of the last of them.
    async fn written_down(
        &self,
        store: &TenantStore,
        run: &Run,
        catalogue: &Catalogue,
    ) -> Result<(Written, u64)> {
        let mut written = Written {
            text: String::new(),
            provider: run.provider.clone(),
            model: run.model.clone(),
            before: Vec::new(),
            retrieval: None,
        };
        let mut next = 1;
        loop {
            let events = store.run_events(run.id, next, self.app.clock.now()).await?;
            let before = next;
            for event in events {
                if event.sequence != next {
                    return Ok((written, next - 1));
                }
                if event.name == DELTA {
                    let delta: Delta =
                        serde_json::from_str(&event.data).map_err(Error::internal)?;
                    written.text.push_str(&delta.content);
                } else if event.name == RETRIEVAL {
                    let found = serde_json::from_str(&event.data);
                    written.retrieval = Some(found.map_err(Error::internal)?);
                } else if event.name == SWITCH {
                    let switch: Switch =
                        serde_json::from_str(&event.data).map_err(Error::internal)?;
                    let mut before = std::mem::take(&mut written.before);
                    // Whoever failed before a word charges nothing.
                    if !written.text.is_empty() {
                        before.push(charged(run, &written, catalogue));
                    }
                    written = Written {
                        text: String::new(),
                        provider: switch.provider,
                        model: switch.model,
                        before,
                        retrieval: written.retrieval,
                    };
                }
                next += 1;
            }
            if next == before {
                return Ok((written, next - 1));
            }
        }
    }
}

/// What an attempt of a process that died is charged: all that was to be sent, because it most likely was, and what is
/// known of the answer. While a summary is made, that is what the summary is made of.
fn charged(run: &Run, written: &Written, catalogue: &Catalogue) -> Attempt {
    let usage = Usage {
        input_tokens: run.sent_tokens,
        output_tokens: tokens::estimate(&written.text),
        ..Usage::default()
    };
    let price = catalogue.price(&written.provider, &written.model);
    // The last that is known of it.
    let alive = run.lease_until.minus(LEASE).since(run.created_at);
    Attempt {
        provider: written.provider.clone(),
        model: written.model.clone(),
        purpose: AttemptPurpose::Answer,
        problem: Some(Problem::slug(&Error::RunInterrupted).to_owned()),
        first_token_ms: None,
        latency_ms: milliseconds(alive),
        usage: Some(usage),
        usage_estimated: true,
        cost_micro_dollars: price.map(|price| price.of(&usage)),
        price_version: price.map(|price| price.version.clone()),
        cached_from: None,
    }
}

/// Why a run has no answer, for its row and its last event.
pub(crate) fn problem(error: &Error, run: &Run) -> RunProblem {
    Problem::stored(error, &run.request)
}

fn interrupted(run: &Run, written: Written, now: shared::clock::Moment) -> Message {
    Message {
        id: run.answer,
        sequence: run.question_sequence + 1,
        parent: Some(run.question),
        run: Some(run.id),
        role: Role::Assistant,
        content: written.text,
        parts: Vec::new(),
        removed: Vec::new(),
        tool_rounds: 0,
        answer: Some(Answer {
            provider: written.provider,
            model: written.model,
            finish_reason: FinishReason::Interrupted,
            usage: None,
            first_token_ms: None,
            latency_ms: None,
            cached: None,
            // The texts of the passages went with the process.
            citations: Vec::new(),
            support: None,
        }),
        failure: None,
        pending_until: None,
        created_at: now,
    }
}
