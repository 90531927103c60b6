//! A provider, and a model on each of its wires.

use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use engine::{
    Catalogue, Completion, Model, Part, Prompt, PromptMessage, ProviderKeys, Providers, Settings,
    Speaker, ToolSpec,
};
use serde_json::{Value, json};
use shared::clock::{Clock, Moment};
use shared::config::Stage;
use shared::guard::Guard;
use shared::http::TraceContext;
use shared::model::{ContentPart, ProviderOwner, ProviderSpec, RequestId};
use shared::{Error, Result};
use stand_ins::provider::ScriptedProvider;

pub(crate) const WIRES: [&str; 4] = ["openai", "anthropic", "gemini", "bedrock"];

/// A scripted provider and who asks it.
pub(crate) struct World {
    pub(crate) scripted: ScriptedProvider,
    pub(crate) providers: Providers,
    pub(crate) clock: Clock,
}

/// What AWS is spoken to with.
pub(crate) fn sdk(credentials: Option<Credentials>) -> SdkConfig {
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"));
    let credentials = credentials.map(SharedCredentialsProvider::new);
    let mut config = config;
    config.set_credentials_provider(credentials);
    config.build()
}

pub(crate) fn credentials() -> Credentials {
    Credentials::new("AKIDTEST", "secret", None, None, "test")
}

impl World {
    /// Without keys, and with credentials of AWS.
    pub(crate) async fn start() -> Self {
        Self::with(ProviderKeys::fixed([]), Some(credentials())).await
    }

    pub(crate) async fn with(keys: ProviderKeys, credentials: Option<Credentials>) -> Self {
        let clock = Clock::manual(Moment::from_unix_seconds(1_800_000_000));
        Self {
            scripted: ScriptedProvider::start().await.expect("a provider"),
            providers: Providers::new(keys, &sdk(credentials), &clock, &Guard::new(Stage::Local)),
            clock,
        }
    }

    /// A provider on that wire.
    pub(crate) fn spec(&self, wire: &str) -> ProviderSpec {
        let path = match wire {
            "openai" => "/v1",
            "gemini" => "/v1beta",
            _ => "",
        };
        let spec = json!({
            "name": wire,
            "wire": wire,
            "base_url": format!("{}{path}", self.scripted.url),
            "models": [{"id": "a.model-1:0", "context_window": 100_000, "max_output_tokens": 1000,
                        "capabilities": ["tools", "images"]}],
        });
        ProviderSpec {
            owner: ProviderOwner::Platform,
            ..serde_json::from_value(spec).expect("a provider")
        }
    }

    pub(crate) fn model(&self, wire: &str) -> Model {
        Catalogue::new(&[self.spec(wire)]).choices()[0].targets[0]
            .1
            .clone()
    }

    /// Asks a model of that wire.
    pub(crate) async fn ask(&self, wire: &str, messages: Vec<PromptMessage>) -> Result<Completion> {
        let (model, trace) = (self.model(wire), TraceContext::begin(RequestId::new()));
        let prompt = Prompt {
            model: &model,
            trace: &trace,
            system_prompt: Some("Be brief."),
            messages,
            settings: Settings {
                tools: vec![ToolSpec {
                    name: "weather".to_owned(),
                    description: None,
                    parameters: json!({"type": "object"}),
                    strict: false,
                }],
                ..Settings::default()
            },
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        self.providers.complete(&prompt, deadline).await
    }

    /// What a model of that wire does with a script.
    pub(crate) async fn play(&self, wire: &str, script: &Value) -> Result<Vec<Part>> {
        let mut completion = self.ask(wire, vec![user(&script.to_string())]).await?;
        let mut parts = Vec::new();
        loop {
            match completion.next().await? {
                Part::End => return Ok(parts),
                part => parts.push(part),
            }
        }
    }

    /// Why a script fails.
    pub(crate) async fn fails(&self, wire: &str, script: &Value) -> Error {
        match self.play(wire, script).await {
            Err(error) => error,
            Ok(parts) => panic!("{wire} {script}: {parts:?}"),
        }
    }
}

pub(crate) fn user(text: &str) -> PromptMessage {
    PromptMessage {
        speaker: Speaker::User,
        parts: vec![ContentPart::text(text)],
    }
}
