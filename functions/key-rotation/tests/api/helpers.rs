//! The function beside its Secrets Manager, with a clock that stands still.

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use key_rotation::{Outcome, Rotation, RotationEvent};
use serde_json::{Value, json};
use shared::App;
use shared::clock::{Clock, Moment};
use shared::config::Config;
use stand_ins::secrets::LocalSecrets;

/// The versions: the one that a stack begins with, and those of rotations.
pub(crate) const OLD: &str = "00000000-0000-0000-0000-000000000000";
pub(crate) const TOKEN: &str = "11111111-1111-1111-1111-111111111111";
pub(crate) const SIGNING: &str = "chatter/signing-keys";
pub(crate) const DATA: &str = "chatter/data-keys";
pub(crate) const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];
pub(crate) const ROTATION_TOKEN: &str = "rotation-token-canary";

/// A stack with both secrets, as it was just created.
pub(crate) struct Stack {
    pub(crate) manager: LocalSecrets,
    pub(crate) app: App,
    pub(crate) rotation: Rotation,
}

impl Stack {
    pub(crate) async fn new() -> Self {
        let manager = LocalSecrets::start().await.expect("a port");
        for name in [SIGNING, DATA] {
            let value = json!({"bootstrap": format!("{name} bootstrap canary, long enough")});
            let new =
                json!({"Name": name, "SecretString": value.to_string(), "ClientRequestToken": OLD});
            manager.call("CreateSecret", &new).expect("a secret");
        }
        let sdk = sdk(&manager.url).await;
        let clock = Clock::manual(Moment::from_unix_seconds(1_767_225_600));
        let app = App {
            clock,
            ..App::new(config(), &sdk)
        };
        Self {
            rotation: Rotation::new(&app),
            manager,
            app,
        }
    }

    /// What Secrets Manager does when a rotation begins.
    pub(crate) fn begin(&self, secret: &str, token: &str) {
        let request =
            json!({"SecretId": secret, "ClientRequestToken": token, "RotationLambdaARN": "arn:f"});
        self.manager
            .call("RotateSecret", &request)
            .expect("it begins");
    }

    /// One step, as Secrets Manager asks for it.
    pub(crate) async fn step(
        &self,
        secret: &str,
        token: &str,
        step: &str,
    ) -> shared::Result<Outcome> {
        let arn = self.describe(secret)["ARN"].clone();
        let event = json!({"Step": step, "SecretId": arn, "ClientRequestToken": token, "RotationToken": ROTATION_TOKEN});
        self.rotation.step(&RotationEvent::parse(event)?).await
    }

    /// A whole rotation.
    pub(crate) async fn rotate(&self, secret: &str, token: &str) {
        self.begin(secret, token);
        for step in STEPS {
            self.step(secret, token, step).await.expect(step);
        }
    }

    pub(crate) fn describe(&self, secret: &str) -> Value {
        let described = self
            .manager
            .call("DescribeSecret", &json!({"SecretId": secret}));
        described.expect("a description")
    }

    pub(crate) fn stages(&self, secret: &str) -> Value {
        self.describe(secret)["VersionIdsToStages"].clone()
    }

    /// The value of a version, if it has one.
    pub(crate) fn value(&self, secret: &str, version: &str) -> Option<String> {
        let request = json!({"SecretId": secret, "VersionId": version});
        let found = self.manager.call("GetSecretValue", &request).ok()?;
        found["SecretString"].as_str().map(str::to_owned)
    }

    /// The operations since this was asked last.
    pub(crate) fn operations(&self) -> Vec<String> {
        let calls = self.manager.take_calls().into_iter();
        calls.map(|call| call.operation).collect()
    }
}

/// Without retries: a call that fails is where the process crashed.
pub(crate) async fn sdk(url: &str) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .test_credentials()
        .endpoint_url(url)
        .retry_config(RetryConfig::disabled())
        .load()
        .await
}

fn config() -> Config {
    Config {
        signing_keys_secret_id: SIGNING.to_owned(),
        data_keys_secret_id: DATA.to_owned(),
        ..test_support::config()
    }
}
