//! Rotates the signing keys and the data keys. Secrets Manager calls it once for each of four steps, with the id of
//! the version to make; it may call a step again, and all of them.
//!
//! <https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html>

mod event;
mod ring;

use secrecy::SecretString;
use serde_json::Value;
use shared::clock::Clock;
use shared::http::Deadline;
use shared::lambda::EventHandler;
use shared::rotation::RotationFault;
use shared::secrets::{CURRENT, PENDING, Secrets};
use shared::{App, Error, Result};

pub use event::{RotationEvent, Step};
pub use ring::Ring;

/// Why Secrets Manager's wish is not met.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("rotation is not enabled for this secret")]
    NotEnabled,
    #[error("the secret has no version with this ClientRequestToken")]
    NoSuchVersion,
    #[error("the version is not the pending one")]
    NotPending,
    #[error("the secret has no current version")]
    NoCurrent,
    #[error(
        "this function rotates SIGNING_KEYS_SECRET_ID and DATA_KEYS_SECRET_ID, and no other secret"
    )]
    ForeignSecret,
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::internal(refused)
    }
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The version is the current one already: the step came late, and nothing was written.
    AlreadyCurrent,
    /// The pending version was given its value.
    Written,
    /// It had its value already.
    AlreadyWritten,
    /// There is nothing to set: the keys are used by nobody but Chatter itself.
    NothingToSet,
    /// The pending ring can take the current one's place.
    Tried,
    /// The pending version has become the current one.
    Finished,
}

/// The function.
#[derive(Debug, Clone)]
pub struct Rotation {
    secrets: Secrets,
    clock: Clock,
    issuer: String,
    /// The ids of the secrets in the configuration.
    signing_keys: String,
    data_keys: String,
}

impl Rotation {
    /// With what every function has.
    pub fn new(app: &App) -> Self {
        Self {
            secrets: app.secrets.clone(),
            clock: app.clock.clone(),
            issuer: app.config.token_issuer.clone(),
            signing_keys: app.config.signing_keys_secret_id.clone(),
            data_keys: app.config.data_keys_secret_id.clone(),
        }
    }

    /// Does one step and logs what it came to.
    pub async fn step(&self, event: &RotationEvent) -> Result<Outcome> {
        let ring = self.ring(&event.secret_id)?;
        let outcome = self.outcome(event, ring).await?;
        let (step, version) = (event.step, &event.client_request_token);
        tracing::info!(?step, ?ring, %version, ?outcome, "rotation of {ring:?}, {step:?}: {outcome:?}");
        Ok(outcome)
    }

    /// What comes before every step, and then the step.
    async fn outcome(&self, event: &RotationEvent, ring: Ring) -> Result<Outcome> {
        let (id, version) = (&event.secret_id, &event.client_request_token);
        let versions = self.secrets.describe(id).await?;
        if !versions.rotation_enabled {
            return Err(Refused::NotEnabled.into());
        }
        let stages = versions.stages.get(version).ok_or(Refused::NoSuchVersion)?;
        let has = |stage: &str| stages.iter().any(|found| found == stage);
        if has(CURRENT) {
            return Ok(Outcome::AlreadyCurrent);
        }
        if !has(PENDING) {
            return Err(Refused::NotPending.into());
        }
        match event.step {
            Step::CreateSecret => self.create(event, ring).await,
            Step::SetSecret => Ok(Outcome::NothingToSet),
            Step::TestSecret => self.test(event, ring).await.map(|()| Outcome::Tried),
            Step::FinishSecret => {
                let current = versions.current().ok_or(Refused::NoCurrent)?;
                // The steps before may have been left out, or be of another day.
                self.test(event, ring).await?;
                self.secrets.move_current(id, version, current).await?;
                Ok(Outcome::Finished)
            }
        }
    }

    async fn create(&self, event: &RotationEvent, ring: Ring) -> Result<Outcome> {
        let (id, version) = (&event.secret_id, &event.client_request_token);
        let current = self.secrets.get(id).await?;
        if self.secrets.get_pending(id, version).await?.is_some() {
            return Ok(Outcome::AlreadyWritten);
        }
        let next = ring.successor(&current, self.clock.now())?;
        let token = event.rotation_token.as_ref();
        self.secrets.put_pending(id, version, &next, token).await?;
        Ok(Outcome::Written)
    }

    async fn test(&self, event: &RotationEvent, ring: Ring) -> Result<()> {
        let (id, version) = (&event.secret_id, &event.client_request_token);
        let current: SecretString = self.secrets.get(id).await?;
        let pending = self.secrets.get_pending(id, version).await?;
        let pending = pending.ok_or_else(|| Error::internal(RotationFault::NoValue))?;
        ring.try_successor(&current, &pending, &self.issuer, self.clock.now())
            .await
    }

    fn ring(&self, secret_id: &str) -> Result<Ring> {
        if event::is_same_secret(&self.signing_keys, secret_id) {
            Ok(Ring::SigningKeys)
        } else if event::is_same_secret(&self.data_keys, secret_id) {
            Ok(Ring::DataKeys)
        } else {
            Err(Refused::ForeignSecret.into())
        }
    }
}

impl EventHandler for Rotation {
    type Answer = ();

    async fn handle(&self, event: Value, _: Deadline) -> Result<()> {
        let event = RotationEvent::parse(event)?;
        self.step(&event).await.map(|_| ())
    }
}
