//! Processes of their own.

use axum::Router;
use engine::ProviderKeys;
use shared::auth::{Federation, Standings};
use shared::guard::Guard;
use shared::limits::Limiter;
use shared::mishap::{Mishap, Mishaps};
use shared::secrets::Secrets;
use shared::store::Store;
use shared::{App, Result};
use stand_ins::meter::{Fault, Meter, Weather};

use crate::api::{PATIENCE, TABLE, TestApi, authenticator, provider_keys, sdk};

impl TestApi {
    /// A further process on the same table with connections of its own, so that it may run on a runtime of its own, and all
    /// that it does ends with that. Its calls to queues and to the bucket are in the same storm as those to the table.
    pub async fn process(&self, build: impl FnOnce(App, ProviderKeys) -> Result<Router>) -> Self {
        let sdk = sdk(&self.table.url).await;
        let store = Store::new(&sdk, TABLE);
        let guard = Guard::new(self.app.config.stage);
        let clock = self.app.clock.clone();
        let standings = Standings::new(store.clone(), clock.clone());
        let federation = Federation::new(store.clone(), guard.clone(), clock.clone());
        let app = App {
            authenticator: authenticator(&self.app.config, &clock, standings, federation),
            limiter: Limiter::with_patience(
                self.app.config.limits.clone(),
                store.clone(),
                PATIENCE,
            ),
            secrets: Secrets::new(&sdk),
            run_queue: self.app.run_queue.with_mishaps(mishaps(&self.table)),
            job_queue: self.app.job_queue.with_mishaps(mishaps(&self.table)),
            blobs: self.app.blobs.with_mishaps(mishaps(&self.table)),
            store,
            guard,
            sdk,
            ..self.app.clone()
        };
        let mut process = self.beside(|_| build(app.clone(), provider_keys()));
        process.app = app;
        process
    }
}

/// What the storm before the table has for calls that do not go there.
fn mishaps(table: &Meter) -> Mishaps {
    let table = table.clone();
    Mishaps::new(move |call| match table.weather(call) {
        Weather::Calm | Weather::Late(_) => None,
        Weather::Fault(Fault::ReplyLost | Fault::Closed) => Some(Mishap::ReplyLost),
        Weather::Fault(_) => Some(Mishap::Refused),
        Weather::Dead(done) => Some(Mishap::Died { done }),
    })
}
