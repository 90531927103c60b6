//! Answers in Redis or Valkey: `chatter:response-cache:<tenant>:<key>`, each until its time is over.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, IntoConnectionInfo as _};
use secrecy::ExposeSecret as _;

use crate::error::{Error, Result};
use crate::model::TenantId;
use crate::secrets::Secrets;

/// How long connecting may take, and how long a command.
const TIMEOUT: Duration = Duration::from_millis(250);

/// One connection for all turns of a process, which is made when it is first needed.
pub(super) struct Redis {
    /// Without a password.
    address: String,
    password_secret: Option<(Secrets, String)>,
    connection: Mutex<Option<MultiplexedConnection>>,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("Redis");
        debug
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Redis {
    pub(super) fn new(address: String, password_secret: Option<(Secrets, String)>) -> Self {
        Self {
            address,
            password_secret,
            connection: Mutex::default(),
        }
    }

    pub(super) async fn get(&self, tenant: TenantId, key: &str) -> Result<Option<String>> {
        let mut command = redis::cmd("GET");
        self.ask(command.arg(name(tenant, key))).await
    }

    pub(super) async fn put(
        &self,
        tenant: TenantId,
        key: &str,
        sealed: String,
        keep: Duration,
    ) -> Result<()> {
        let mut command = redis::cmd("SET");
        command.arg(name(tenant, key)).arg(sealed);
        self.ask(command.arg("EX").arg(keep.as_secs().max(1))).await
    }

    pub(super) async fn check(&self) -> Result<()> {
        self.ask(&redis::cmd("PING")).await
    }

    /// Connects anew next time. What happens to a connection while a process stands still, it does not learn.
    pub(super) fn forget(&self) {
        self.keep(None);
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        let kept = self.connection.lock();
        let kept = kept.unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(mut connection) = kept {
            match command.query_async(&mut connection).await {
                // The other side has closed it since the last turn.
                Err(error) if error.is_connection_dropped() => {}
                answered => return answered.map_err(Error::unavailable),
            }
        }
        let mut connection = self.connect().await?;
        let answered = command.query_async(&mut connection).await;
        if answered.is_ok() {
            self.keep(Some(connection));
        }
        answered.map_err(Error::unavailable)
    }

    async fn connect(&self) -> Result<MultiplexedConnection> {
        let info = self.address.as_str().into_connection_info();
        let mut info = info.map_err(Error::internal)?;
        if let Some((secrets, id)) = &self.password_secret {
            let password = secrets.get(id).await?;
            let settings = info.redis_settings().clone();
            info = info.set_redis_settings(settings.set_password(password.expose_secret()));
        }
        let client = Client::open(info).map_err(Error::internal)?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT));
        let connected = client.get_multiplexed_async_connection_with_config(&config);
        connected.await.map_err(Error::unavailable)
    }

    fn keep(&self, connection: Option<MultiplexedConnection>) {
        let kept = self.connection.lock();
        *kept.unwrap_or_else(PoisonError::into_inner) = connection;
    }
}

fn name(tenant: TenantId, key: &str) -> String {
    format!("chatter:response-cache:{tenant}:{key}")
}
