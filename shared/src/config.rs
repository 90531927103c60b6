//! The only reader of the environment. All faults are reported together, by name and never by value.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use crate::limits::{self, Policy};
use crate::model::ProviderSpec;

/// Where this deployment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// One machine, with stand-ins for AWS. The only stage that allows plain HTTP.
    Local,
    /// A deployment to try things in.
    Dev,
    /// A deployment that is like production.
    Staging,
    /// The real one.
    Prod,
}

/// All settings. `template.yaml` and the local stack set the variables of the same names.
#[derive(Debug, Clone)]
pub struct Config {
    /// `STAGE`.
    pub stage: Stage,
    /// `TABLE_NAME`: the DynamoDB table.
    pub table_name: String,
    /// `BUCKET_NAME`: the S3 bucket.
    pub bucket_name: String,
    /// `QUEUE_URL`: the SQS queue of background jobs.
    pub queue_url: String,
    /// `SIGNING_KEYS_SECRET_ID`: the secret that holds the signing-key ring.
    pub signing_keys_secret_id: String,
    /// `PROVIDER_KEYS_SECRET_ID`: the secret that holds the API keys of the model providers.
    pub provider_keys_secret_id: String,
    /// `TOKEN_ISSUER`: the `iss` of access tokens, and where this API is reached.
    pub token_issuer: String,
    /// `PROVIDERS`: a JSON list of providers with their models.
    pub providers: Vec<ProviderSpec>,
    /// `LIMITS`: a JSON list of rate-limit policies, at least one for each class of routes.
    pub limits: Vec<Policy>,
    /// `TURN_TIMEOUT_SECONDS`: how long a turn may take; 240 if not set.
    pub turn_timeout: Duration,
    /// `LOG_LEVEL`: a `tracing` filter; `info` if not set.
    pub log_level: String,
}

/// Everything that is wrong with the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFaults(pub Vec<String>);

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the configuration has {} fault(s): {}",
            self.0.len(),
            self.0.join("; ")
        )
    }
}

impl std::error::Error for ConfigFaults {}

impl Config {
    /// Reads the process's environment.
    pub fn from_env() -> Result<Self, ConfigFaults> {
        #[expect(clippy::disallowed_methods, reason = "this is the place that may")]
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads settings from `get`, which gives the value of a variable.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigFaults> {
        let mut reader = Reader {
            get,
            faults: Vec::new(),
        };
        let stage = reader.parsed("STAGE", "local, dev, staging or prod", stage);
        let config = Self {
            table_name: reader.required("TABLE_NAME"),
            bucket_name: reader.required("BUCKET_NAME"),
            queue_url: reader
                .parsed("QUEUE_URL", URL_RULE, |url| secure_url(url, stage))
                .unwrap_or_default(),
            signing_keys_secret_id: reader.required("SIGNING_KEYS_SECRET_ID"),
            provider_keys_secret_id: reader.required("PROVIDER_KEYS_SECRET_ID"),
            token_issuer: reader
                .parsed("TOKEN_ISSUER", URL_RULE, |url| secure_url(url, stage))
                .unwrap_or_default(),
            providers: reader.providers(stage),
            limits: reader.limits(),
            turn_timeout: reader.seconds("TURN_TIMEOUT_SECONDS", 5..=840, 240),
            log_level: reader.optional("LOG_LEVEL", "info"),
            stage: stage.unwrap_or(Stage::Local),
        };
        if reader.faults.is_empty() {
            Ok(config)
        } else {
            Err(ConfigFaults(reader.faults))
        }
    }
}

const URL_RULE: &str =
    "an https:// URL without a slash at the end (http:// only where STAGE is local)";

struct Reader<G> {
    get: G,
    faults: Vec<String>,
}

impl<G: Fn(&str) -> Option<String>> Reader<G> {
    fn value(&self, name: &str) -> Option<String> {
        (self.get)(name).filter(|value| !value.trim().is_empty())
    }

    fn required(&mut self, name: &str) -> String {
        self.parsed(name, "a value", |value| Some(value.to_owned()))
            .unwrap_or_default()
    }

    fn optional(&self, name: &str, default: &str) -> String {
        self.value(name).unwrap_or_else(|| default.to_owned())
    }

    fn parsed<T>(
        &mut self,
        name: &str,
        rule: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let Some(value) = self.value(name) else {
            self.faults
                .push(format!("{name} is missing: set it to {rule}"));
            return None;
        };
        let parsed = parse(&value);
        if parsed.is_none() {
            self.faults
                .push(format!("{name} is malformed: it must be {rule}"));
        }
        parsed
    }

    fn seconds(
        &mut self,
        name: &str,
        allowed: std::ops::RangeInclusive<u64>,
        default: u64,
    ) -> Duration {
        let seconds = match self.value(name) {
            None => Some(default),
            Some(value) => value
                .parse()
                .ok()
                .filter(|seconds| allowed.contains(seconds)),
        };
        if seconds.is_none() {
            self.faults.push(format!(
                "{name} is malformed: it must be a whole number of seconds from {} to {}",
                allowed.start(),
                allowed.end()
            ));
        }
        Duration::from_secs(seconds.unwrap_or(default))
    }

    fn limits(&mut self) -> Vec<Policy> {
        let Some(value) = self.value("LIMITS") else {
            self.faults.push(
                "LIMITS is missing: set it to a JSON list of {name, class, per, quota, window}"
                    .to_owned(),
            );
            return Vec::new();
        };
        limits::parse(&value).unwrap_or_else(|faults| {
            let faults = faults.into_iter().map(|fault| format!("LIMITS{fault}"));
            self.faults.extend(faults);
            Vec::new()
        })
    }

    fn providers(&mut self, stage: Option<Stage>) -> Vec<ProviderSpec> {
        let rule = "a JSON list of {name, wire, base_url, models: [{id, context_window, max_output_tokens}]}";
        let parsed = self.parsed("PROVIDERS", rule, |value| {
            serde_json::from_str::<Vec<ProviderSpec>>(value).ok()
        });
        let providers = parsed.unwrap_or_default();
        let mut names = HashSet::new();
        let mut models = HashSet::new();
        for (index, provider) in providers.iter().enumerate() {
            let place = format!("PROVIDERS[{index}]");
            if provider.name.is_empty() || !names.insert(provider.name.as_str()) {
                self.faults
                    .push(format!("{place}.name must be set and stand only once"));
            }
            if secure_url(&provider.base_url, stage).is_none() {
                self.faults
                    .push(format!("{place}.base_url must be {URL_RULE}"));
            }
            for model in &provider.models {
                if model.id.is_empty() || !models.insert(model.id.as_str()) {
                    self.faults.push(format!(
                        "{place}: a model's id must be set and stand only once"
                    ));
                }
                if model.max_output_tokens == 0 || model.max_output_tokens >= model.context_window {
                    self.faults.push(format!(
                        "{place}: a model's max_output_tokens must be from 1 to less than its context_window"
                    ));
                }
            }
        }
        if models.is_empty() && self.value("PROVIDERS").is_some() {
            self.faults
                .push("PROVIDERS must name at least one model".to_owned());
        }
        providers
    }
}

fn stage(value: &str) -> Option<Stage> {
    match value {
        "local" => Some(Stage::Local),
        "dev" => Some(Stage::Dev),
        "staging" => Some(Stage::Staging),
        "prod" => Some(Stage::Prod),
        _ => None,
    }
}

fn secure_url(value: &str, stage: Option<Stage>) -> Option<String> {
    let uri: http::Uri = value.parse().ok()?;
    let secure = uri.scheme_str() == Some("https")
        || (uri.scheme_str() == Some("http") && matches!(stage, Some(Stage::Local) | None));
    let plain = uri.query().is_none()
        && !value.ends_with('/')
        && !value.contains('@')
        && uri.host().is_some();
    (secure && plain).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 10] = [
        ("STAGE", "prod"),
        ("TABLE_NAME", "chatter"),
        ("BUCKET_NAME", "chatter-bucket"),
        ("QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/1/jobs"),
        ("SIGNING_KEYS_SECRET_ID", "keys"),
        ("PROVIDER_KEYS_SECRET_ID", "provider-keys"),
        ("TOKEN_ISSUER", "https://chatter.example.com"),
        ("PROVIDERS", PROVIDERS),
        ("LIMITS", LIMITS),
        ("TURN_TIMEOUT_SECONDS", "60"),
    ];
    const PROVIDERS: &str = r#"[{"name":"p","wire":"openai","base_url":"https://p.example.com/v1",
        "models":[{"id":"m","context_window":8192,"max_output_tokens":1024}]}]"#;

    const LIMITS: &str = r#"[{"name":"open","class":"open","per":"source","quota":10,"window":60},
        {"name":"auth","class":"auth","per":"source","quota":10,"window":60},
        {"name":"read","class":"read","per":"caller","quota":10,"window":60},
        {"name":"write","class":"write","per":"caller","quota":10,"window":60},
        {"name":"turn","class":"turn","per":"tenant","quota":10,"window":60},
        {"name":"sensitive","class":"sensitive","per":"caller","quota":10,"window":60}]"#;

    fn read_with(changed: &str, value: Option<&str>) -> Result<Config, ConfigFaults> {
        Config::read(|name| {
            if name == changed {
                return value.map(str::to_owned);
            }
            GOOD.iter()
                .find(|(good, _)| *good == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_good_environment_is_read() {
        let config = read_with("", None).expect("no fault");
        assert_eq!(config.stage, Stage::Prod);
        assert_eq!(config.turn_timeout, Duration::from_secs(60));
        assert_eq!(config.providers[0].models[0].context_window, 8192);
        assert_eq!(config.limits.len(), 6);
    }

    #[test]
    fn each_missing_or_malformed_variable_is_named_and_its_value_is_not() {
        let secret_looking = "hunter2 https://user:hunter2@x/";
        for (name, _) in GOOD {
            for value in [None, Some("  "), Some(secret_looking)] {
                let free_text = [
                    "TABLE_NAME",
                    "BUCKET_NAME",
                    "SIGNING_KEYS_SECRET_ID",
                    "PROVIDER_KEYS_SECRET_ID",
                ];
                let optional = name == "TURN_TIMEOUT_SECONDS";
                if value == Some(secret_looking) && free_text.contains(&name)
                    || value != Some(secret_looking) && optional
                {
                    continue;
                }
                let faults = read_with(name, value).expect_err(name).to_string();
                assert!(faults.contains(name), "{name}: {faults}");
                assert!(!faults.contains("hunter2"), "{faults}");
            }
        }
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let faults = Config::read(|_| None).expect_err("nothing is set");
        assert_eq!(faults.0.len(), 9, "{faults}");
    }

    #[test]
    fn each_fault_of_a_policy_is_named_with_its_place() {
        let limits = LIMITS.replacen("\"quota\":10", "\"quota\":0", 2);
        let faults = read_with("LIMITS", Some(&limits)).expect_err("two quotas of nothing");
        assert!(faults.0[0].starts_with("LIMITS[0].quota "), "{faults}");
        assert!(faults.0[1].starts_with("LIMITS[1].quota "), "{faults}");
        assert_eq!(faults.0.len(), 2, "{faults}");
    }

    #[test]
    fn plain_http_is_refused_outside_the_local_stage() {
        let faults = read_with("TOKEN_ISSUER", Some("http://chatter.example.com"))
            .expect_err("http in prod");
        assert!(faults.to_string().contains("TOKEN_ISSUER"));
    }

    #[test]
    fn a_model_that_leaves_no_room_for_input_is_refused() {
        let providers = PROVIDERS.replace("1024", "8192");
        assert!(read_with("PROVIDERS", Some(&providers)).is_err());
    }
}
