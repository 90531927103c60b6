//! Calls of models that answer in one piece: again where that may help, with the tenant's own keys if it brought some,
//! charged to budgets unless nobody charges for them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use secrecy::SecretString;
use shared::auth::Caller;
use shared::error::ProviderFault;
use shared::model::{MicroDollars, Price, ProviderSpec, RunId, Usage};
use shared::store::TenantStore;
use shared::{Error, Result};

use crate::budget::most_of_call;
use crate::provider::{OwnKeys, Providers, may_be_charged};
use crate::title::charge;
use crate::turn::Engine;

/// How many calls are made side by side.
const CALLS: usize = 2;
/// How often a call is made.
const ATTEMPTS: u32 = 3;
/// The longest pause before another attempt that is worth waiting for.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long a process that died may have had something reserved.
const RESERVED_FOR: Duration = Duration::from_secs(300);

/// A call of a model.
pub(crate) trait Call: Sync {
    /// What comes of it.
    type Answer: Send;

    /// Who is asked.
    fn provider(&self) -> &ProviderSpec;

    /// How many tokens it sends, as we count them.
    fn tokens(&self) -> u64;

    /// How many tokens the provider counted, if it said so.
    fn counted(answer: &Self::Answer) -> Option<u64>;

    /// Makes it once, with the tenant's key or with the platform's.
    fn ask(
        &self,
        providers: &Providers,
        own: Option<&SecretString>,
        deadline: Instant,
    ) -> impl Future<Output = Result<Self::Answer>> + Send;
}

/// What came of calls, and what they took.
#[derive(Debug)]
pub(crate) struct Charged<T> {
    /// An answer a call, in their order.
    pub(crate) answers: Vec<T>,
    /// How many tokens were sent: as the provider counted, or as we do where it did not say.
    pub(crate) input_tokens: u64,
    /// What that cost. `None` if the model has no price.
    pub(crate) cost: Option<MicroDollars>,
}

/// One call, with all its attempts.
struct Made<T> {
    /// How many tokens are charged for it.
    tokens: u64,
    /// `None` if it was not begun because another had failed.
    answer: Result<Option<T>>,
}

impl Engine {
    /// Makes calls of one model. What they cost is charged to the caller's budgets, also where nothing comes of it: those
    /// that were answered, and those that the provider may have served although no answer came. One that it refused, or
    /// that never reached it, is taken to charge nothing, as with turns.
    ///
    /// # Errors
    /// `BudgetExceeded` if there is no room, and what providers come up with.
    pub(crate) async fn charged<C: Call>(
        &self,
        (store, caller): (&TenantStore, &Caller),
        (model, price): (&str, Option<&Price>),
        calls: &[C],
        deadline: Instant,
    ) -> Result<Charged<C::Answer>> {
        let budgets = self.budgets.of(store, caller).await?;
        let counted = calls.iter().map(C::tokens).fold(0, u64::saturating_add);
        // What a provider counts may be more than what we do.
        let tokens = (counted.saturating_mul(2), 0);
        let most = most_of_call(caller, &budgets, (model, price), tokens)?;
        let (began, charged) = (self.app.clock.now(), RunId::new());
        if let Some(reservation) = &most {
            let until = began.plus(RESERVED_FOR);
            self.reserve(store, (charged, began, until), reservation, &budgets)
                .await?;
        }
        let failed = AtomicBool::new(false);
        let calls = calls.iter();
        let calls: Vec<_> = calls
            .map(|call| self.called(store, call, deadline, &failed))
            .collect();
        // Those under way are waited for where another fails: they may be charged.
        let made: Vec<Made<C::Answer>> = futures_util::stream::iter(calls)
            .buffered(CALLS)
            .collect()
            .await;
        let input_tokens = made.iter().map(|made| made.tokens);
        let usage = Usage {
            input_tokens: input_tokens.fold(0, u64::saturating_add),
            ..Usage::default()
        };
        let cost = price.map(|price| price.of(&usage));
        if let Some(reservation) = &most {
            let spent = charge(Some(usage), cost, reservation);
            let now = self.app.clock.now();
            store
                .reservation_settle(charged, began, reservation, &spent, now)
                .await?;
        }
        let answers = made
            .into_iter()
            .filter_map(|made| made.answer.transpose())
            .collect::<Result<_>>()?;
        Ok(Charged {
            answers,
            input_tokens: usage.input_tokens,
            cost,
        })
    }

    /// Makes a call of a model that nobody charges for.
    ///
    /// # Errors
    /// What providers come up with.
    pub(crate) async fn uncharged<C: Call>(
        &self,
        store: &TenantStore,
        call: &C,
        deadline: Instant,
    ) -> Result<C::Answer> {
        let alone = AtomicBool::new(false);
        let made = self.called(store, call, deadline, &alone).await;
        let answer = made.answer?;
        answer.ok_or_else(|| Error::internal("a call without an answer"))
    }

    /// One call, and again where that may help, unless another has failed.
    async fn called<C: Call>(
        &self,
        store: &TenantStore,
        call: &C,
        deadline: Instant,
        failed: &AtomicBool,
    ) -> Made<C::Answer> {
        let (mut tokens, mut attempt) = (0_u64, 1);
        if failed.load(Ordering::Relaxed) {
            let answer = Ok(None);
            return Made { tokens, answer };
        }
        loop {
            let error = match self.called_once(store, call, deadline).await {
                Ok(answer) => {
                    let counted = C::counted(&answer).unwrap_or_else(|| call.tokens());
                    return Made {
                        tokens: tokens.saturating_add(counted),
                        answer: Ok(Some(answer)),
                    };
                }
                Err(error) => error,
            };
            if may_be_charged(&error) {
                tokens = tokens.saturating_add(call.tokens());
            }
            let pause = pause(&error, attempt).filter(|pause| {
                let left = deadline.saturating_duration_since(Instant::now());
                attempt < ATTEMPTS && *pause < left && !failed.load(Ordering::Relaxed)
            });
            let Some(pause) = pause else {
                failed.store(true, Ordering::Relaxed);
                let answer = Err(error);
                return Made { tokens, answer };
            };
            let provider = &call.provider().name;
            tracing::info!(provider, error = ?error, "a model is called again: {error}");
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// One call with the tenant's own keys if it brought some.
    async fn called_once<C: Call>(
        &self,
        store: &TenantStore,
        call: &C,
        deadline: Instant,
    ) -> Result<C::Answer> {
        let own = self.tenant_keys.get(store, call.provider()).await?;
        let asked = self.called_with(own.as_deref(), call, deadline).await;
        if !is_because(&asked, ProviderFault::CredentialRefused) {
            return asked;
        }
        // They may have been replaced since they were read.
        let now = self.tenant_keys.read_anew(store, call.provider()).await?;
        if own == now {
            return asked;
        }
        self.called_with(now.as_deref(), call, deadline).await
    }

    async fn called_with<C: Call>(
        &self,
        own: Option<&OwnKeys>,
        call: &C,
        deadline: Instant,
    ) -> Result<C::Answer> {
        let Some(own) = own else {
            return call.ask(&self.providers, None, deadline).await;
        };
        for key in own.at(self.app.clock.now()) {
            let asked = call.ask(&self.providers, Some(key), deadline).await;
            if !is_because(&asked, ProviderFault::Unauthorized) {
                return asked;
            }
        }
        Err(Error::provider(
            ProviderFault::CredentialRefused,
            "the provider refused every key of the tenant's",
        ))
    }
}

fn is_because<T>(asked: &Result<T>, why: ProviderFault) -> bool {
    matches!(asked, Err(Error::Provider { fault, .. }) if *fault == why)
}

/// How long to wait before another attempt; `None` if none may help.
fn pause(error: &Error, attempt: u32) -> Option<Duration> {
    let Error::Provider { fault, .. } = error else {
        return None;
    };
    if !fault.may_pass() {
        return None;
    }
    let jitter = u64::from(RunId::new().to_string().bytes().last().unwrap_or(0) % 16);
    let growing = Duration::from_millis((200 + 10 * jitter) << attempt);
    match fault {
        ProviderFault::Overloaded { retry_after } => {
            let asked_for = retry_after.unwrap_or(growing);
            (asked_for <= LONGEST_PAUSE).then_some(asked_for)
        }
        _ => Some(growing),
    }
}
