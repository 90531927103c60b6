//! How a turn begins: whether it may, and its first rows.

use shared::auth::Caller;
use shared::model::{Budget, ModelSettings};
use shared::store::{Beginning, Begun, History, TenantStore};
use shared::{Error, Result};

use crate::plan::Plan;
use crate::planning::fill_with_older;
use crate::retrieval;
use crate::turn::{Engine, TurnRequest};

impl Engine {
    /// That the documents that a turn is to be answered from can be searched, as the caller and the budgets have it.
    pub(crate) async fn may_search(
        &self,
        store: &TenantStore,
        caller: &Caller,
        settings: &ModelSettings,
        budgets: &[Budget],
    ) -> Result<()> {
        retrieval::may_read(store, caller, settings).await?;
        self.can_sort((store, caller), settings, budgets).await
    }

    /// Writes the first rows of a turn, and reads older messages beside it. Why it did not begin, where the same request
    /// may have begun it.
    pub(crate) async fn write_and_fill(
        &self,
        store: &TenantStore,
        request: &TurnRequest,
        beginning: Beginning<'_>,
        (plan, older): (&mut Plan, Option<History>),
    ) -> Result<Option<Error>> {
        let keeps = (request.thread.as_ref()).is_none_or(|thread| thread.keeps_question);
        let fetched = request.fetched.as_ref();
        let beginning = Beginning {
            once: request.once.as_ref(),
            before: if keeps { beginning.before } else { &[] },
            response: fetched.map(|fetched| (&*fetched.text, fetched.until)),
            ..beginning
        };
        refusal(tokio::try_join!(
            self.claim(store, beginning),
            fill_with_older(store, request.conversation, plan, older)
        ))
    }
}

/// Why a turn did not begin, where the same request may have begun it.
fn refusal(claimed: Result<(Begun, ())>) -> Result<Option<Error>> {
    match claimed {
        Ok((Begun::Yes, ())) => Ok(None),
        Ok(_) => Ok(Some(Error::ConversationBusy)),
        Err(error @ Error::BudgetExceeded(_)) => Ok(Some(error)),
        Err(error) => Err(error),
    }
}
