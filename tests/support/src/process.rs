//! Processes of their own.

use axum::Router;
use engine::ProviderKeys;
use shared::auth::{Federation, Standings};
use shared::guard::Guard;
use shared::limits::Limiter;
use shared::secrets::Secrets;
use shared::store::Store;
use shared::{App, Result};

use crate::api::{PATIENCE, TABLE, TestApi, authenticator, provider_keys, sdk};

impl TestApi {
    /// A further process on the same table with connections of its own, so that it may run on a runtime of its own, and all
    /// that it does ends with that.
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
