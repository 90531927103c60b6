//! Rotations whose calls fail, whose replies are lost and whose processes die: as Secrets Manager does, the whole of it is
//! tried again.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use key_rotation::{Rotation, RotationEvent};
use serde_json::{Value, json};
use shared::App;
use shared::auth::{Authenticator, KeySource};
use shared::clock::{Clock, Moment};
use shared::config::Config;
use shared::model::{MembershipRole, SessionId, TenantId, UserId};
use shared::secrets::Secrets;
use stand_ins::secrets::{LocalSecrets, SecretsFault};
use test_support::dies_after;
use tokio::runtime::{Builder, Runtime};

use crate::process::on;
use crate::schedules::{Part, schedules};

const FIRST: &str = "00000000-0000-0000-0000-000000000000";
const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];
/// How often Secrets Manager begins the four steps anew here.
const TRIES: usize = 6;

struct Stack {
    runtime: Runtime,
    manager: LocalSecrets,
    sdk: SdkConfig,
}

impl Stack {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let manager = on(&runtime, LocalSecrets::start()).expect("a port");
        let sdk = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .test_credentials()
            .endpoint_url(&manager.url)
            // What is tried again is the whole rotation.
            .retry_config(RetryConfig::disabled())
            .load();
        Self {
            sdk: on(&runtime, sdk),
            manager,
            runtime,
        }
    }
}

/// One secret with a ring, and the processes that sign and verify with it.
struct Ring<'a> {
    stack: &'a Stack,
    name: String,
    app: App,
}

impl<'a> Ring<'a> {
    fn new(stack: &'a Stack, seed: u64) -> Self {
        let name = format!("chatter/signing-keys-{seed}");
        let value = json!({"bootstrap": format!("a text of {seed} that is long enough")});
        let new =
            json!({"Name": name, "SecretString": value.to_string(), "ClientRequestToken": FIRST});
        stack.manager.call("CreateSecret", &new).expect("a secret");
        let config = Config {
            signing_keys_secret_id: name.clone(),
            ..test_support::config()
        };
        let app = App {
            clock: Clock::manual(Moment::from_unix_seconds(1_767_225_600)),
            ..App::new(config, &stack.sdk)
        };
        Self { stack, name, app }
    }

    fn authenticator(&self) -> Authenticator {
        let secrets = Secrets::new(&self.stack.sdk);
        let app = &self.app;
        Authenticator::new(
            KeySource::secret(secrets, self.name.clone(), app.clock.clone()),
            app.config.token_issuer.clone(),
            app.clock.clone(),
            app.config.stage,
            app.authenticator.standings().clone(),
            app.authenticator.federation().clone(),
        )
    }

    fn describe(&self) -> Value {
        let request = json!({"SecretId": self.name});
        let described = self.stack.manager.call("DescribeSecret", &request);
        described.expect("a description")
    }

    /// The version with that label.
    fn labelled(&self, label: &str) -> Option<String> {
        let described = self.describe();
        let versions = described["VersionIdsToStages"]
            .as_object()
            .expect("versions");
        let has = |labels: &Value| {
            labels
                .as_array()
                .is_some_and(|all| all.contains(&json!(label)))
        };
        let found: Vec<&String> = versions
            .iter()
            .filter(|(_, it)| has(it))
            .map(|(id, _)| id)
            .collect();
        assert!(found.len() <= 1, "{label} is at {found:?}");
        found.first().map(|id| (*id).clone())
    }

    /// A step in a process that may die in it. Whether it succeeded.
    fn step(&self, token: &str, step: &str, dies: Option<usize>) -> bool {
        let rotation = Rotation::new(&self.app);
        let arn = self.describe()["ARN"].clone();
        let event = json!({"Step": step, "SecretId": arn, "ClientRequestToken": token});
        let event = RotationEvent::parse(event).expect("an event");
        on(&self.stack.runtime, async {
            let mut done = None;
            let work = async { done = Some(rotation.step(&event).await.is_ok()) };
            dies_after(dies.unwrap_or(usize::MAX), work).await;
            done.unwrap_or(false)
        })
    }

    /// A whole rotation; whether it succeeded.
    fn rotate(&self, token: &str, drawn: &mut fastrand::Rng, stormy: bool) -> bool {
        for step in STEPS {
            // Secrets Manager may also call a step again that has succeeded.
            for _ in 0..=u8::from(stormy && drawn.u8(0..5) == 0) {
                let dies = (stormy && drawn.u8(0..4) == 0).then(|| drawn.usize(1..20));
                if stormy {
                    self.weather(drawn);
                }
                let succeeded = self.step(token, step, dies);
                self.stack.manager.heal();
                if !succeeded {
                    return false;
                }
            }
        }
        true
    }

    fn weather(&self, drawn: &mut fastrand::Rng) {
        for _ in 0..6 {
            let fault = match drawn.u8(0..20) {
                0 => SecretsFault::Throttled,
                1 | 2 => SecretsFault::Unavailable,
                3 | 4 => SecretsFault::ReplyLost,
                5 => SecretsFault::Delayed(Duration::from_millis(1)),
                _ => SecretsFault::Pass,
            };
            self.stack.manager.fail("*", fault, 1);
        }
    }
}

fn schedule(stack: &mut Stack, seed: u64) {
    let mut drawn = fastrand::Rng::with_seed(seed);
    let ring = Ring::new(stack, seed);
    let old = ring.authenticator();
    let signed = |by: &Authenticator| {
        let (user, session, tenant) = (UserId::new(), SessionId::new(), TenantId::new());
        let token = by.access_token(user, session, tenant, MembershipRole::Owner);
        on(&stack.runtime, token).expect("a token")
    };
    let before = signed(&old);
    let token = format!("{:032x}", drawn.u128(..));
    let begin =
        json!({"SecretId": ring.name, "ClientRequestToken": token, "RotationLambdaARN": "arn:f"});
    stack
        .manager
        .call("RotateSecret", &begin)
        .expect("it begins");
    let mut rotated = false;
    for try_ in 0..=TRIES {
        rotated = ring.rotate(&token, &mut drawn, try_ < TRIES);
        // At no moment is there no current ring, or one that does not verify what is alive.
        let fresh = ring.authenticator();
        on(&stack.runtime, fresh.subject(&before)).expect("an old token");
        let by_new = signed(&fresh);
        on(&stack.runtime, old.subject(&by_new)).expect("a new token, where the ring is old");
        if rotated {
            break;
        }
        ring.app.clock.advance(Duration::from_secs(20));
    }
    assert!(rotated, "in calm weather it succeeds");
    assert_eq!(ring.labelled("AWSCURRENT"), Some(token.clone()));
    assert_eq!(ring.labelled("AWSPREVIOUS").as_deref(), Some(FIRST));
    let pending = ring.labelled("AWSPENDING");
    assert!(
        pending.is_none() || pending == Some(token.clone()),
        "{pending:?}"
    );
    let value = json!({"SecretId": ring.name, "VersionId": token});
    let value = stack
        .manager
        .call("GetSecretValue", &value)
        .expect("a value");
    let value: Value =
        serde_json::from_str(value["SecretString"].as_str().expect("text")).expect("JSON");
    let keys = value["keys"].as_array().expect("keys");
    assert_eq!(keys.len(), 2, "one key more, however often it was tried");
    // And the next one begins.
    let next = format!("{:032x}", drawn.u128(..));
    let begin =
        json!({"SecretId": ring.name, "ClientRequestToken": next, "RotationLambdaARN": "arn:f"});
    stack
        .manager
        .call("RotateSecret", &begin)
        .expect("nothing is left pending");
}

fn part(number: u64) -> Part {
    Part {
        area: "rotations",
        number,
        percent: 17,
    }
}

fn group(stack: &mut Stack, seeds: &[u64]) {
    for seed in seeds {
        schedule(stack, *seed);
    }
}

#[test]
fn a_rotation_loses_no_token_1() {
    schedules(&part(30), Stack::new, group);
}

#[test]
fn a_rotation_loses_no_token_2() {
    schedules(&part(31), Stack::new, group);
}
