//! Which models are better left alone, because they have failed for somebody a moment ago.

use std::sync::Arc;
use std::time::Duration;

use shared::clock::{Clock, Moment};
use shared::model::TenantId;
use shared::store::{Circuit, TenantStore};
use tokio::sync::Mutex;

use crate::catalogue::Model;

/// For how long a process believes what it has read.
const BELIEVED_FOR: Duration = Duration::from_secs(5);
/// Of how many tenants it remembers that.
const MOST_KEPT: usize = 1_000;

type Read = (Moment, Arc<Vec<Circuit>>);

/// What is known of models that failed. It helps, and nothing waits for it to be right: where the table does not answer,
/// all models count as sound.
#[derive(Debug, Clone)]
pub(crate) struct Circuits {
    clock: Clock,
    kept: Arc<Mutex<std::collections::HashMap<TenantId, Read>>>,
}

impl Circuits {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            kept: Arc::default(),
        }
    }

    /// The models of the tenant's that failed lately.
    pub(crate) async fn of(&self, store: &TenantStore) -> Arc<Vec<Circuit>> {
        let now = self.clock.now();
        if let Some((at, known)) = self.kept.lock().await.get(&store.tenant())
            && now.since(*at) < BELIEVED_FOR
        {
            return known.clone();
        }
        let read = store.circuit_list().await.unwrap_or_else(|error| {
            tracing::warn!(error = ?error, "which models fail could not be read: {error}");
            Vec::new()
        });
        let read = Arc::new(read);
        let mut kept = self.kept.lock().await;
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(store.tenant(), (now, read.clone()));
        read
    }

    /// Notes that a model failed in a way that may concern the next turn too.
    pub(crate) async fn failed(&self, store: &TenantStore, model: &Model) {
        let (provider, id) = (&model.provider().name, &model.spec().id);
        match store.circuit_failed(provider, id, self.clock.now()).await {
            Ok(false) => {}
            Ok(true) => {
                tracing::warn!(
                    provider,
                    model = id,
                    "the model {id} keeps failing; it is left alone for a while"
                );
                self.kept.lock().await.remove(&store.tenant());
            }
            Err(error) => {
                tracing::warn!(error = ?error, "a model's failure could not be noted: {error}");
            }
        }
    }

    /// Notes that a model answered. Nothing is written where nothing was known against it.
    pub(crate) async fn answered(&self, store: &TenantStore, model: &Model) {
        let (provider, id) = (&model.provider().name, &model.spec().id);
        let known = self.of(store).await;
        if !known.iter().any(|one| is_of(one, model)) {
            return;
        }
        match store.circuit_mended(provider, id).await {
            Ok(()) => {
                self.kept.lock().await.remove(&store.tenant());
            }
            Err(error) => {
                tracing::warn!(error = ?error, "a model's answer could not be noted: {error}");
            }
        }
    }
}

/// Whether that is about this model.
pub(crate) fn is_of(circuit: &Circuit, model: &Model) -> bool {
    circuit.provider == model.provider().name && circuit.model == model.spec().id
}
