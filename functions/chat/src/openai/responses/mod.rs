//! `/v1/responses`: a response is a run with what it was asked, under an id with the run's digits.

pub(crate) mod cancel;
pub(crate) mod create;
pub(crate) mod delete;
mod events;
pub(crate) mod input_items;
mod kept;
mod references;
mod request;
pub(crate) mod retrieve;
mod thread;
mod tools;
mod view;

use shared::auth::Caller;
use shared::model::{ResponseId, Run, RunStatus};
use shared::store::TenantStore;
use shared::{Error, Result};

use self::kept::Kept;
use self::view::{Outcome, ResponseView};
use crate::Chat;

/// A response that can be fetched.
struct Fetched {
    store: TenantStore,
    run: Run,
    kept: Kept,
}

/// The caller's response with that id.
///
/// # Errors
/// `NotFound` if there is none, or it is not stored, or its time is over.
async fn fetch(chat: &Chat, caller: &Caller, id: ResponseId) -> Result<Fetched> {
    let store = chat.app.store.of(caller);
    fetch_from(chat, store, id)
        .await?
        .ok_or(Error::NotFound("response"))
}

async fn fetch_from(chat: &Chat, store: TenantStore, id: ResponseId) -> Result<Option<Fetched>> {
    let now = chat.app.clock.now();
    // Rows of runs are the person's, and those of responses the tenant's: only both together are the caller's.
    let (run, kept) = tokio::try_join!(store.run_get(id.run()), store.response_get(id.run(), now))?;
    let (Some(run), Some(kept)) = (run, kept) else {
        return Ok(None);
    };
    let Some(run) = chat.engine.settled(&store, run).await? else {
        return Ok(None);
    };
    let kept = serde_json::from_str(&kept).map_err(Error::internal)?;
    Ok(Some(Fetched { store, run, kept }))
}

impl Fetched {
    /// What has become of it.
    async fn outcome(&self) -> Result<Outcome> {
        let run = &self.run;
        if let Some(problem) = &run.problem {
            return Ok(match run.status {
                RunStatus::Cancelled => Outcome::Cancelled,
                _ => Outcome::of_problem(&problem.document),
            });
        }
        if !run.status.is_terminal() {
            return Ok(Outcome::Going);
        }
        let place = run.question_sequence + 1;
        let answer = self.store.message_get(run.conversation, place).await?;
        let answer = answer.ok_or(Error::NotFound("response"))?;
        Ok(Outcome::Answered(Box::new(answer)))
    }

    async fn view(&self) -> Result<ResponseView> {
        let outcome = self.outcome().await?;
        let searched = self.run.retrieval.is_some();
        Ok(ResponseView::new(&self.run, &self.kept, &outcome, searched))
    }
}

/// The id in a path. What can't be one is not there.
fn parse(id: &str) -> Result<ResponseId> {
    id.parse().map_err(|_| Error::NotFound("response"))
}
